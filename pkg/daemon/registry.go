package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/route"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// registry keeps, for the endpoints in the store, the table that routes to them
// and a running lane for each. Changes of endpoints go through it, one at a
// time, so that table and lanes follow the store.
type registry struct {
	store   store.Registry
	styles  *style.Set
	log     *slog.Logger
	newLane func() *lane
	// supports returns what the catalogue has no way to show of a view.
	supports func(catalogue.View) error

	table atomic.Pointer[route.Table]

	mu       sync.Mutex // held while endpoints change
	defaults endpoint.Window
	lanes    map[uint64]*runningLane
	names    map[string]uint64
	start    func(*lane) (stop func()) // nil before the daemon runs
}

// runningLane is a lane and how to end it.
type runningLane struct {
	*lane
	stop func()
}

func newRegistry(s store.Registry, styles *style.Set, defaults endpoint.Window, log *slog.Logger, newLane func() *lane) *registry {
	r := &registry{
		store: s, styles: styles, defaults: defaults, log: log, newLane: newLane,
		lanes: make(map[uint64]*runningLane), names: make(map[string]uint64),
	}
	r.table.Store(route.NewTable(0, nil))
	return r
}

// load takes over the endpoints in the store. An endpoint that this dz can't
// route to is an error: what it is owed would be lost.
func (r *registry) load(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, err := r.store.Endpoints(ctx)
	if err != nil {
		return err
	}
	routes := make([]*route.Route, 0, len(all.List))
	for _, ep := range all.List {
		st, rt, err := r.compile(&ep)
		if err != nil {
			return fmt.Errorf("the store holds an endpoint that this dz can't serve: %w", err)
		}
		routes = append(routes, rt)
		r.put(ep, st, all.Health[ep.ID])
	}
	r.table.Store(route.NewTable(all.Revision, routes))
	return nil
}

// run starts the lanes; start runs one until stop, which does not wait.
func (r *registry) run(start func(*lane) (stop func())) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.start = start
	for _, running := range r.lanes {
		running.stop = start(running.lane)
	}
}

func (r *registry) compile(ep *endpoint.Endpoint) (style.Style, *route.Route, error) {
	st, err := r.styles.Get(ep.Style)
	if err != nil {
		return nil, nil, fmt.Errorf("endpoint %s: %w", ep.Name, err)
	}
	routed := r.styles.Routed(ep)
	rt, err := route.New(&routed, st, style.Window(st, r.defaults))
	return st, rt, err
}

// put makes or changes an endpoint's lane.
func (r *registry) put(ep endpoint.Endpoint, st style.Style, health endpoint.Health) {
	settings := newLaneSettings(ep, st, r.defaults)
	if running, ok := r.lanes[ep.ID]; ok {
		running.set(settings)
		return
	}
	l := r.newLane()
	l.health = health
	l.set(settings)
	running := &runningLane{lane: l, stop: func() {}}
	if r.start != nil {
		running.stop = r.start(l)
	}
	r.lanes[ep.ID], r.names[ep.Name] = running, ep.ID
}

// add stores a new endpoint and begins to serve it.
func (r *registry) add(ctx context.Context, ep endpoint.Endpoint, now time.Time) (endpoint.Endpoint, error) {
	added, err := r.addAll(ctx, []endpoint.Endpoint{ep}, now)
	if err != nil {
		return endpoint.Endpoint{}, err
	}
	return added[0], nil
}

