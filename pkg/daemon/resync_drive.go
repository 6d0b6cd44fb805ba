package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

// maxBackground is how many debts of an endpoint may wait in the background
// before a job owes no more of them: the store is not to grow with the catalogue.
const maxBackground = 20_000

// backgroundLook is how often a job looks whether there are fewer.
const backgroundLook = 100 * time.Millisecond

// drive goes on with a job until it is done, stopped, or the daemon stops.
func (r *resyncs) drive(one *runningResync, id uint64, job resync.Job) {
	s, err := r.search(id, job)
	if err == nil {
		s.take = func(ctx context.Context, job resync.Job, changes []debt.Change) error {
			return r.owe(ctx, id, job, changes)
		}
		err = s.run(one.ctx)
	}
	for wait := firstCatalogueWait; err != nil && r.passes(one, err); wait = min(2*wait, lastCatalogueWait) {
		r.wait(one, id, err, wait)
		seen := s.job.Found.Seen
		if err = s.run(one.ctx); s.job.Found.Seen > seen {
			wait = firstCatalogueWait / 2
		}
	}
	switch {
	case err == nil:
		r.logDone(id, s.job)
	case errors.Is(context.Cause(one.ctx), errResyncStopped):
		r.end(one, id, s.job, "")
	case one.ctx.Err() != nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrClosed):
		// It goes on at the next start, or its endpoint was removed.
	default:
		r.end(one, id, s.job, err.Error())
	}
}

// passes reports whether what keeps a job from going on may pass by itself.
func (r *resyncs) passes(one *runningResync, err error) bool {
	for _, lasting := range []error{
		store.ErrNotFound, store.ErrClosed, store.ErrRevision, store.ErrCursor,
		catalogue.ErrRefused, catalogue.ErrUnreadable, errNotTracked, errBadFilter,
	} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return one.ctx.Err() == nil
}

// wait waits, and says once what for.
func (r *resyncs) wait(one *runningResync, id uint64, err error, wait time.Duration) {
	var unread *catalogue.ReadError
	if errors.As(err, &unread) {
		wait = max(wait, unread.After)
	}
	text := err.Error()
	if before := one.fault.Swap(&text); before == nil || *before != text {
		r.log.Warn("a synchronisation can't go on; trying again", "endpoint", r.name(id), "error", text)
	}
	sleep(one.ctx, wait)
}

// owe owes what a page came to, when the endpoint is not owed too much in the
// background already.
func (r *resyncs) owe(ctx context.Context, id uint64, job resync.Job, changes []debt.Change) error {
	for {
		stats, err := r.store.Stats(ctx)
		if err != nil {
			return err
		}
		if len(changes) == 0 || stats.Endpoints[id].Background < r.most {
			break
		}
		if _, _, err := r.tracker(id); err != nil {
			return err
		}
		if sleep(ctx, backgroundLook); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	owed, err := r.store.Owe(ctx, store.Owing{Endpoint: id, Now: r.now(), Changes: changes, Job: job})
	if err != nil {
		return err
	}
	failpoint.Reach(failpoint.PageOwed)
	r.mu.Lock()
	if one := r.running[id]; one != nil {
		one.fault.Store(nil)
	}
	r.mu.Unlock()
	r.registry.wake(owed.Due)
	return nil
}

// end keeps a job as one that goes on no more. Until the store can take that, nobody
// else may begin one.
func (r *resyncs) end(one *runningResync, id uint64, job resync.Job, fault string) {
	job.Phase, job.Ended, job.Error, job.Cursor, job.Deletions = resync.Stopped, r.now(), fault, "", 0
	for {
		_, err := r.store.Owe(context.WithoutCancel(r.ctx), store.Owing{Endpoint: id, Now: job.Ended, Job: job})
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrClosed) {
			break
		}
		if one.unended.CompareAndSwap(nil, &err) {
			r.log.Error("can't record that a synchronisation has ended; trying again, else it goes on at the next start",
				"endpoint", r.name(id), "error", err)
			close(one.refused)
		}
		if sleep(r.ctx, storeRetry); r.ctx.Err() != nil {
			return
		}
	}
	switch {
	case fault != "":
		r.log.Error("a synchronisation has ended before it was done", "endpoint", r.name(id), "error", fault)
	default:
		r.log.Info("a synchronisation was stopped", "endpoint", r.name(id), "seen", job.Found.Seen)
	}
}

// logDone says what a job has found. One by the clock that found anything means
// that the receiver had drifted from the catalogue.
func (r *resyncs) logDone(id uint64, job resync.Job) {
	args := []any{
		"endpoint", r.name(id), "create", job.Found.Create, "update", job.Found.Update, "delete", job.Found.Delete,
		"unchanged", job.Found.Unchanged, "skipped", job.Found.Skipped, "unread", job.Found.Unread,
		"unjudged", job.Found.Unjudged, "took", job.Ended.Sub(job.Started).String(),
	}
	if job.Found.Missed() > 0 {
		r.log.Warn("synchronisation could not read or judge all assets; these are not told", append(args, "first", job.Found.Fault)...)
		return
	}
	if job.Scheduled && job.Found.Told() > 0 {
		r.log.Warn("the endpoint had drifted from the catalogue; what differs is owed", args...)
		return
	}
	r.log.Info("synchronisation has found all that is to be told", args...)
}

func (r *resyncs) name(id uint64) string {
	if l := r.registry.lane(id); l != nil {
		return l.settings.Load().ep.Name
	}
	return ""
}

// sleep waits for d, or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
