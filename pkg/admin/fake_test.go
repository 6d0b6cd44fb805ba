package admin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/signature"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// fake is a Service in memory. It remembers what it was asked, and answers what
// a test has put into it.
type fake struct {
	mu        sync.Mutex
	endpoints map[string]endpoint.Endpoint
	gone      map[string]bool

	failures []api.Failure
	recent   []api.Event
	rejected []api.Rejected
	backup   []string
	assets   []catalogue.Asset // imported
	tailed   []api.Event       // told by TailEvents, one line each

	asked   any           // the last query or action
	emitted []event.Event // everything
	parts   int           // in how many calls
	fail    error         // answered to everything
	block   chan struct{} // Status and RetryFailures wait for it, or for their context
	entered chan struct{} // told that they wait
	left    chan error    // told, if it is there, how waiting ended
}

func newFake() *fake {
	return &fake{endpoints: make(map[string]endpoint.Endpoint), gone: make(map[string]bool)}
}

func (f *fake) begin(asked any) (unlock func(), err error) {
	f.mu.Lock()
	f.asked = asked
	return f.mu.Unlock, f.fail
}

// wait blocks where a test wants to catch a request under way.
func (f *fake) wait(ctx context.Context) (err error) {
	if f.block == nil {
		return nil
	}
	f.entered <- struct{}{}
	select {
	case <-f.block:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if f.left != nil {
		f.left <- err
	}
	return err
}

func (f *fake) Status(ctx context.Context) (api.Status, error) {
	if err := f.wait(ctx); err != nil {
		return api.Status{}, err
	}
	unlock, err := f.begin("status")
	defer unlock()
	return api.Status{Version: "1.2.3"}, err
}

func (f *fake) Version(context.Context) (api.Version, error) {
	unlock, err := f.begin("version")
	defer unlock()
	return api.Version{Version: "1.2.3", Store: 1}, err
}

func (*fake) Style(name string) (Style, bool) {
	switch name {
	case "notify":
		return Style{
			Options: []Option{{Name: "idName", Default: "base"}, {Name: "token", Secret: true}},
			Timeout: 30 * time.Second,
		}, true
	case "slow":
		return Style{Timeout: 100 * time.Second}, true
	case "managed":
		return Style{
			Options: []Option{
				{Name: "additionalFields"},
				{Name: "triggerFormats"},
				{Name: "alwaysTrigger", Default: false},
				{Name: "language"},
				{Name: "maxBatchSize", Default: 200},
				{Name: "apiUser"},
				{Name: "tenantId"},
				{Name: "configuration", Secret: true, JSON: true},
				{Name: "configurationSchema", JSON: true},
			},
			Timeout: 100 * time.Second,
		}, true
	case "prompt":
		return Style{Debounce: new(timespan.Span)}, true
	default:
		return Style{}, false
	}
}

func (f *fake) state(ep endpoint.Endpoint) EndpointState {
	health := endpoint.Health{Gone: f.gone[ep.Name]}
	return EndpointState{Endpoint: ep, State: health.State(ep.Enabled)}
}

func (f *fake) find(name string) (endpoint.Endpoint, error) {
	ep, ok := f.endpoints[name]
	if !ok {
		return ep, &api.Error{Code: api.CodeNotFound, Message: "no endpoint " + name}
	}
	return ep, nil
}

func (f *fake) ListEndpoints(context.Context) ([]EndpointState, error) {
	unlock, err := f.begin("list")
	defer unlock()
	var states []EndpointState
	for _, ep := range f.endpoints {
		states = append(states, f.state(ep))
	}
	slices.SortFunc(states, func(a, b EndpointState) int { return strings.Compare(a.Endpoint.Name, b.Endpoint.Name) })
	return states, err
}

func (f *fake) GetEndpoint(_ context.Context, name string) (EndpointState, error) {
	unlock, err := f.begin(name)
	defer unlock()
	if err != nil {
		return EndpointState{}, err
	}
	ep, err := f.find(name)
	return f.state(ep), err
}

// store validates as the daemon does.
func (f *fake) store(ep endpoint.Endpoint) (EndpointState, error) {
	ep.Normalize()
	err := ep.Validate()
	if _, known := f.Style(ep.Style); !known {
		err = fmt.Errorf("unknown style %q", ep.Style)
	}
	if err != nil {
		return EndpointState{}, &api.Error{Code: api.CodeInvalid, Message: err.Error()}
	}
	f.endpoints[ep.Name] = ep
	return f.state(ep), nil
}

func (f *fake) CreateEndpoint(_ context.Context, ep endpoint.Endpoint) (EndpointState, error) {
	unlock, err := f.begin(ep)
	defer unlock()
	if err != nil {
		return EndpointState{}, err
	}
	if _, taken := f.endpoints[ep.Name]; taken {
		return EndpointState{}, &api.Error{Code: api.CodeConflict, Message: "endpoint " + ep.Name + " exists"}
	}
	return f.store(ep)
}

func (f *fake) UpdateEndpoint(_ context.Context, name string, change func(*endpoint.Endpoint) error) (EndpointState, error) {
	unlock, err := f.begin(name)
	defer unlock()
	if err != nil {
		return EndpointState{}, err
	}
	ep, err := f.find(name)
	if err != nil {
		return EndpointState{}, err
	}
	for range 2 { // as a store that tries again after a conflict
		changed := ep
		if err := change(&changed); err != nil {
			return EndpointState{}, err
		}
		if _, err := f.store(changed); err != nil {
			return EndpointState{}, err
		}
	}
	return f.state(f.endpoints[name]), nil
}

func (f *fake) SetEndpointEnabled(_ context.Context, name string, enabled bool) (EndpointState, error) {
	unlock, err := f.begin(name)
	defer unlock()
	if err != nil {
		return EndpointState{}, err
	}
	ep, err := f.find(name)
	if err != nil {
		return EndpointState{}, err
	}
	ep.Enabled = enabled
	f.gone[name] = false
	return f.store(ep)
}

func (f *fake) RemoveEndpoint(_ context.Context, name string) (api.Removed, error) {
	unlock, err := f.begin(name)
	defer unlock()
	if err != nil {
		return api.Removed{}, err
	}
	if _, err := f.find(name); err != nil {
		return api.Removed{}, err
	}
	delete(f.endpoints, name)
	return api.Removed{Name: name, Debts: 7}, nil
}

func (f *fake) TestEndpoint(_ context.Context, name string) (api.Exchange, error) {
	unlock, err := f.begin(name)
	defer unlock()
	if err != nil {
		return api.Exchange{}, err
	}
	_, err = f.find(name)
	return api.Exchange{Error: "refused"}, err
}

func (f *fake) ListFailures(_ context.Context, query api.FailureQuery) (api.FailurePage, error) {
	unlock, err := f.begin(query)
	defer unlock()
	return api.FailurePage{Failures: f.failures, Next: "next"}, err
}

func (f *fake) GetFailure(_ context.Context, id string) (api.Failure, error) {
	unlock, err := f.begin(id)
	defer unlock()
	return api.Failure{ID: id}, err
}

func (f *fake) RetryFailures(ctx context.Context, action api.FailureAction) (api.FailureResult, error) {
	if err := f.wait(ctx); err != nil {
		return api.FailureResult{}, err
	}
	unlock, err := f.begin(action)
	defer unlock()
	return api.FailureResult{Matched: 3, DryRun: action.DryRun}, err
}

func (f *fake) PurgeFailures(_ context.Context, action api.FailureAction) (api.FailureResult, error) {
	unlock, err := f.begin(action)
	defer unlock()
	return api.FailureResult{Matched: 4, DryRun: action.DryRun}, err
}

func (f *fake) Emit(_ context.Context, events []event.Event, rejected []api.Rejected) error {
	unlock, err := f.begin("emit")
	defer unlock()
	if err != nil {
		return err
	}
	f.parts++
	f.emitted = append(f.emitted, events...)
	f.rejected = append(f.rejected, rejected...)
	return nil
}

func (f *fake) ListEvents(_ context.Context, query api.EventQuery) (api.EventPage, error) {
	unlock, err := f.begin(query)
	defer unlock()
	return api.EventPage{Events: f.recent, Next: "next"}, err
}

func (f *fake) ListRejected(_ context.Context, query api.RejectedQuery) (api.RejectedPage, error) {
	unlock, err := f.begin(query)
	defer unlock()
	return api.RejectedPage{Rejected: f.rejected, Next: "next"}, err
}

func (f *fake) Replay(_ context.Context, replay api.Replay) (api.ReplayResult, error) {
	unlock, err := f.begin(replay)
	defer unlock()
	return api.ReplayResult{Events: 5, Owed: 6, DryRun: replay.DryRun}, err
}

func (f *fake) ListAssets(_ context.Context, page api.Page) (api.AssetPage, error) {
	unlock, err := f.begin(page)
	defer unlock()
	answer := api.AssetPage{Next: "next"}
	for _, a := range f.assets {
		answer.Assets = append(answer.Assets, api.Asset{ID: a.ID, Size: len(a.Data)})
	}
	return answer, err
}

func (f *fake) GetAsset(_ context.Context, id string) (api.Asset, error) {
	unlock, err := f.begin(id)
	defer unlock()
	return api.Asset{ID: event.StringID(id), Data: []byte(`{"n":1.50}`)}, err
}

// ImportAssets finds those that are deleted to be older.
func (f *fake) ImportAssets(_ context.Context, assets []catalogue.Asset) (older int, err error) {
	unlock, err := f.begin("import")
	defer unlock()
	if err != nil {
		return 0, err
	}
	f.parts++
	f.assets = append(f.assets, assets...)
	for _, a := range assets {
		if a.Deleted {
			older++
		}
	}
	return older, nil
}

func (f *fake) Explain(_ context.Context, of, endpoint string) (api.Explanation, error) {
	unlock, err := f.begin([2]string{of, endpoint})
	defer unlock()
	return api.Explanation{Object: of, Endpoints: []api.EndpointExplanation{{Endpoint: endpoint}}}, err
}

// TailEvents tells f.tailed, and then nothing until ctx ends.
func (f *fake) TailEvents(ctx context.Context, query api.TailQuery, tell func(api.Line[api.Event]) error) error {
	unlock, err := f.begin(query)
	tailed := f.tailed
	unlock()
	if err != nil {
		return err
	}
	return tellAll(ctx, tailed, tell)
}

// WatchEndpoint tells one attempt at an endpoint that there is, and then nothing
// until ctx ends.
func (f *fake) WatchEndpoint(ctx context.Context, name string, tell func(api.Line[api.Attempt]) error) error {
	if _, err := f.GetEndpoint(ctx, name); err != nil {
		return err
	}
	return tellAll(ctx, []api.Attempt{{Endpoint: name, Verdict: "delivered"}}, tell)
}

func tellAll[T any](ctx context.Context, items []T, tell func(api.Line[T]) error) error {
	if err := tell(api.Line[T]{}); err != nil {
		return err
	}
	for i := range items {
		if err := tell(api.Line[T]{Item: &items[i]}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fake) StoreStats(context.Context) (api.StoreStats, error) {
	unlock, err := f.begin("store")
	defer unlock()
	return api.StoreStats{Path: "/dz.db", StoreContents: api.StoreContents{Debts: 7}}, err
}

// Backup writes f.backup, part by part, and then fails if it is to.
func (f *fake) Backup(_ context.Context, w io.Writer) error {
	unlock, err := f.begin("backup")
	defer unlock()
	for _, part := range f.backup {
		if _, writeErr := io.WriteString(w, part); writeErr != nil {
			return writeErr
		}
	}
	return err
}

func (f *fake) RotateSecret(ctx context.Context, name string, rotation Rotation) (EndpointState, error) {
	key := rotation.Key
	if !key.CanSign() {
		var err error
		if key, err = signature.Make(cmp.Or(rotation.Scheme, signature.HMAC)); err != nil {
			return EndpointState{}, &api.Error{Code: api.CodeInvalid, Message: err.Error()}
		}
	}
	return f.UpdateEndpoint(ctx, name, func(ep *endpoint.Endpoint) error {
		ep.RotateSigning(key.Reveal(), rotation.Keep, fakeNow)
		return nil
	})
}

// fakeNow is when secrets are rotated.
var fakeNow = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
