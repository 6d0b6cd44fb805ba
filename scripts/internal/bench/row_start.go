package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// maxStarted is how many bytes of memory a daemon may take that has just been
// started. It must not depend on the backlog, on any machine.
const maxStarted = 100 << 20

// startRow measures a start with as many debts as an outage may leave that is
// still going on, and one that compacts the store before.
func (b *bench) startRow(ctx context.Context) error {
	s, err := b.newSite(usual)
	if err != nil {
		return err
	}
	if err := b.sink.goDown(ctx); err != nil {
		return err
	}
	err = b.serveAt(ctx, "start-fill", s, func(d *daemon) error { return b.amass(ctx, d) })
	if err == nil {
		err = b.serveAt(ctx, "start", s, func(d *daemon) error { return b.started(ctx, d, "", 2) })
	}
	if err == nil {
		err = s.configure(usual, "always")
	}
	if err == nil {
		// It copies all there is first, which takes as long as it takes.
		err = b.serveAt(ctx, "start-compact", s, func(d *daemon) error { return b.started(ctx, d, "compacted, ", 0) })
	}
	return errors.Join(err, b.sink.comeUp(ctx), os.RemoveAll(s.dir))
}

// amass makes debts to a receiver that is down.
func (b *bench) amass(ctx context.Context, d *daemon) error {
	if err := newWriter().write(d.draft(), b.sizes.debts, b.sizes.debts); err != nil {
		return err
	}
	if err := b.register(ctx, d, "receiver", "0s", 8); err != nil {
		return err
	}
	begun, err := d.publish()
	if err != nil {
		return err
	}
	_, err = d.waitIngested(ctx, b.sizes.debts, begun, 10*time.Minute)
	return err
}

// started looks at a daemon that has just been started, and was to be ready within so
// many seconds; 0: there is no goal.
func (b *bench) started(ctx context.Context, d *daemon, how string, within float64) error {
	ready, err := d.Memory()
	if err != nil {
		return err
	}
	if err := process.Pause(ctx, b.sizes.soon); err != nil {
		return err
	}
	status, err := d.client.Status(ctx)
	if err != nil {
		return err
	}
	later, err := d.Memory() // after a look at all that is due
	if err != nil {
		return err
	}
	found := start{
		wanted: uint64(b.sizes.debts), debts: status.Endpoints[0].Debts, ready: ready.Now, later: later.Now,
	}
	for _, fault := range found.faults() {
		b.report.wrong("start: %s%s", how, fault)
	}
	what := how + "with " + number(float64(b.sizes.debts)) + " debts: "
	readyAfter := measured("start", what+"ready after", d.ready.Seconds(), "s")
	if within > 0 {
		readyAfter = readyAfter.atMost(within)
	}
	b.report.add(
		readyAfter,
		measured("start", what+"RSS when ready", mib(ready.Now), "MiB").atMost(mib(maxStarted)).
			noted("peak %s MiB", number(mib(ready.Peak))),
		measured("start", what+"RSS later", mib(later.Now), "MiB").atMost(mib(maxStarted)).
			noted("after %v, of which %s MiB are not mapped files", b.sizes.soon, number(mib(later.Anon))),
	)
	return nil
}

// start is a store's debts and a daemon's memory, in bytes, after a start.
type start struct {
	wanted, debts uint64
	ready, later  int64
}

// faults says what is wrong with a start, on any machine.
func (s start) faults() []string {
	var faults []string
	if s.debts != s.wanted {
		faults = append(faults, fmt.Sprintf("%d debts after a restart, not %d", s.debts, s.wanted))
	}
	for _, m := range []struct {
		when  string
		bytes int64
	}{{"when ready", s.ready}, {"later", s.later}} {
		if m.bytes > maxStarted {
			faults = append(faults, fmt.Sprintf("%.0f MiB of memory %s, more than %.0f MiB", mib(m.bytes), m.when, mib(maxStarted)))
		}
	}
	return faults
}
