package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// Heartbeat is how long a stream says nothing at the longest.
const Heartbeat = 5 * time.Second

// silence is how long the client waits for a heartbeat before it takes the
// daemon for dead.
const silence = 4 * Heartbeat

// Line is one line of a stream: something that happened; or how much was passed
// over because it was not read fast enough; or, with neither, that the daemon
// lives. The first line is of the last kind: what happens from then on is told.
type Line[T any] struct {
	Item *T     `json:"item,omitempty"`
	Lost uint64 `json:"lost,omitempty" doc:"passed over, because it was not read fast enough"`
}

// TailQuery says which events to tell. Members given together must all hold.
type TailQuery struct {
	Type     string // an event type
	Object   string // kind/id, or an id
	Endpoint string // only what this endpoint subscribes to
	Source   string // of dz, that it came through
	Last     int    // begin with so many recent ones, at most MaxLimit
}

// Events returns the query for recent events that means the same.
func (q TailQuery) Events() EventQuery {
	return EventQuery{Type: q.Type, Object: q.Object, Endpoint: q.Endpoint, Source: q.Source}
}

func (q TailQuery) values() url.Values {
	v := q.Events().values()
	if q.Last > 0 {
		v.Set("last", strconv.Itoa(q.Last))
	}
	return v
}

// What an attempt leaves of what was owed.
const (
	DebtDelivered = "delivered" // nothing is owed any more
	DebtWaiting   = "waiting"   // delivered, and a newer change is owed
	DebtRetrying  = "retrying"  // it is tried again by itself
	DebtFailed    = "failed"    // the retries are used up
	DebtDropped   = "dropped"   // purged meanwhile, or its endpoint removed
)

// Attempt is one attempt to deliver, as it ended.
type Attempt struct {
	Time        time.Time      `json:"time" doc:"when it began"`
	Endpoint    string         `json:"endpoint"`
	ID          string         `json:"id" doc:"of what is owed; that of the failure if it has failed"`
	Object      Object         `json:"object"`
	ChangeType  string         `json:"changeType"`
	EventType   string         `json:"eventType" doc:"of the latest change"`
	EventReason string         `json:"eventReason" doc:"of the latest change"`
	Changes     uint64         `json:"changes" doc:"told at once"`
	Attempt     int            `json:"attempt" doc:"from 1, since the last success"`
	Verdict     string         `json:"verdict" enum:"delivered,refused,unavailable,gone"`
	Reason      attempt.Reason `json:"reason"`
	Status      int            `json:"status" doc:"HTTP status; 0 if no answer arrived"`
	Duration    float64        `json:"duration" doc:"seconds"`
	Error       string         `json:"error"`
	State       string         `json:"state" enum:"delivered,waiting,retrying,failed,dropped" doc:"what it left"`
	NextAttempt *time.Time     `json:"nextAttempt" doc:"null if none will be made by itself"`
}

// TailEvents goes through events as they become durable, until ctx ends or the
// daemon does, which is an error.
func (c *Client) TailEvents(ctx context.Context, query TailQuery) iter.Seq2[Line[Event], error] {
	return stream[Event](ctx, c, route("events", "stream"), query.values(), silence)
}

// WatchEndpoint goes through attempts at an endpoint as they end, until ctx ends
// or the daemon does, which is an error.
func (c *Client) WatchEndpoint(ctx context.Context, name string) iter.Seq2[Line[Attempt], error] {
	return stream[Attempt](ctx, c, route("endpoints", name, "attempts"), nil, silence)
}

// errSilent is the end of a stream on which there was nothing, not even a
// heartbeat.
var errSilent = errors.New("nothing was heard of it for too long")

// stream goes through the lines of an answer that has no end.
func stream[T any](ctx context.Context, c *Client, path string, query url.Values, silence time.Duration) iter.Seq2[Line[T], error] {
	return func(yield func(Line[T], error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		alarm := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer alarm.Stop()
		response, err := c.do(ctx, http.MethodGet, path, query, "", nil)
		if err != nil {
			yield(Line[T]{}, c.explainEnd(ctx, err))
			return
		}
		defer response.Body.Close()
		lines := json.NewDecoder(response.Body)
		for {
			var line Line[T]
			if err := lines.Decode(&line); err != nil {
				yield(Line[T]{}, c.explainEnd(ctx, err))
				return
			}
			alarm.Stop() // who takes a line may take its time
			if !yield(line, nil) {
				return
			}
			alarm.Reset(silence)
		}
	}
}

// explainEnd says why a stream has ended.
func (c *Client) explainEnd(ctx context.Context, err error) error {
	var told *Error
	switch cause := context.Cause(ctx); {
	case errors.As(err, &told):
		return err
	case errors.Is(cause, errSilent):
		err = cause
	case cause != nil:
		return fmt.Errorf("ask daemon: %w", cause)
	case errors.Is(err, io.EOF):
		err = errors.New("it has stopped")
	}
	return &Error{
		Code:    CodeUnreachable,
		Message: fmt.Sprintf("the daemon at %s has gone away: %v", c.Socket, unwrapURL(err)),
		Hint:    "see with 'dz status' whether it runs",
	}
}
