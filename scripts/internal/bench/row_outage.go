package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// outageSize is how much happens while the receiver is down, and what it may
// cost.
type outageSize struct {
	events, objects int
	maxFile         int64         // bytes
	maxPeak         int64         // bytes of RSS
	drain           time.Duration // how long it may take until all is delivered, the last pause between probes included
}

func longOutage() outageSize {
	return outageSize{events: 1_000_000, objects: 100_000, maxFile: 100e6, maxPeak: 256 << 20, drain: 4 * time.Minute}
}

// shortOutage is a fifth of the long one. The file may have a fifth and one of
// the steps of 16 MiB in which it grows. The memory it may take is the same, for
// it must not depend on the backlog.
func shortOutage() outageSize {
	return outageSize{events: 200_000, objects: 20_000, maxFile: 20e6 + 16<<20, maxPeak: 256 << 20, drain: 2 * time.Minute}
}

// outage is what came of one.
type outage struct {
	size     outageSize
	ingest   time.Duration // how long it took to take the events in
	debts    uint64        // while the receiver was down
	file     int64         // likewise
	peak     int64         // of RSS, over all
	down     time.Duration
	whenDown tally         // before the receiver came back
	recovery time.Duration // from its return to the first delivery
	drain    time.Duration // from the first delivery to the last
	tally    tally         // at the end
	left     uint64        // debts and failures at the end
}

// fewestProbes is how many probes are waited for, so that there is something to
// judge.
const fewestProbes = 2

// runOutage has a receiver be down while many events about fewer objects come
// in, and come back. Recent events are not kept: they grow with the events, up
// to a bound of their own (store.events.max_size), and are no part of what an
// outage costs.
func (b *bench) runOutage(ctx context.Context, size outageSize) (outage, error) {
	o := outage{size: size}
	err := b.serveNew(ctx, "outage", "0", func(d *daemon) error {
		if err := newWriter().write(d.draft(), size.events, size.objects); err != nil {
			return err
		}
		begun, err := b.fallSick(ctx, d, size.objects)
		if err != nil {
			return err
		}
		if err := b.takeIn(ctx, d, begun, &o); err != nil {
			return err
		}
		if err := b.drain(ctx, d, &o); err != nil {
			return err
		}
		m, err := d.Memory()
		o.peak = m.Peak
		return err
	})
	return o, errors.Join(err, b.sink.comeUp(ctx))
}

// fallSick publishes the draft and lets the endpoint find out that its receiver
// is down. From then on requests are probes.
func (b *bench) fallSick(ctx context.Context, d *daemon, objects int) (begun time.Time, err error) {
	if err := b.sink.reset(ctx, objects); err != nil {
		return begun, err
	}
	if err := b.sink.goDown(ctx); err != nil {
		return begun, err
	}
	if err := b.register(ctx, d, "receiver", "0s", 8); err != nil {
		return begun, err
	}
	if begun, err = d.publish(); err != nil {
		return begun, err
	}
	err = process.Until(ctx, 5*time.Millisecond, time.Minute, "the endpoint is sick", func() (bool, error) {
		status, err := d.client.Status(ctx)
		if err != nil || len(status.Endpoints) != 1 {
			return false, err
		}
		return status.Endpoints[0].State == "sick" && status.Endpoints[0].InFlight == 0, nil
	})
	return begun, errors.Join(err, b.sink.mark(ctx))
}

// takeIn waits until all events are debts, and looks at what they cost.
func (b *bench) takeIn(ctx context.Context, d *daemon, begun time.Time, o *outage) error {
	var err error
	if o.ingest, err = d.waitIngested(ctx, o.size.events, begun, 5*time.Minute); err != nil {
		return err
	}
	err = process.Until(ctx, lookEvery, time.Minute, "the receiver has been probed", func() (bool, error) {
		var err error
		o.whenDown, err = b.sink.tally(ctx)
		return o.whenDown.Probes >= fewestProbes, err
	})
	if err != nil {
		return err
	}
	status, err := d.client.Status(ctx)
	if err != nil {
		return err
	}
	o.debts = status.Endpoints[0].Debts
	info, err := os.Stat(d.store())
	if err != nil {
		return err
	}
	o.file, o.down = info.Size(), time.Since(begun)
	return nil
}

