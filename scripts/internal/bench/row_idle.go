package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// maxIdle is how many percent of a processor are taken for none: a few timers, and
// how coarsely they are counted.
const maxIdle = 0.5

// idleRow measures a daemon that has nothing to do.
func (b *bench) idleRow(ctx context.Context) error {
	return b.serveNew(ctx, "idle", usual, func(d *daemon) error {
		const events = 100
		if err := b.sink.reset(ctx, events); err != nil {
			return err
		}
		for i := range 3 {
			if err := b.register(ctx, d, fmt.Sprintf("receiver-%d", i), "0s", 8); err != nil {
				return err
			}
		}
		if _, err := writeSteadily(ctx, d.spool(), events, time.Millisecond); err != nil {
			return err
		}
		if err := d.waitIdle(ctx); err != nil {
			return err
		}
		if err := process.Pause(ctx, time.Second); err != nil {
			return err
		}
		before, err := d.CPU()
		if err != nil {
			return err
		}
		begun := time.Now()
		if err := process.Pause(ctx, b.sizes.idle); err != nil {
			return err
		}
		after, err := d.CPU()
		if err != nil {
			return err
		}
		percent := 100 * float64(after-before) / float64(time.Since(begun))
		m, err := d.Memory()
		if err != nil {
			return err
		}
		b.report.add(
			measured("idle", "processor", percent, "%").judged(fmt.Sprintf("0 %% (< %v %%)", maxIdle), percent < maxIdle).
				noted("%v in %v; 3 endpoints, 1 file", (after-before).Round(time.Microsecond), b.sizes.idle),
			measured("idle", "RSS", mib(m.Now), "MiB").atMost(40).
				noted("of which %s MiB are not mapped files; peak %s MiB", number(mib(m.Anon)), number(mib(m.Peak))),
		)
		return nil
	})
}
