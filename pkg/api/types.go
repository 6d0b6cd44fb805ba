// Package api owns the admin API as it is on the wire: its types, its errors,
// and a client for it. The API is HTTP with JSON on the daemon's Unix socket;
// names are camelCase, times RFC 3339, and lists are arrays, never null.
//
// The types are a contract with scripts: members are added, never renamed or
// taken away.
package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Status is what "dz status" shows.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Uptime  float64   `json:"uptime" doc:"seconds"`
	// Idle: every source is read to its end, and no debt is waiting, due, in
	// flight or retrying.
	Idle      bool             `json:"idle"`
	Events    EventCounts      `json:"events"`
	Attempts  AttemptCounts    `json:"attempts"`
	Debts     DebtCounts       `json:"debts"`
	Store     StoreStatus      `json:"store"`
	Sources   []SourceStatus   `json:"sources"`
	Endpoints []EndpointStatus `json:"endpoints"`
}

// EventCounts count since the store was made.
type EventCounts struct {
	Ingested  uint64 `json:"ingested"`
	Rejected  uint64 `json:"rejected" doc:"input that could not be read as an event"`
	Owed      uint64 `json:"owed" doc:"events times endpoints that wanted them"`
	Coalesced uint64 `json:"coalesced" doc:"of those owed, told together with another"`
	Skipped   uint64 `json:"skipped" doc:"of those owed, that did not matter to the endpoint after all"`
}

// AttemptCounts count since the store was made.
type AttemptCounts struct {
	Delivered uint64 `json:"delivered"`
	Failed    uint64 `json:"failed"`
}

// DebtCounts count what is owed now.
type DebtCounts struct {
	Waiting       uint64 `json:"waiting" doc:"not due yet: debouncing"`
	Due           uint64 `json:"due"`
	InFlight      uint64 `json:"inFlight"`
	Retrying      uint64 `json:"retrying" doc:"failed at least once, will be tried again"`
	Failed        uint64 `json:"failed" doc:"retries are used up"`
	Held          uint64 `json:"held" doc:"owed to an endpoint that is disabled or gone"`
	HeldDeletions uint64 `json:"heldDeletions" doc:"too many at a time: they wait for 'dz endpoint release'; in no other count"`
}

// StoreStatus is the state of the store's file.
type StoreStatus struct {
	Path    string `json:"path"`
	Size    int64  `json:"size" doc:"bytes"`
	MaxSize int64  `json:"maxSize" doc:"bytes; 0 is unlimited"`
	Error   string `json:"error,omitempty" doc:"what keeps it from writing, such as a full disk"`
}

// SourceStatus is the state of one source.
type SourceStatus struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Position string `json:"position"`
	LagBytes int64  `json:"lagBytes" doc:"not read yet; -1 if unknown"`
	CaughtUp bool   `json:"caughtUp"`
	Error    string `json:"error"`
}

// EndpointStatus is the state of one endpoint.
type EndpointStatus struct {
	Name        string     `json:"name"`
	Group       string     `json:"group" doc:"of endpoints that were added together; empty: none"`
	Style       string     `json:"style"`
	State       string     `json:"state" enum:"healthy,sick,gone,disabled"`
	Debts       uint64     `json:"debts" doc:"owed, without failures"`
	Failures    uint64     `json:"failures"`
	InFlight    uint64     `json:"inFlight"`
	Retrying    uint64     `json:"retrying"`
	Delivered   uint64     `json:"delivered"`
	Background  uint64     `json:"background" doc:"of the debts, those that a synchronisation owes, and no change since"`
	Held        uint64     `json:"held" doc:"deletions that wait to be released, beside the debts"`
	Skipped     uint64     `json:"skipped" doc:"changes that did not matter to it"`
	Tracked     uint64     `json:"tracked" doc:"assets that it has acknowledged"`
	Resync      *Resync    `json:"resync" doc:"the last synchronisation; null without one"`
	LastSuccess *time.Time `json:"lastSuccess"`
	LastFailure *time.Time `json:"lastFailure"`
	LastError   string     `json:"lastError" doc:"of its last failure, or why the catalogue can't be read for it"`
	NextAttempt *time.Time `json:"nextAttempt" doc:"of a sick endpoint: when it is probed next; or when the catalogue is asked again"`
}

