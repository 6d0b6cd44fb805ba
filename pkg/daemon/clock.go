package daemon

import (
	"context"
	"sync/atomic"
	"time"
)

// clockSlack is by how much the clock must go wrong to count as set back. NTP
// slews by less.
const clockSlack = time.Minute

// clock tells the daemon's time, and notices when times that it has told come to
// lie in the future: it was set back, however shortly before it was set forth.
type clock struct {
	read   func() time.Time
	latest atomic.Int64 // that was told, in Unix seconds
	again  bool         // it was set back at the last look
}

func newClock(read func() time.Time) *clock { return &clock{read: read} }

// now is the time.
func (c *clock) now() time.Time {
	now := c.read()
	second := now.Unix()
	for {
		latest := c.latest.Load()
		if second <= latest || c.latest.CompareAndSwap(latest, second) {
			return now
		}
	}
}

// look reports whether the clock was set back since the last look, or the one
// before: what was under way when that was noticed may have become durable since,
// with a time that has been taken back.
func (c *clock) look() bool {
	before, now := c.latest.Load(), c.read().Unix()
	setBack := time.Duration(before-now)*time.Second > clockSlack
	if setBack {
		c.latest.Store(now)
	}
	report := setBack || c.again
	c.again = setBack
	return report
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
