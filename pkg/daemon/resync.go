package daemon

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// resyncs runs synchronisations, at most one of an endpoint.
//
// A job is in the store, and moves on in the transaction that owes what a page of
// the catalogue came to: one that a stop or a kill breaks off goes on at the next
// start where it was. It only owes, or stands for what its lane tells: see owing. What is
// sent is read when it is sent, and in order per asset, as ever: no job brings an older
// state after a newer one.
type resyncs struct {
	store    store.Engine
	registry *registry
	viewer   catalogue.Viewer
	now      func() time.Time
	log      *slog.Logger
	most     uint64 // debts of an endpoint in the background

	ctx context.Context //nolint:containedctx // the daemon's: jobs last longer than the call that starts them
	wg  sync.WaitGroup

	seed maphash.Seed // of the names of what is handed on: no process gives them twice

	mu      sync.Mutex
	running map[uint64]*runningResync
	left    []*owing // jobs that the end of the daemon has broken off
}

// runningResync is the goroutine of one job, or keeps one from being begun.
type runningResync struct {
	resets bool            // it is none: what the endpoint has acknowledged is being forgotten
	ctx    context.Context //nolint:containedctx // its own
	cancel context.CancelCauseFunc
	ended  chan struct{}
	fault  atomic.Pointer[string] // what it waits for, beside its endpoint

	unended atomic.Pointer[error]      // why it can't be recorded now that it has ended
	found   atomic.Pointer[resync.Job] // as it is with what was handed on; nil: as in the store
}

// Reasons to end a job.
var (
	errResyncStopped = errors.New("stopped by a person")
	errResyncRuns    = errors.New("a synchronisation is running")
	errResets        = errors.New("what the endpoint has acknowledged is being forgotten")
	errNoResync      = errors.New("no synchronisation is running")
)

// startResyncs goes on with the jobs that are in the store, and starts those that
// are due by the clock. It returns what ends them; they go on at the next start.
func (d *Daemon) startResyncs(ctx context.Context) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	r := d.resyncs
	r.ctx = ctx
	stop = func() error {
		cancel()
		r.wg.Wait()
		return nil
	}
	for _, l := range d.registry.all() {
		if err := r.resume(ctx, l); err != nil {
			return stop, err
		}
	}
	r.wg.Go(func() { r.schedule(ctx) })
	return stop, nil
}

// resume goes on with an endpoint's job, if it has one under way.
func (r *resyncs) resume(ctx context.Context, l *lane) error {
	ep := &l.settings.Load().ep
	job, err := r.store.Resync(ctx, ep.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !job.Running() {
		return nil
	}
	if err != nil {
		return err
	}
	one, err := r.reserve(ep.ID, false)
	if err != nil {
		return err
	}
	r.log.Info("going on with a synchronisation", "endpoint", ep.Name, "number", job.Number, "seen", job.Found.Seen)
	r.spawn(ep.ID, one, job)
	return nil
}

// start begins a job. errResyncRuns: there is one already; errResets.
func (r *resyncs) start(ctx context.Context, l *lane, order resync.Order, scheduled bool) (resync.Job, error) {
	ep := &l.settings.Load().ep
	one, err := r.reserve(ep.ID, false)
	if err != nil {
		return resync.Job{}, err
	}
	job, err := r.begin(ctx, ep.ID, order, scheduled)
	if err != nil {
		r.free(ep.ID, one)
		return resync.Job{}, err
	}
	r.log.Info("synchronising again", "endpoint", ep.Name, "number", job.Number, "changed", order.Changed,
		"narrow", order.Narrow(), "scheduled", scheduled)
	r.spawn(ep.ID, one, job)
	return job, nil
}

// begin keeps a new job in the store.
func (r *resyncs) begin(ctx context.Context, id uint64, order resync.Order, scheduled bool) (resync.Job, error) {
	last, err := r.store.Resync(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return resync.Job{}, err
	}
	stats, err := r.store.Stats(ctx)
	if err != nil {
		return resync.Job{}, err
	}
	job := resync.Job{
		Number: last.Number + 1, Order: order, Scheduled: scheduled, Phase: resync.Listing,
		Started: r.now(), Delivered: stats.Endpoints[id].Delivered,
	}
	if order.Narrow() {
		job.Before = last.Whole()
	}
	_, err = r.store.Owe(ctx, store.Owing{Endpoint: id, Now: job.Started, Job: job})
	return job, err
}

// reserve keeps others from beginning a job of an endpoint, until free.
func (r *resyncs) reserve(id uint64, resets bool) (*runningResync, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other := r.running[id]; other != nil {
		if other.resets {
			return nil, errResets
		}
		return nil, errResyncRuns
	}
	one := &runningResync{resets: resets, ended: make(chan struct{})}
	one.ctx, one.cancel = context.WithCancelCause(r.ctx)
	r.running[id] = one
	return one, nil
}

func (r *resyncs) free(id uint64, one *runningResync) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, id)
	one.cancel(nil)
	close(one.ended)
}