// drain lets the receiver come back, and waits until it has everything.
func (b *bench) drain(ctx context.Context, d *daemon, o *outage) error {
	back := time.Now()
	if err := b.sink.comeUp(ctx); err != nil {
		return err
	}
	arrived, err := b.sink.waitDistinct(ctx, o.size.objects, o.size.drain)
	if err != nil && arrived.Distinct == 0 {
		return err
	}
	// Some arrived: what did not is for the verdict to tell.
	o.recovery = time.Unix(0, arrived.First).Sub(back)
	o.drain = time.Duration(arrived.Last - arrived.First)
	if err := d.waitIdle(ctx); err != nil {
		return err
	}
	status, err := d.client.Status(ctx)
	if err != nil {
		return err
	}
	o.left = status.Endpoints[0].Debts + status.Endpoints[0].Failures
	o.tally, err = b.sink.tally(ctx)
	return err
}

// faults says what is wrong with an outage, on any machine.
func (o *outage) faults() []string {
	faults := o.tally.faults(o.size.objects)
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	add(o.debts != uint64(o.size.objects), "%d debts while the receiver was down, not %d", o.debts, o.size.objects)
	add(o.left != 0, "%d debts and failures were left", o.left)
	add(o.whenDown.Abreast > 1, "%d probes of the sick receiver at a time", o.whenDown.Abreast)
	add(o.whenDown.Probes > o.mostProbes(), "%d probes of the sick receiver in %.0f s", o.whenDown.Probes, o.down.Seconds())
	add(o.file > o.size.maxFile, "the store's file has %.1f MB, more than %.0f MB", mb(o.file), mb(o.size.maxFile))
	add(o.peak > o.size.maxPeak, "%.0f MiB of memory at most, more than %.0f MiB", mib(o.peak), mib(o.size.maxPeak))
	return faults
}

// mostProbes is how often a sick receiver may be probed while it is down. The
// distance between probes doubles; one a second is far beyond it.
func (o *outage) mostProbes() int64 { return int64(o.down.Seconds()) + 1 }

// outageRow measures a receiver's outage.
func (b *bench) outageRow(ctx context.Context) error {
	o, err := b.runOutage(ctx, b.sizes.outage)
	if err != nil {
		return err
	}
	for _, fault := range o.faults() {
		b.report.wrong("outage: %s", fault)
	}
	objects := float64(o.size.objects)
	b.report.add(
		measured("outage", "debts while the receiver is down", float64(o.debts), "").
			judged("= "+number(objects), float64(o.debts) == objects).noted("after %s events", number(float64(o.size.events))),
		measured("outage", "store's file", mb(o.file), "MB").atMost(mb(o.size.maxFile)).
			noted("debts alone, without the ring of recent events"),
		measured("outage", "RSS, peak", mib(o.peak), "MiB").atMost(mib(o.size.maxPeak)),
		measured("outage", "ingest meanwhile", float64(o.size.events)/o.ingest.Seconds(), "events/s"),
		measured("outage", "probes abreast", float64(o.whenDown.Abreast), "").judged("= 1", o.whenDown.Abreast == 1).
			noted("%d probes in %.0f s, after %d requests at first", o.whenDown.Probes, o.down.Seconds(),
				o.whenDown.Refused-o.whenDown.Probes),
		measured("outage", "delivered after it is back", float64(o.tally.Distinct), "").
			judged("= "+number(objects), float64(o.tally.Distinct) == objects).
			noted("%d repeated; first after %.1f s, then %s/s for %.1f s", o.tally.Repeated, o.recovery.Seconds(),
				number(objects/o.drain.Seconds()), o.drain.Seconds()),
	)
	return nil
}
