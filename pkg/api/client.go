package api

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
)

// Root is the path under which the API's routes lie. The routes for machines
// (/openapi.json, /metrics, /healthz) lie outside.
const Root = "/api/v1"

// Client speaks to the daemon. Its zero value with a Socket is ready, opens
// nothing before the first call, and may be used by several goroutines at a
// time. It must not be copied after its first use.
//
// Errors are *Error where the daemon, or the way to it, said what is wrong, and
// the context's where it ended.
type Client struct {
	// Socket is the path of the daemon's Unix socket.
	Socket string

	once sync.Once
	http *http.Client
}

// Status returns what the daemon is doing.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, route("status"), nil, nil)
}

// Version returns what program the daemon is.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return call[Version](ctx, c, http.MethodGet, route("version"), nil, nil)
}

// Endpoints returns the endpoints by name. reveal shows their secrets, which
// needs the right to write.
func (c *Client) Endpoints(ctx context.Context, reveal bool) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodGet, route("endpoints"), revealValues(reveal), nil)
	return list.Endpoints, err
}

// Endpoint returns one endpoint. reveal shows its secrets, which needs the right
// to write.
func (c *Client) Endpoint(ctx context.Context, name string, reveal bool) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodGet, route("endpoints", name), revealValues(reveal), nil)
}

// CreateEndpoint registers an endpoint. A name that is taken is a conflict.
func (c *Client) CreateEndpoint(ctx context.Context, create EndpointCreate) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPost, route("endpoints"), nil, create)
}

// UpdateEndpoint changes an endpoint.
func (c *Client) UpdateEndpoint(ctx context.Context, name string, update EndpointUpdate) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPatch, route("endpoints", name), nil, update)
}

// EnableEndpoint switches an endpoint on; one that is gone is tried again.
func (c *Client) EnableEndpoint(ctx context.Context, name string) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPost, route("endpoints", name, "enable"), nil, nil)
}

// DisableEndpoint switches an endpoint off. It goes on collecting what it is
// owed.
func (c *Client) DisableEndpoint(ctx context.Context, name string) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPost, route("endpoints", name, "disable"), nil, nil)
}

// RemoveEndpoint forgets an endpoint and what it is owed.
func (c *Client) RemoveEndpoint(ctx context.Context, name string) (Removed, error) {
	return call[Removed](ctx, c, http.MethodDelete, route("endpoints", name), nil, nil)
}

// TestEndpoint sends one marked notification now and returns the exchange, also
// if it was not delivered.
func (c *Client) TestEndpoint(ctx context.Context, name string) (Exchange, error) {
	return call[Exchange](ctx, c, http.MethodPost, route("endpoints", name, "test"), nil, nil)
}

// Failures returns one page of failures.
func (c *Client) Failures(ctx context.Context, query FailureQuery) (FailurePage, error) {
	return call[FailurePage](ctx, c, http.MethodGet, route("failures"), query.values(), nil)
}

// EachFailure goes through all failures of a query, page by page. It ends after
// the first error.
func (c *Client) EachFailure(ctx context.Context, query FailureQuery) iter.Seq2[Failure, error] {
	return each(query.Cursor, func(cursor string) ([]Failure, string, error) {
		query.Cursor = cursor
		page, err := c.Failures(ctx, query)
		return page.Failures, page.Next, err
	})
}

// Failure returns one failure, or a debt that is being retried.
func (c *Client) Failure(ctx context.Context, id string) (Failure, error) {
	return call[Failure](ctx, c, http.MethodGet, route("failures", id), nil, nil)
}

// RetryFailures makes failures due now.
func (c *Client) RetryFailures(ctx context.Context, action FailureAction) (FailureResult, error) {
	return call[FailureResult](ctx, c, http.MethodPost, route("failures", "retry"), nil, action)
}

// PurgeFailures gives failures up.
func (c *Client) PurgeFailures(ctx context.Context, action FailureAction) (FailureResult, error) {
	return call[FailureResult](ctx, c, http.MethodPost, route("failures", "purge"), nil, action)
}

// Events returns one page of recent events.
func (c *Client) Events(ctx context.Context, query EventQuery) (EventPage, error) {
	return call[EventPage](ctx, c, http.MethodGet, route("events"), query.values(), nil)
}

// EachEvent goes through all recent events of a query, page by page. It ends
// after the first error.
func (c *Client) EachEvent(ctx context.Context, query EventQuery) iter.Seq2[Event, error] {
	return each(query.Cursor, func(cursor string) ([]Event, string, error) {
		query.Cursor = cursor
		page, err := c.Events(ctx, query)
		return page.Events, page.Next, err
	})
}

// Rejected returns one page of input that could not be read as events.
func (c *Client) Rejected(ctx context.Context, query RejectedQuery) (RejectedPage, error) {
	return call[RejectedPage](ctx, c, http.MethodGet, route("events", "rejected"), query.values(), nil)
}

// EachRejected goes through all rejected input of a query, page by page. It ends
// after the first error.
func (c *Client) EachRejected(ctx context.Context, query RejectedQuery) iter.Seq2[Rejected, error] {
	return each(query.Cursor, func(cursor string) ([]Rejected, string, error) {
		query.Cursor = cursor
		page, err := c.Rejected(ctx, query)
		return page.Rejected, page.Next, err
	})
}

// Replay owes recent events again.
func (c *Client) Replay(ctx context.Context, replay Replay) (ReplayResult, error) {
	return call[ReplayResult](ctx, c, http.MethodPost, route("events", "replay"), nil, replay)
}

// OpenAPI returns the OpenAPI 3.1 document of the API.
func (c *Client) OpenAPI(ctx context.Context) (json.RawMessage, error) {
	return call[json.RawMessage](ctx, c, http.MethodGet, "/openapi.json", nil, nil)
}

// Healthz reports whether the daemon answers.
func (c *Client) Healthz(ctx context.Context) error {
	return c.copyTo(ctx, io.Discard, "/healthz")
}

// Metrics writes the daemon's metrics in Prometheus' text format.
func (c *Client) Metrics(ctx context.Context, w io.Writer) error {
	return c.copyTo(ctx, w, "/metrics")
}

// each goes through pages until one has no next.
func each[T any](cursor string, page func(cursor string) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			items, next, err := page(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// route joins escaped elements to a path of the API.
func route(elements ...string) string {
	path := Root
	for _, element := range elements {
		path += "/" + url.PathEscape(element)
	}
	return path
}
