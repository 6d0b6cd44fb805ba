package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// tailAt goes in turns, and shows the turn whose ratio is in the middle: a machine
// that others share may be twice as fast in one second as in the next.
func (b *bench) tailAt(ctx context.Context, concurrency int) error {
	turns := make([]tailTurn, 0, b.sizes.turns)
	before, err := b.postBare(ctx, b.sizes.posts, concurrency)
	if err != nil {
		return err
	}
	for range b.sizes.turns {
		turn, err := b.tailTurn(ctx, concurrency)
		if err != nil {
			return err
		}
		// The bare client runs before and after, so that a machine that becomes
		// slower or faster meanwhile tells on both.
		after := turn.bare
		turn.bare = bare{rate: (before.rate + after.rate) / 2, cpu: (before.cpu + after.cpu) / 2}
		before = after
		turns = append(turns, turn)
	}
	slices.SortFunc(turns, func(a, b tailTurn) int { return cmp.Compare(a.ratio(), b.ratio()) })
	least, t, most := turns[0], turns[len(turns)/2], turns[len(turns)-1]
	flush, err := flushTime(b.dir)
	if err != nil {
		return err
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.sizes.posts) }
	what := fmt.Sprintf("tail → POST, concurrency %d", concurrency)
	b.report.add(
		measured("tail", what, t.dz.rate, "/s").beside("bare client", t.bare.rate).ratioAtLeast(0.6).
			noted("%s posts, turns: %d, ratios %.2f to %.2f; memory at most %.0f MB; a flush to disk takes %s ms now",
				number(float64(b.sizes.posts)), len(turns), least.ratio(), most.ratio(), mb(t.dz.peak),
				number(float64(flush.Microseconds())/1000)),
		measured("tail", "  processor time a post", each(t.dz.cpu), "µs").beside("bare client", each(t.bare.cpu)).
			noted("the receiver takes %.0f µs for dz, %.0f µs for the bare client", each(t.dz.sinkCPU), each(t.bareSink)),
	)
	return nil
}

// tailTurn is a delivery beside the bare client's runs around it.
type tailTurn struct {
	dz       delivery
	bare     bare
	bareSink time.Duration // the receiver's processor time for the bare client after it
}

func (t *tailTurn) ratio() float64 { return t.dz.rate / t.bare.rate }

// tailTurn has a new dz deliver, and then the bare client.
func (b *bench) tailTurn(ctx context.Context, concurrency int) (t tailTurn, err error) {
	err = b.serveNew(ctx, fmt.Sprintf("tail-%d", concurrency), usual, func(d *daemon) error {
		t.dz, err = b.deliver(ctx, d, b.sizes.posts, concurrency)
		return err
	})
	if err != nil {
		return t, err
	}
	receiver, err := b.sink.CPU()
	if err != nil {
		return t, err
	}
	if t.bare, err = b.postBare(ctx, b.sizes.posts, concurrency); err != nil {
		return t, err
	}
	receiverToo, err := b.sink.CPU()
	t.bareSink = receiverToo - receiver
	return t, err
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
