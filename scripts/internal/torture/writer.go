package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// writer appends events in bursts, and rotates the file when it is asked to.
type writer struct {
	spool  *spool
	random *rand.Rand
	every  time.Duration
	most   int // events in a burst

	ask   chan func() error // something to do with the spool
	wrote chan struct{}     // gets a value after a burst, if somebody waits
}

func newWriter(r *rig, every time.Duration, most int) *writer {
	return &writer{
		spool: r.spool, random: chance(r.opts.seed, r.name, "writer"), every: every, most: most,
		ask: make(chan func() error), wrote: make(chan struct{}),
	}
}

// run writes until ctx ends, the last line whole.
func (w *writer) run(ctx context.Context) error {
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return w.spool.finish()
		case do := <-w.ask:
			if err := do(); err != nil {
				return err
			}
		case <-ticker.C:
			if err := w.spool.burst(1 + w.random.IntN(w.most)); err != nil {
				return err
			}
			select {
			case w.wrote <- struct{}{}:
			default:
			}
		}
	}
}