func (r *resyncs) spawn(id uint64, one *runningResync, job resync.Job) {
	r.wg.Go(func() {
		defer r.free(id, one)
		r.drive(one, id, job)
	})
}

// stop ends an endpoint's job where it is; what it has owed stays owed. An error says
// that this is not durable yet: it is as soon as the store can take it.
func (r *resyncs) stop(ctx context.Context, id uint64) error {
	r.mu.Lock()
	one := r.running[id]
	r.mu.Unlock()
	if one == nil || one.resets {
		return errNoResync
	}
	one.cancel(errResyncStopped)
	look := time.NewTicker(backgroundLook)
	defer look.Stop()
	for {
		select {
		case <-one.ended:
			return nil
		case <-look.C:
			if err := one.unended.Load(); err != nil {
				return fmt.Errorf("the synchronisation goes on no more, but that is not recorded yet: %w", *err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fault is what an endpoint's job waits for; "" if it does not, or there is none.
func (r *resyncs) fault(id uint64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.running[id]; one != nil {
		if text := one.fault.Load(); text != nil {
			return *text
		}
	}
	return ""
}

// found is an endpoint's job as it is with what it has handed on; false if the store has
// it as it is.
func (r *resyncs) found(id uint64) (resync.Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.running[id]; one != nil {
		if job := one.found.Load(); job != nil {
			return *job, true
		}
	}
	return resync.Job{}, false
}

// runs reports whether an endpoint's job is under way.
func (r *resyncs) runs(id uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id] != nil
}

// tracker returns an endpoint as it is now, with its style. store.ErrNotFound: it
// was removed.
func (r *resyncs) tracker(id uint64) (endpoint.Endpoint, style.Tracker, error) {
	l := r.registry.lane(id)
	if l == nil {
		return endpoint.Endpoint{}, nil, fmt.Errorf("endpoint %d: %w", id, store.ErrNotFound)
	}
	return trackerOf(l)
}

func trackerOf(l *lane) (endpoint.Endpoint, style.Tracker, error) {
	s := l.settings.Load()
	t, ok := s.style.(style.Tracker)
	if !ok {
		return s.ep, nil, fmt.Errorf("endpoint %s, style %s: %w", s.ep.Name, s.ep.Style, errNotTracked)
	}
	return s.ep, t, nil
}

// search makes the search of a job; what it comes to is for the caller to take.
func (r *resyncs) search(id uint64, job resync.Job) (*search, error) {
	s := &search{
		viewer: r.viewer, store: r.store, now: r.now, job: job, mark: job.Handed, shown: newShownAssets(),
		endpoint: func() (endpoint.Endpoint, style.Tracker, error) { return r.tracker(id) },
	}
	s.job.Handed, s.maybeGone = "", job.Cursor != "" // what a process before this one has seen is not known
	if s.ordered, _ = r.viewer.(catalogue.Ordered); s.ordered == nil && s.mark != "" {
		// dz had another catalogue, and where its lists were says nothing of this one.
		s.job.Cursor, s.job.Found = "", resync.Found{}
	}
	if job.Order.Filter == "" {
		return s, nil
	}
	filter, err := compileAssetFilter(job.Order.Filter)
	s.filter = filter
	return s, err
}
