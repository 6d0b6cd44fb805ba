package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// Explanation says, of an event, or of an object's latest event, why each
// endpoint was told or not.
type Explanation struct {
	// Event is the one that is explained; null if none of the object is kept any
	// more.
	Event *Event `json:"event"`
	// Object is what was asked for, if it was no event.
	Object string `json:"object,omitempty"`
	// Recent are the object's recent events, newest first, at most 20.
	Recent []Event `json:"recent"`
	// KeptFrom is when the oldest event came in that is kept.
	KeptFrom  *time.Time            `json:"keptFrom" doc:"when the oldest event came in that is kept; null if none is"`
	Endpoints []EndpointExplanation `json:"endpoints"`
}

// What became of an event at an endpoint.
const (
	ToldNotYetThere = "not-there"  // the endpoint was added later
	ToldNotWanted   = "not-wanted" // it does not subscribe to it
	ToldNothing     = "not-told"   // its style does not tell such a change
	ToldDelivered   = "delivered"
	ToldWaiting     = "waiting"  // for its object to be quiet
	ToldDue         = "due"      // to be sent now, or as soon as the endpoint answers
	ToldRetrying    = "retrying" // it is tried again by itself
	ToldFailed      = "failed"   // the retries are used up
	ToldHeld        = "held"     // owed to an endpoint that nothing is sent to; or one of too many deletions
	ToldSkipped     = "skipped"  // by what is known now, it does not matter to the endpoint
	ToldUnknown     = "unknown"  // nothing is owed, and there is no event to go by, or it does not say whether it was told
)

// EndpointExplanation says why an endpoint was told, or not.
type EndpointExplanation struct {
	Endpoint string `json:"endpoint"`
	Group    string `json:"group"`
	State    string `json:"state" enum:"healthy,sick,gone,disabled"`
	Verdict  string `json:"verdict" enum:"not-there,not-wanted,not-told,delivered,skipped,waiting,due,retrying,failed,held,unknown"`
	// Reason is why it was skipped: one of the reasons that 'dz endpoint show' counts.
	Reason attempt.Reason `json:"reason,omitempty" enum:"unchanged,irrelevant,filter,not-tracked" doc:"of a change that was skipped"`
	Text   string         `json:"text" doc:"the verdict in words"`
	Steps  []ExplainStep  `json:"steps" doc:"in the order in which they are asked"`
	Owed   []Owed         `json:"owed" doc:"now: because of the event, or, of an object, all that is found"`
}

// ExplainStep is one thing that decides whether an endpoint is told.
type ExplainStep struct {
	Step  string `json:"step" doc:"there, style, endpoint, the subscription's member, such as changeTypes, or what a style goes by: tracked, asset, filter, fields, formats, alwaysTrigger"`
	OK    bool   `json:"ok"`
	Wants string `json:"wants,omitempty" doc:"what the subscription says"`
	Text  string `json:"text,omitempty"`
}

// Owed is what an endpoint is owed.
type Owed struct {
	ID          string         `json:"id"`
	EventType   string         `json:"eventType" doc:"of the latest change"`
	EventReason string         `json:"eventReason" doc:"of the latest change"`
	Changes     uint64         `json:"changes" doc:"that are told at once"`
	FirstSeen   time.Time      `json:"firstSeen"`
	LastSeen    time.Time      `json:"lastSeen"`
	Attempts    int            `json:"attempts"`
	LastAttempt *time.Time     `json:"lastAttempt"`
	NextAttempt *time.Time     `json:"nextAttempt" doc:"not before; null if none will be made by itself"`
	Reason      attempt.Reason `json:"reason" doc:"of the last attempt, if it failed"`
	Status      int            `json:"status" doc:"of the last attempt, if it failed"`
	Error       string         `json:"error"`
	State       string         `json:"state" enum:"waiting,due,retrying,failed,held"`
	Text        string         `json:"text" doc:"what it waits for, in words"`
}

// Explain says why endpoints were told of an event, or of an object, or not. what
// is the event's id, or kind/id or an id of an object; endpoint, if given, an
// endpoint or a group.
func (c *Client) Explain(ctx context.Context, what, endpoint string) (Explanation, error) {
	query := url.Values{}
	setString(query, "of", what)
	setString(query, "endpoint", endpoint)
	return call[Explanation](ctx, c, http.MethodGet, route("explain"), query, nil)
}
