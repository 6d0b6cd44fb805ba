package main

import (
	"context"
	"fmt"
	"time"
)

// tail measures the main job beside what any client needs for its half of it:
// events about distinct objects in a file, made durable, and a request for each,
// against the same bodies from a bare client.
func (b *bench) tail(ctx context.Context) error {
	for _, concurrency := range []int{8, 64} {
		if err := b.tailAt(ctx, concurrency); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) tailAt(ctx context.Context, concurrency int) error {
	// The bare client runs before and after, so that a machine that becomes
	// slower or faster meanwhile tells on both.
	before, err := b.postBare(ctx, b.sizes.posts, concurrency)
	if err != nil {
		return err
	}
	var dz delivery
	err = b.serveNew(ctx, fmt.Sprintf("tail-%d", concurrency), usual, func(d *daemon) error {
		var err error
		dz, err = b.deliver(ctx, d, b.sizes.posts, concurrency)
		return err
	})
	if err != nil {
		return err
	}
	flush, err := flushTime(b.dir)
	if err != nil {
		return err
	}
	receiver, err := b.sink.CPU()
	if err != nil {
		return err
	}
	afterwards, err := b.postBare(ctx, b.sizes.posts, concurrency)
	if err != nil {
		return err
	}
	receiverToo, err := b.sink.CPU()
	if err != nil {
		return err
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.sizes.posts) }
	bareRate := (before.rate + afterwards.rate) / 2
	what := fmt.Sprintf("tail → POST, concurrency %d", concurrency)
	b.report.add(
		measured("tail", what, dz.rate, "/s").beside("bare client", bareRate).ratioAtLeast(0.6).
			noted("%s posts; memory at most %.0f MB; a flush to disk takes %s ms now", number(float64(b.sizes.posts)), mb(dz.peak),
				number(float64(flush.Microseconds())/1000)),
		measured("tail", "  processor time a post", each(dz.cpu), "µs").beside("bare client", each(before.cpu+afterwards.cpu)/2).
			noted("the receiver takes %.0f µs for dz, %.0f µs for the bare client", each(dz.sinkCPU), each(receiverToo-receiver)),
	)
	return nil
}

// delivery is what delivering a file cost.
type delivery struct {
	rate         float64 // requests a second, from the file's appearance to the last request
	cpu, sinkCPU time.Duration
	peak         int64
}

// deliver has a file of distinct objects delivered, and holds the receiver's
// tally to it.
func (b *bench) deliver(ctx context.Context, d *daemon, objects, concurrency int) (delivery, error) {
	if err := b.sink.reset(ctx, objects); err != nil {
		return delivery{}, err
	}
	if err := b.register(ctx, d, "receiver", "0s", concurrency); err != nil {
		return delivery{}, err
	}
	if err := newWriter().write(d.draft(), objects, objects); err != nil {
		return delivery{}, err
	}
	cpu, sinkCPU, err := b.processorTimes(d)
	if err != nil {
		return delivery{}, err
	}
	begun, err := d.publish()
	if err != nil {
		return delivery{}, err
	}
	arrived, err := b.sink.waitDistinct(ctx, objects, 5*time.Minute)
	if err != nil {
		return delivery{}, err
	}
	cpuNow, sinkCPUNow, err := b.processorTimes(d)
	if err != nil {
		return delivery{}, err
	}
	if err := d.waitIdle(ctx); err != nil {
		return delivery{}, err
	}
	m, err := d.Memory()
	if err != nil {
		return delivery{}, err
	}
	took := time.Duration(arrived.Last - begun.UnixNano())
	return delivery{
		rate: float64(objects) / took.Seconds(), cpu: cpuNow - cpu, sinkCPU: sinkCPUNow - sinkCPU, peak: m.Peak,
	}, b.checkTally(ctx, "tail", objects)
}

func (b *bench) processorTimes(d *daemon) (dz, receiver time.Duration, err error) {
	if dz, err = d.CPU(); err != nil {
		return 0, 0, err
	}
	receiver, err = b.sink.CPU()
	return dz, receiver, err
}

// checkTally holds the receiver's tally to exactly one delivery an object.
func (b *bench) checkTally(ctx context.Context, row string, objects int) error {
	t, err := b.sink.tally(ctx)
	if err != nil {
		return err
	}
	for _, fault := range t.faults(objects) {
		b.report.wrong("%s: %s", row, fault)
	}
	return nil
}

// faults says what is wrong if each of that many objects was to be delivered
// once.
func (t tally) faults(objects int) []string {
	var faults []string
	if lost := int64(objects) - t.Distinct; lost != 0 {
		faults = append(faults, fmt.Sprintf("%d of %d objects were never delivered", lost, objects))
	}
	if t.Repeated != 0 {
		faults = append(faults, fmt.Sprintf("%d deliveries were repeated", t.Repeated))
	}
	if t.Strange != 0 {
		faults = append(faults, fmt.Sprintf("%d deliveries were of no object there is", t.Strange))
	}
	if t.Altered != 0 {
		faults = append(faults, fmt.Sprintf("%d deliveries told something else of their object", t.Altered))
	}
	return faults
}

// mb is bytes in megabytes.
func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

// mib is bytes in mebibytes.
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
