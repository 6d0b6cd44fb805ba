package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// pointWithin is how long a point is waited for, on a busy machine too.
const pointWithin = 20 * time.Second

// pointing is the scenario points under way.
type pointing struct {
	*rig
	random  *rand.Rand
	writer  *writer
	changer *changer
	hits    map[failpoint.Point]int
	woken   int // times dz stood still at a point and went on
}

// points ends dz at every point of its program that is known to be delicate,
// several times each, under load. Sometimes it stands still there first, while
// receivers answer and events are written; sometimes it goes on after that.
func points(ctx context.Context, r *rig) error {
	rounds := 8
	if r.opts.short {
		rounds = 1
	}
	r.spool.objects = 2000
	if _, err := r.start(ctx); err != nil {
		return err
	}
	fixed, err := registerFixed(ctx, r)
	if err != nil {
		return err
	}
	p := &pointing{
		rig: r, random: chance(r.opts.seed, r.name, "points"), hits: make(map[failpoint.Point]int),
		writer: newWriter(r, 5*time.Millisecond, 20), changer: newChanger(r, 30*time.Millisecond, fixed),
	}
	err = p.underLoad(ctx, p.writer, p.changer, func(ctx context.Context) error {
		for round := range rounds {
			for _, point := range p.shuffled() {
				if err := p.round(ctx, point); err != nil {
					return fmt.Errorf("round %d, %s: %w", round+1, point, err)
				}
			}
			p.tell("round %d of %d, %d events", round+1, rounds, p.ledger.Written())
		}
		// The last round may have left one that works, or stands still.
		if err := p.killIfRunning(ctx); err != nil {
			return err
		}
		p.disarm()
		p.storeExtra = ""
		_, err := p.start(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := r.settle(ctx, 2*time.Minute); err != nil {
		return err
	}
	for range rounds {
		for _, point := range restorePoints() {
			if err := p.restoreRound(ctx, point); err != nil {
				return fmt.Errorf("%s: %w", point, err)
			}
		}
	}
	p.describe()
	return nil
}

// restorePoints are those of 'dz store restore'.
func restorePoints() []failpoint.Point {
	return []failpoint.Point{failpoint.RestoreCopied, failpoint.RestoreKept, failpoint.RestoreRenamed}
}

// shuffled returns the points of the daemon in an order by chance, but for that of
// the scenario resync.
func (p *pointing) shuffled() []failpoint.Point {
	all := slices.DeleteFunc(failpoint.Points(), func(point failpoint.Point) bool {
		return slices.Contains(restorePoints(), point) || point == failpoint.PageOwed
	})
	p.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// mostTimes is how often a point is reached at most before dz ends there: the
// more often it is reached under load, the more.
func mostTimes(point failpoint.Point) int {
	switch point {
	case failpoint.Answered, failpoint.Settled:
		return 200
	case failpoint.Applied, failpoint.Committed, failpoint.Ingested:
		return 60
	case failpoint.EndpointAdded, failpoint.EndpointChanged:
		return 4
	default:
		return 1
	}
}

// round ends the dz that runs, and starts one that ends or stops at a point.
func (p *pointing) round(ctx context.Context, point failpoint.Point) error {
	if err := p.killIfRunning(ctx); err != nil {
		return err
	}
	action := failpoint.Kill
	if p.random.IntN(3) == 0 {
		action = failpoint.Stop
	}
	p.arm(action, point, 1+p.random.IntN(mostTimes(point)))
	p.storeExtra = ""
	if point == failpoint.CompactCopied || point == failpoint.CompactRenamed {
		p.storeExtra = ", compact: always"
	}
	if err := p.launch(ctx); err != nil {
		return err
	}
	stopProvoking := p.provoke(ctx, point)
	defer stopProvoking()
	reached, err := p.atPoint(ctx, pointWithin)
	if err != nil {
		return err
	}
	if reached {
		p.hits[point]++
	}
	if action == failpoint.Kill || !reached {
		return nil
	}
	return p.standStill(ctx)
}

// standStill lets the world go on while dz stands still, and then kills it
// there, or lets it go on too.
func (p *pointing) standStill(ctx context.Context) error {
	if err := process.Pause(ctx, time.Duration(p.random.IntN(100))*time.Millisecond); err != nil {
		return err
	}
	if p.random.IntN(2) == 0 {
		return nil // the next round kills it
	}
	p.woken++
	if err := p.wake(); err != nil {
		return err
	}
	return process.Pause(ctx, time.Duration(p.random.IntN(100))*time.Millisecond)
}

// provoke has dz do what leads to a point and does not come by the load alone.
// It does so until stop is called, which waits for the end of it.
func (p *pointing) provoke(ctx context.Context, point failpoint.Point) (stop func()) {
	var again func(context.Context)
	switch point {
	case failpoint.Rotated:
		again = func(ctx context.Context) {
			select {
			case p.writer.ask <- func() error { return p.spool.rotate(func() {}) }:
			case <-ctx.Done():
			}
		}
	case failpoint.Snapshot:
		client := p.api()
		again = func(ctx context.Context) {
			_ = client.Backup(ctx, io.Discard) // it is meant to be cut off
		}
	default:
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			again(ctx)
			_ = process.Pause(ctx, 300*time.Millisecond) // its end is the loop's
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// restoreRound ends 'dz store restore' at a point, and goes on with what is
// there: the store before, or the backup.
func (p *pointing) restoreRound(ctx context.Context, point failpoint.Point) error {
	backup := fmt.Sprintf("%s/%s-%d.backup", p.dir, point, p.hits[point])
	err := p.underLoad(ctx, p.writer, nil, func(ctx context.Context) error {
		if _, err := p.command(ctx, "store", "backup", backup); err != nil {
			return err
		}
		return process.Pause(ctx, time.Duration(50+p.random.IntN(200))*time.Millisecond)
	})
	if err != nil {
		return err
	}
	if err := p.kill(ctx); err != nil {
		return err
	}
	p.arm(failpoint.Kill, point, 1)
	if says, err := p.command(ctx, "store", "restore", backup, "--yes"); err == nil {
		p.fault("restore did not come to the point %s: %s", point, says)
	}
	p.disarm()
	p.hits[point]++
	p.checkStore(ctx, p.store(), "after a restore that ended at "+string(point))
	if point == failpoint.RestoreRenamed {
		p.ledger.Restored()
	}
	if _, err := p.start(ctx); err != nil {
		return err
	}
	return p.settle(ctx, time.Minute)
}

// describe notes what was hit.
func (p *pointing) describe() {
	var parts []string
	for _, point := range failpoint.Points() {
		if point == failpoint.PageOwed {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %d", point, p.hits[point]))
		if p.hits[point] == 0 {
			p.fault("no end at the point %s", point)
		}
	}
	p.note("ends by point: %s; %d times dz stood still there and went on", strings.Join(parts, ", "), p.woken)
	p.note("%d changes of endpoints, %d of them cut off; peak RSS %d MiB", p.changer.changes, p.changer.doubts, p.peak>>20)
}