// Endpoint is a registered receiver. Secrets are masked as "***" unless they
// were asked for with reveal. The options of its style stand beside the other
// members (idName, for example).
type Endpoint struct {
	Name           string            `json:"name"`
	Group          string            `json:"group" doc:"of endpoints that were added together; empty: none"`
	Style          string            `json:"style"`
	URL            string            `json:"url"`
	Description    string            `json:"description"`
	Enabled        bool              `json:"enabled"`
	Temporary      bool              `json:"temporary" doc:"removed when nobody has watched its attempts for a minute or two"`
	State          string            `json:"state" enum:"healthy,sick,gone,disabled"`
	ChangeTypes    event.ChangeType  `json:"changeTypes"`
	Events         []string          `json:"events"`
	Fields         []string          `json:"fields"`
	ExcludeFields  []string          `json:"excludeFields"`
	Formats        []event.ID        `json:"formats"`
	Channels       []event.ID        `json:"channels"`
	Reasons        []string          `json:"reasons"`
	Filter         string            `json:"filter"`
	Headers        map[string]string `json:"headers"`
	Signing        []SigningSecret   `json:"signing" doc:"what requests are signed with, the newest first"`
	Debounce       *timespan.Span    `json:"debounce" doc:"null: the daemon's default; a style may have one of its own"`
	MaxWait        *timespan.Span    `json:"maxWait" doc:"null: the daemon's default"`
	Window         *Window           `json:"window,omitempty" doc:"the debounce in force: of debounce and maxWait, and of defaults where these are null"`
	Retry          endpoint.Schedule `json:"retry"`
	Timeout        timespan.Span     `json:"timeout"`
	ConnectTimeout timespan.Span     `json:"connectTimeout"`
	Concurrency    int               `json:"concurrency"`
	Rate           float64           `json:"rate" doc:"requests a second; 0 is unlimited"`
	CAFile         string            `json:"caFile"`
	ClientCert     string            `json:"clientCert"`
	ClientKey      string            `json:"clientKey"`
	Created        time.Time         `json:"created"`
	Updated        time.Time         `json:"updated"`
	LastResync     *Resync           `json:"lastResync,omitempty" doc:"the last synchronisation; only where one endpoint is asked for, and there was one"`
	Held           uint64            `json:"held,omitempty" doc:"deletions that wait to be released; only where endpoints are listed or asked for, and there are any"`
	Skips          map[string]uint64 `json:"skips,omitempty" doc:"changes that it was not told, by reason; only where one endpoint is asked for"`

	// Defaults are the names of those of Options that were left open.
	Defaults []string                   `json:"defaults" doc:"options of the style that are not set: they are shown with the value that is in force"`
	Options  map[string]json.RawMessage `json:"-"`
}

// Window is how long changes are held back: until Debounce has passed without
// another, but not longer than MaxWait after the first.
type Window struct {
	Debounce timespan.Span `json:"debounce"`
	MaxWait  timespan.Span `json:"maxWait"`
}

// Exchange is one request and its answer, as "dz endpoint test" shows it.
type Exchange struct {
	Endpoint  string            `json:"endpoint"`
	Delivered bool              `json:"delivered"`
	Reason    attempt.Reason    `json:"reason"`
	Error     string            `json:"error"`
	Duration  float64           `json:"duration" doc:"seconds"`
	Request   ExchangeRequest   `json:"request"`
	Response  *ExchangeResponse `json:"response" doc:"null if no answer arrived"`
}

// ExchangeRequest is what was sent. Secrets are masked.
type ExchangeRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// ExchangeResponse is what came back.
type ExchangeResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// Object is what changed.
type Object struct {
	Kind   event.Kind `json:"kind"`
	ItemID event.ID   `json:"itemId"`
	BaseID event.ID   `json:"baseId"`
}

// Failure is a debt whose last attempt failed.
type Failure struct {
	ID          string         `json:"id"`
	Endpoint    string         `json:"endpoint"`
	Object      Object         `json:"object"`
	ChangeType  string         `json:"changeType"`
	EventType   string         `json:"eventType"`
	State       string         `json:"state" enum:"failed,retrying"`
	Reason      attempt.Reason `json:"reason"`
	Status      int            `json:"status" doc:"HTTP status; 0 if no answer arrived"`
	Attempts    int            `json:"attempts"`
	Changes     uint64         `json:"changes" doc:"how many changes wait to be told at once"`
	FirstSeen   time.Time      `json:"firstSeen"`
	LastSeen    time.Time      `json:"lastSeen"`
	LastAttempt time.Time      `json:"lastAttempt"`
	NextAttempt *time.Time     `json:"nextAttempt" doc:"null if none will be made by itself"`
	Error       string         `json:"error"`
	Response    string         `json:"response" doc:"the beginning of the answer"`
}

