package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// idleEvery is how often --until-idle looks.
const idleEvery = 50 * time.Millisecond

// ErrFailuresRemain is returned by Run with UntilIdle when everything was tried
// and not everything was delivered.
var ErrFailuresRemain = errors.New("failures remain")

// finished reports whether --until-idle may end: nothing can be read, and
// nothing is owed that could be sent. It returns ErrFailuresRemain if something
// is owed all the same.
func (d *Daemon) finished(ctx context.Context) (bool, error) {
	for _, f := range d.allFeeds() {
		if text := f.fatal.Load(); text != nil {
			return true, fmt.Errorf("source %s has failed: %s", f.name, *text)
		}
	}
	before, ok := d.feedsSettled()
	if !ok {
		return false, nil
	}
	stats, err := d.store.Stats(ctx)
	if err != nil {
		return false, err
	}
	after, ok := d.feedsSettled()
	open, failed, held := d.tally(stats)
	if !ok || !slices.Equal(before, after) || open > 0 {
		return false, nil
	}
	if failed+held > 0 {
		return true, fmt.Errorf("%w: %d failed, %d held by endpoints that are disabled or gone: see 'dz failures list' and 'dz status'",
			ErrFailuresRemain, failed, held)
	}
	d.log.Info("idle: everything is delivered")
	return true, nil
}

// tally counts debts that will be sent without anybody doing anything, failures,
// and debts of endpoints that nothing is sent to.
func (d *Daemon) tally(stats store.Stats) (open, failed, held uint64) {
	for _, l := range d.registry.all() {
		counts := stats.Endpoints[l.settings.Load().ep.ID]
		failed += counts.Failed
		if l.sends() {
			open += counts.Open
		} else {
			held += counts.Open
		}
	}
	return open, failed, held
}

// sends reports whether anything is sent to the endpoint at present.
func (l *lane) sends() bool {
	state := l.getHealth().State(l.settings.Load().ep.Enabled)
	return state == endpoint.Healthy || state == endpoint.Sick
}

// feedsSettled reports whether all that could be read is in the store, and a
// mark that differs if something came in between two calls.
func (d *Daemon) feedsSettled() (turns []uint64, ok bool) {
	for _, f := range d.allFeeds() {
		caughtUp, turn := f.settled()
		if !caughtUp {
			return nil, false
		}
		turns = append(turns, turn)
	}
	return turns, true
}
