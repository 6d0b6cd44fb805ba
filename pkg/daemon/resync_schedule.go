package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/managed"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// scheduleLook is how often it is looked for endpoints whose time has come.
const scheduleLook = 10 * time.Second

// schedule starts jobs by the clock until ctx ends.
func (r *resyncs) schedule(ctx context.Context) {
	faults := make(map[uint64]string)
	for {
		if sleep(ctx, scheduleLook); ctx.Err() != nil {
			return
		}
		for _, l := range r.registry.all() {
			id, text := l.settings.Load().ep.ID, ""
			if err := r.startIfDue(ctx, l); err != nil && ctx.Err() == nil {
				text = err.Error()
			}
			if text != "" && faults[id] != text {
				r.log.Error("can't begin a synchronisation that is due; trying again", "endpoint", r.name(id), "error", text)
			}
			faults[id] = text
		}
	}
}

// startIfDue starts an endpoint's job if its time has come. One that nothing is
// sent to has time.
func (r *resyncs) startIfDue(ctx context.Context, l *lane) error {
	ep, _, err := trackerOf(l)
	every := style.Value(&ep, managed.ResyncEvery, timespan.Span(0)).Std()
	if err != nil || every <= 0 || !l.sends() || r.runs(ep.ID) {
		return nil //nolint:nilerr // of other styles nothing is compared
	}
	due, err := r.isDue(ctx, &ep, every)
	if err != nil || !due {
		return err
	}
	_, err = r.start(ctx, l, resync.Order{Changed: true}, true)
	if errors.Is(err, errResyncRuns) || errors.Is(err, errResets) {
		return nil
	}
	return err
}

// isDue reports whether an endpoint is to be compared with the catalogue: it is so
// long since the whole of it was last synchronised, or it was made. If the clock was
// ahead then, nobody knows how long that is, and it is due.
func (r *resyncs) isDue(ctx context.Context, ep *endpoint.Endpoint, every time.Duration) (bool, error) {
	job, err := r.store.Resync(ctx, ep.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	last := job.Whole()
	if last.IsZero() {
		last = ep.Created
	}
	since := r.now().Sub(last)
	return since >= every || since < -clockSlack, nil
}