// FailureSelection says which failures are meant. Members given together must
// all hold.
type FailureSelection struct {
	IDs      []string         `json:"ids,omitempty"`
	Endpoint string           `json:"endpoint,omitempty"`
	Object   string           `json:"object,omitempty" doc:"kind/id, or an id"`
	Reasons  []attempt.Reason `json:"reasons,omitempty"`
	Statuses []int            `json:"statuses,omitempty"`
	Since    *time.Time       `json:"since,omitempty" doc:"last attempt at or after"`
	Until    *time.Time       `json:"until,omitempty" doc:"last attempt before"`
	Retrying bool             `json:"retrying,omitempty" doc:"also debts that are still being retried by themselves"`
	All      bool             `json:"all,omitempty" doc:"every failure; needed where nothing else selects"`
}

// FailureAction retries or purges failures.
type FailureAction struct {
	FailureSelection
	DryRun bool `json:"dryRun,omitempty" doc:"count only"`
	Wait   bool `json:"wait,omitempty" doc:"retry: answer when all have been tried"`
}

// FailureResult says what an action did, or, dry, would do.
type FailureResult struct {
	Matched   uint64 `json:"matched"`
	DryRun    bool   `json:"dryRun"`
	Delivered uint64 `json:"delivered" doc:"with wait"`
	Failed    uint64 `json:"failed" doc:"with wait"`
	Skipped   uint64 `json:"skipped" doc:"with wait: there was nothing to tell any more"`
	Held      uint64 `json:"held" doc:"with wait: deletions that wait to be released"`
	Dropped   uint64 `json:"dropped" doc:"with wait: purged, or their endpoint removed, before they were tried"`
}

// Counts says how retries ended, as "2 delivered, 1 failed". What is rare is named
// only where there is any.
func (r FailureResult) Counts() string {
	text := fmt.Sprintf("%d delivered, %d failed", r.Delivered, r.Failed)
	for _, rare := range []struct {
		n    uint64
		what string
	}{{r.Skipped, "skipped"}, {r.Held, "held"}, {r.Dropped, "dropped"}} {
		if rare.n > 0 {
			text += fmt.Sprintf(", %d %s", rare.n, rare.what)
		}
	}
	return text
}

// Event is a recent event.
type Event struct {
	Seq      uint64          `json:"seq"`
	Received time.Time       `json:"received"`
	From     string          `json:"from" doc:"the source of dz that it came through"`
	ID       string          `json:"id"`
	Source   string          `json:"source"`
	Type     string          `json:"type"`
	Time     *time.Time      `json:"time"`
	Object   Object          `json:"object"`
	Reason   string          `json:"reason"`
	Change   string          `json:"changeType"`
	Raw      json.RawMessage `json:"event" doc:"as it was received"`
}

// Rejected is input that could not be read as an event.
type Rejected struct {
	Seq    uint64    `json:"seq"`
	Time   time.Time `json:"time"`
	Source string    `json:"source"`
	File   string    `json:"file"`
	Offset int64     `json:"offset"`
	Length int64     `json:"length" doc:"bytes of the whole line"`
	Reason string    `json:"reason"`
	Line   string    `json:"line" doc:"its beginning"`
}

// EmitResult says what became of events given to the API. What was rejected is
// also kept in the list of rejected input.
type EmitResult struct {
	Accepted      int        `json:"accepted"`
	RejectedCount int        `json:"rejectedCount"`
	Rejected      []Rejected `json:"rejected" doc:"the first 100 of them"`
}

// Replay asks to owe recent events again.
type Replay struct {
	Since    time.Time  `json:"since"`
	Until    *time.Time `json:"until,omitempty"`
	Endpoint string     `json:"endpoint,omitempty" doc:"only to this one"`
	DryRun   bool       `json:"dryRun,omitempty"`
}

// ReplayResult says what a replay did.
type ReplayResult struct {
	Events uint64 `json:"events" doc:"that were in the time asked for"`
	Owed   uint64 `json:"owed" doc:"events times endpoints that wanted them"`
	DryRun bool   `json:"dryRun"`
	// From is the oldest event that is still kept; a replay can't reach beyond.
	From *time.Time `json:"from"`
}

// Removed says what went with an endpoint.
type Removed struct {
	Name     string `json:"name"`
	Debts    uint64 `json:"debts" doc:"that were owed and are no more"`
	Failures uint64 `json:"failures"`
}

// Version says what program this is.
type Version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Go      string `json:"go"`
	Store   int    `json:"store" doc:"format of the store"`
}

// Code is the kind of an error, for scripts.
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // 422: the request makes no sense
	CodeNotFound    Code = "not_found"   // 404
	CodeConflict    Code = "conflict"    // 409
	CodeForbidden   Code = "forbidden"   // 403
	CodeFull        Code = "store_full"  // 507
	CodeInternal    Code = "internal"    // 500
	CodeUnreachable Code = "unreachable" // no daemon: made by the client
)

// ErrorBody is the body of every answer that is an error.
type ErrorBody struct {
	Error *Error `json:"error"`
}

// Error is what went wrong, and what to do about it.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns message and hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}
