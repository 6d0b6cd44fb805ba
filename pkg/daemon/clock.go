package daemon

import (
	"context"
	"time"
)

// clockSlack is by how much the clock must go wrong to count as set back. NTP
// slews by less.
const clockSlack = time.Minute

// clock notices that the time of day was set back, by a clock that can't be set.
type clock struct {
	started time.Time // with Go's monotonic reading
	wall    time.Time // of day, without one
}

func newClock(now time.Time) *clock { return &clock{started: time.Now(), wall: now.Round(0)} }

// setBack reports whether the time of day has been set back since the last call.
func (c *clock) setBack(now time.Time) bool {
	passed, shown := time.Since(c.started), now.Round(0).Sub(c.wall)
	*c = *newClock(now)
	return passed-shown > clockSlack
}

// checkClock moves debts that lie in the future, because the clock was set back
// while no daemon ran.
func (d *Daemon) checkClock(ctx context.Context) error {
	stats, err := d.store.Stats(ctx)
	if err != nil {
		return err
	}
	if stats.Latest.Sub(d.now()) > clockSlack {
		d.rewind(ctx)
	}
	return nil
}

// rewind moves every endpoint's debts that lie in the future to now, so that
// nothing waits for a time that has been taken back.
func (d *Daemon) rewind(ctx context.Context) {
	for _, l := range d.registry.all() {
		ep := &l.settings.Load().ep
		moved, err := d.store.Rewind(ctx, ep.ID, d.now())
		if err != nil {
			d.log.Error("the clock was set back, and what is owed can't be moved; it is told when it was due before",
				"endpoint", ep.Name, "error", err)
			continue
		}
		d.log.Warn("the clock was set back; what is owed waits no longer than before", "endpoint", ep.Name, "debts", moved)
		l.wake()
	}
}