// addAll stores new endpoints, all or none of them, and begins to serve them.
func (r *registry) addAll(ctx context.Context, eps []endpoint.Endpoint, now time.Time) ([]endpoint.Endpoint, error) {
	for i := range eps {
		if err := r.checkChange(&eps[i], nil); err != nil {
			return nil, invalid(err)
		}
		eps[i].Created, eps[i].Updated = now, now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.checkNames(eps); err != nil {
		return nil, err
	}
	registered, err := r.store.AddEndpoints(ctx, eps)
	if err != nil {
		return nil, err
	}
	failpoint.Reach(failpoint.EndpointAdded)
	added := make([]endpoint.Endpoint, len(registered))
	table := r.table.Load()
	for i, one := range registered {
		ep := one.Endpoint
		st, rt, err := r.compile(&ep)
		if err != nil {
			return nil, err
		}
		r.put(ep, st, endpoint.Health{})
		table = table.With(one.Revision, rt)
		r.log.Info("endpoint added", "endpoint", ep.Name, "style", ep.Style)
		added[i] = ep
	}
	r.table.Store(table)
	return added, nil
}

// update changes a stored endpoint. Its health begins anew if it was switched on,
// if what it is reached by has changed, or if resume says so.
func (r *registry) update(ctx context.Context, name string, now time.Time, resume bool, change func(*endpoint.Endpoint) error) (endpoint.Endpoint, error) {
	ep, running, err := r.replace(ctx, name, now, resume, change)
	if err != nil || running == nil {
		return ep, err
	}
	// Also if retries can't be brought forward: the rest of what is owed is sent.
	defer running.wake()
	// Not under the lock: there may be many retries.
	_, err = running.store.Hasten(ctx, ep.ID, now)
	return ep, err
}

// replace changes an endpoint in the store, its lane and the table. It returns
// the lane if its health has begun anew.
func (r *registry) replace(ctx context.Context, name string, now time.Time, resume bool, change func(*endpoint.Endpoint) error) (endpoint.Endpoint, *runningLane, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh := resume
	registered, err := r.store.UpdateEndpoint(ctx, name, func(ep *endpoint.Endpoint) error {
		before, unshown := *ep, r.checkView(ep)
		if err := change(ep); err != nil {
			return err
		}
		if err := r.checkChange(ep, unshown); err != nil {
			return invalid(err)
		}
		ep.DropExpired(now)
		fresh = resume || startsAnew(&before, ep)
		ep.Updated = now
		return nil
	})
	if err != nil {
		return endpoint.Endpoint{}, nil, err
	}
	failpoint.Reach(failpoint.EndpointChanged)
	ep := registered.Endpoint
	st, rt, err := r.compile(&ep)
	if err != nil {
		return endpoint.Endpoint{}, nil, err
	}
	r.put(ep, st, endpoint.Health{})
	r.table.Store(r.table.Load().With(registered.Revision, rt))
	r.log.Info("endpoint changed", "endpoint", ep.Name, "enabled", ep.Enabled)
	if !fresh {
		return ep, nil, nil
	}
	health, err := r.store.ResetHealth(ctx, ep.ID, now)
	if err != nil {
		return ep, nil, err
	}
	running := r.lanes[ep.ID]
	running.setHealth(health)
	return ep, running, nil
}

// startsAnew reports whether an endpoint's past says nothing about its future.
func startsAnew(before, after *endpoint.Endpoint) bool {
	switchedOn := after.Enabled && !before.Enabled
	return switchedOn || before.URL != after.URL || before.CAFile != after.CAFile ||
		before.ClientCert != after.ClientCert || before.ClientKey != after.ClientKey
}

// enable switches an endpoint on or off. Switching on resumes it, also if it was
// on and sick or gone.
func (r *registry) enable(ctx context.Context, name string, enabled bool, now time.Time) (endpoint.Endpoint, error) {
	return r.update(ctx, name, now, enabled, func(ep *endpoint.Endpoint) error {
		ep.Enabled = enabled
		return nil
	})
}

// remove forgets an endpoint. Its attempts under way end by themselves; their
// outcomes find nothing to settle.
func (r *registry) remove(ctx context.Context, name string) (store.Removed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	removed, err := r.store.RemoveEndpoint(ctx, name)
	if err != nil {
		return store.Removed{}, err
	}
	failpoint.Reach(failpoint.EndpointRemoved)
	id := removed.Endpoint.ID
	r.table.Store(r.table.Load().Without(removed.Revision, id))
	if running, ok := r.lanes[id]; ok {
		running.stop()
		delete(r.lanes, id)
	}
	delete(r.names, name)
	r.log.Info("endpoint removed", "endpoint", name, "debts", removed.Open, "failures", removed.Failed)
	return removed, nil
}

// setDefaults routes by another default debounce.
func (r *registry) setDefaults(ctx context.Context, defaults endpoint.Window) error {
	r.mu.Lock()
	r.defaults = defaults
	r.mu.Unlock()
	return r.load(ctx)
}

// current returns the table, after any change of endpoints under way.
func (r *registry) current() *route.Table {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.Load()
}

// lane returns an endpoint's lane, or nil.
func (r *registry) lane(id uint64) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	if running, ok := r.lanes[id]; ok {
		return running.lane
	}
	return nil
}

// byName returns an endpoint's lane. store.ErrNotFound without one.
func (r *registry) byName(name string) (*lane, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	running, ok := r.lanes[r.names[name]]
	if !ok {
		return nil, fmt.Errorf("endpoint %q: %w", name, store.ErrNotFound)
	}
	return running.lane, nil
}

// all returns every lane, by name.
func (r *registry) all() []*lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	lanes := make([]*lane, 0, len(r.lanes))
	for _, running := range r.lanes {
		lanes = append(lanes, running.lane)
	}
	sortLanes(lanes)
	return lanes
}

// wake wakes the lanes that have something due earlier than before.
func (r *registry) wake(due map[uint64]time.Time) {
	if len(due) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range due {
		if running, ok := r.lanes[id]; ok {
			running.wake()
		}
	}
}

func sortLanes(lanes []*lane) {
	slices.SortFunc(lanes, func(a, b *lane) int {
		return strings.Compare(a.settings.Load().ep.Name, b.settings.Load().ep.Name)
	})
}
