package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

// drive goes on with a job until it is done, stopped, or the daemon stops.
func (r *resyncs) drive(one *runningResync, id uint64, job resync.Job) {
	o := &owing{resyncs: r, id: id, kept: job}
	s, err := r.search(id, job)
	if err == nil {
		o.search, s.take = s, o.take
		if !r.retell(one, id, s) {
			return // it goes on at the next start, or its endpoint was removed
		}
		err = s.run(one.ctx)
	}
	for wait := firstCatalogueWait; err != nil && r.passes(one.ctx, err); wait = min(2*wait, lastCatalogueWait) {
		r.wait(one.ctx, one, id, err, wait)
		seen := s.job.Found.Seen
		if err = s.run(one.ctx); s.job.Found.Seen > seen {
			wait = firstCatalogueWait / 2
		}
	}
	switch {
	case err == nil:
		r.logDone(id, s.job)
	case errors.Is(context.Cause(one.ctx), errResyncStopped):
		o.end(one, "")
	case one.ctx.Err() != nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrClosed):
		if r.ctx.Err() != nil {
			r.leave(o)
		}
	default:
		o.end(one, err.Error())
	}
}

// retell owes what a process before this one may have told without a debt, and reports
// whether it has come to the end of that. Nothing but the end of the daemon, or of the
// endpoint, keeps it from that: whoever stops the job is told what it waits for.
func (r *resyncs) retell(one *runningResync, id uint64, s *search) bool {
	for wait := firstCatalogueWait; s.retells(); wait = min(2*wait, lastCatalogueWait) {
		err := s.list(r.ctx)
		switch {
		case err == nil:
			continue
		case r.ctx.Err() != nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrClosed):
			return false
		}
		one.unended.Store(&err)
		r.wait(r.ctx, one, id, err, wait)
	}
	one.unended.Store(nil)
	return true
}

// passes reports whether what keeps a job from going on may pass by itself.
func (r *resyncs) passes(ctx context.Context, err error) bool {
	for _, lasting := range []error{
		store.ErrNotFound, store.ErrClosed, store.ErrRevision, store.ErrCursor,
		catalogue.ErrRefused, catalogue.ErrUnreadable, errNotTracked, errBadFilter,
	} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return ctx.Err() == nil
}

// wait waits, and says once what for.
func (r *resyncs) wait(ctx context.Context, one *runningResync, id uint64, err error, wait time.Duration) {
	var unread *catalogue.ReadError
	if errors.As(err, &unread) {
		wait = max(wait, unread.After)
	}
	text := err.Error()
	if before := one.fault.Swap(&text); before == nil || *before != text {
		r.log.Warn("a synchronisation can't go on; trying again", "endpoint", r.name(id), "error", text)
	}
	sleep(ctx, wait)
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
