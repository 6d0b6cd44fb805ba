package admin

import (
	"context"
	"io"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Service is what the API serves. Its methods are called by several goroutines
// at a time.
//
// What a person can mend is returned as *api.Error, wrapped or not, and told as
// it is; anything else is logged and told as an internal error without details.
// A name or id that does not exist is CodeNotFound. Texts hold no secrets.
type Service interface {
	Reporter
	Endpoints
	Groups
	Failures
	Events
	Assets
	Streams
	Store
	Tracking
	Filters
}

// Reporter says what the daemon is and does.
type Reporter interface {
	Status(ctx context.Context) (api.Status, error)
	Version(ctx context.Context) (api.Version, error)
}

// Style is what the API must know of a delivery style.
type Style struct {
	Options []Option
	Timeout time.Duration // of a request, where the endpoint has none of its own
	// Debounce is the quiet window where the endpoint has none of its own; nil:
	// the daemon's.
	Debounce *timespan.Span
}

// Option is a setting that only a style knows.
type Option struct {
	Name    string
	Default any  // nil for none
	Secret  bool // masked unless revealed
	JSON    bool // any JSON; if it is secret, its members' names are not
}

// Rotation is how an endpoint gets another signing secret.
type Rotation struct {
	Key    signature.Key    // its zero value: one is made
	Scheme signature.Scheme // of the one that is made; "": that of the secret before
	Keep   time.Duration    // the secrets before sign beside it for so long
}

// EndpointState is an endpoint with what is known of its health.
type EndpointState struct {
	Endpoint endpoint.Endpoint
	State    endpoint.State
	Window   endpoint.Window // in force
	Held     uint64          // deletions that wait to be released; of endpoints that are listed or asked for

	// Of an endpoint whose style tracks assets, and that is asked for alone.
	LastResync *api.Resync               // nil: none
	Skips      map[attempt.Reason]uint64 // how many changes it was not told
}

// Endpoints keeps the registered receivers.
type Endpoints interface {
	// Style returns what is known of a style, or false if there is none of
	// that name.
	Style(name string) (Style, bool)
	// ListEndpoints returns all, by name.
	ListEndpoints(ctx context.Context) ([]EndpointState, error)
	GetEndpoint(ctx context.Context, name string) (EndpointState, error)
	// CreateEndpoint validates and stores ep, and gives it its id and times. A
	// name that is taken is CodeConflict.
	CreateEndpoint(ctx context.Context, ep endpoint.Endpoint) (EndpointState, error)
	// UpdateEndpoint applies change to the stored endpoint, validates the
	// result and stores it, as one step that no other change comes between. An
	// error of change is returned as it is, and nothing is stored. change may be
	// called more than once; it replaces maps and slices and never writes into
	// them.
	UpdateEndpoint(ctx context.Context, name string, change func(ep *endpoint.Endpoint) error) (EndpointState, error)
	// SetEndpointEnabled switches an endpoint on or off; switching on also
	// forgets that it is sick or gone.
	SetEndpointEnabled(ctx context.Context, name string, enabled bool) (EndpointState, error)
	// RotateSecret gives an endpoint another signing secret, the first of those it
	// then has. One that does not sign is CodeConflict.
	RotateSecret(ctx context.Context, name string, rotation Rotation) (EndpointState, error)
	// RemoveEndpoint forgets an endpoint and what it is owed.
	RemoveEndpoint(ctx context.Context, name string) (api.Removed, error)
	// TestEndpoint sends a marked request. That it was not delivered is a
	// result, no error. Secrets in the exchange are masked.
	TestEndpoint(ctx context.Context, name string) (api.Exchange, error)
}

// Groups keeps endpoints that were registered together under one name, which no
// endpoint has. A group's endpoints are returned in the order they were made.
type Groups interface {
	GetGroup(ctx context.Context, name string) ([]EndpointState, error)
	// CreateGroup does with all of eps, whose Group is the same, what
	// CreateEndpoint does with one, or after an error with none.
	CreateGroup(ctx context.Context, eps []endpoint.Endpoint) ([]EndpointState, error)
	// UpdateGroup does what UpdateEndpoint does, but changes none of the
	// endpoints if one can't be changed so.
	UpdateGroup(ctx context.Context, name string, change func(ep *endpoint.Endpoint) error) ([]EndpointState, error)
	SetGroupEnabled(ctx context.Context, name string, enabled bool) ([]EndpointState, error)
	RemoveGroup(ctx context.Context, name string) ([]api.Removed, error)
}

// Failures keeps the debts whose last attempt failed.
type Failures interface {
	// ListFailures returns a page in the order of ids. Page.Limit is between 1
	// and api.MaxLimit. A cursor that was not made by it is CodeInvalid.
	ListFailures(ctx context.Context, query api.FailureQuery) (api.FailurePage, error)
	GetFailure(ctx context.Context, id string) (api.Failure, error)
	// RetryFailures makes what is selected due now. The selection is never
	// empty: it selects something or has All. With Wait it returns when all
	// have been tried, or ctx ends.
	RetryFailures(ctx context.Context, action api.FailureAction) (api.FailureResult, error)
	// PurgeFailures gives up what is selected. The selection is never empty.
	PurgeFailures(ctx context.Context, action api.FailureAction) (api.FailureResult, error)
}

// Events takes events, and keeps the recent ones and what could not be read.
type Events interface {
	// Emit takes a part of what was given to the API, in order. When it returns
	// nil, all of it is durable. Rejected input is kept too; its Source is left
	// to the service.
	Emit(ctx context.Context, events []event.Event, rejected []api.Rejected) error
	// ListEvents returns a page, newest first. Page.Limit is between 1 and
	// api.MaxLimit; the page is bounded in bytes too.
	ListEvents(ctx context.Context, query api.EventQuery) (api.EventPage, error)
	// ListRejected returns a page, newest first. Page.Limit is between 1 and
	// api.MaxLimit.
	ListRejected(ctx context.Context, query api.RejectedQuery) (api.RejectedPage, error)
	// Explain says why endpoints were told of an event, or of an object, or not.
	// What nothing is known of is CodeNotFound.
	Explain(ctx context.Context, of, endpoint string) (api.Explanation, error)
	// Replay owes recent events again.
	Replay(ctx context.Context, replay api.Replay) (api.ReplayResult, error)
}

// Assets is what is known of assets beyond their ids.
type Assets interface {
	// ListAssets returns a page, by id and without data. Page.Limit is between 1
	// and api.MaxLimit; the page is bounded in bytes too. A cursor that was not
	// made by it is CodeInvalid.
	ListAssets(ctx context.Context, page api.Page) (api.AssetPage, error)
	// GetAsset returns an asset by its id as people type it, with its data.
	GetAsset(ctx context.Context, id string) (api.Asset, error)
	// ImportAssets takes a part of what was given to the API, in order, and does
	// not keep the slice. When it returns nil, all of it is durable. It returns
	// how many told nothing new, because a later change is known.
	ImportAssets(ctx context.Context, assets []catalogue.Asset) (older int, err error)
}

// Streams tell what happens while it happens. They tell an empty line when they
// begin, and whenever there was nothing for api.Heartbeat. They end with an error:
// that of tell, the context's, or one that comes before anything is told. Who
// takes lines slowly loses the oldest, and is told how many.
type Streams interface {
	// TailEvents tells events that have become durable. Last is between 0 and
	// api.MaxLimit.
	TailEvents(ctx context.Context, query api.TailQuery, tell func(api.Line[api.Event]) error) error
	// WatchEndpoint tells how attempts at an endpoint, or at a group's, ended.
	WatchEndpoint(ctx context.Context, name string, tell func(api.Line[api.Attempt]) error) error
}

// Store is what keeps all of it.
type Store interface {
	// StoreStats says what the store holds.
	StoreStats(ctx context.Context) (api.StoreStats, error)
	// Backup writes a consistent copy of the store, and nothing if it can't
	// begin. w may be slow.
	Backup(ctx context.Context, w io.Writer) error
}
