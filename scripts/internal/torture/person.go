package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	// replaySince is how far a replay reaches back.
	replaySince = time.Second
	// emittedItems is how many objects the events are about that are given by calls.
	emittedItems = 50
)

// person does by hand what people do while dz works and is killed: emits events, retries
// and purges failures, and replays what came in lately. Each is a call that a kill may
// cut off; the ledger is told what came of it, or that it can't be known.
type person struct {
	rig    *rig
	random *rand.Rand
	calm   *sync.RWMutex // held by whoever wants nothing to be done for a while

	picky *member // its receiver refuses some objects, until it is mended
	again *member // what is replayed is told it

	emitted, retried, purged, replayed int
	doubts                             int // calls that were cut off
}

// newPerson registers the endpoints that it takes.
func newPerson(ctx context.Context, r *rig, calm *sync.RWMutex) (p *person, err error) {
	p = &person{rig: r, random: chance(r.opts.seed, r.name, "person"), calm: calm}
	if p.picky, err = r.register(ctx, "picky", settings{concurrency: 4, wanted: everything &^ asset, retry: "50ms"}); err != nil {
		return nil, err
	}
	p.picky.inbox.refuse(func(n ledger.Notification) bool { return n.Item%pickyAbout == 0 })
	p.again, err = r.register(ctx, "again", settings{concurrency: 4, wanted: asset, replayed: true})
	return p, err
}

// mend has the receiver take everything.
func (p *person) mend() { p.picky.inbox.refuse(func(ledger.Notification) bool { return false }) }

// run does one thing after another until ctx ends.
func (p *person) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Duration(50+p.random.IntN(100)) * time.Millisecond):
		}
		p.calm.RLock()
		err := p.act(context.WithoutCancel(ctx))
		p.calm.RUnlock()
		if err != nil {
			return err
		}
	}
}

// act does one thing by chance.
func (p *person) act(ctx context.Context) error {
	switch p.random.IntN(5) {
	case 0:
		return p.retry(ctx)
	case 1:
		return p.purge(ctx)
	case 2:
		return p.replay(ctx)
	default:
		return p.emit(ctx)
	}
}

// emit gives dz an event. If the call was cut off, dz knows whether it has the event.
func (p *person) emit(ctx context.Context) error {
	e := ledger.Event{
		// The file's are about others.
		Key:    ledger.Key{Type: asset, Reason: 1, Item: p.rig.spool.objects + 1 + p.random.Uint64N(emittedItems)},
		Number: p.rig.spool.number.Add(1),
	}
	begun := time.Now()
	emission := p.rig.ledger.Emit(e)
	var result api.EmitResult
	taken, err := p.call(ctx, func(ctx context.Context, client *api.Client) (err error) {
		result, err = client.Emit(ctx, bytes.NewReader(appendLine(nil, e, "")))
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("emit an event: %w", err)
	case taken && result.Accepted != 1:
		p.rig.fault("an event was emitted, and %d accepted: %+v", result.Accepted, result.Rejected)
		taken = result.Accepted > 0
	case !taken:
		if taken, err = p.has(ctx, e, begun); err != nil {
			return fmt.Errorf("look for an event that was emitted: %w", err)
		}
	}
	emission.End(taken)
	p.emitted++
	return nil
}

// has reports whether dz has taken in an event that was given by a call since then.
func (p *person) has(ctx context.Context, e ledger.Event, since time.Time) (found bool, err error) {
	err = p.answers(ctx, func(ctx context.Context, client *api.Client) error {
		found = false
		for known, err := range client.EachEvent(ctx, api.EventQuery{Source: "api", Since: since.Add(-time.Second)}) {
			if err != nil {
				return err
			}
			found = found || known.ID == eventID(e)
		}
		return nil
	})
	return found, err
}

// replay has what came in lately told again.
func (p *person) replay(ctx context.Context) error {
	since := time.Now().Add(-replaySince)
	replay := p.again.inbox.account.Replaying(since)
	done, err := p.call(ctx, func(ctx context.Context, client *api.Client) error {
		_, err := client.Replay(ctx, api.Replay{Since: since, Endpoint: p.again.name})
		return err
	})
	if err == nil && !done {
		err = p.answers(ctx, func(ctx context.Context, client *api.Client) error { return client.Healthz(ctx) })
	}
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	replay.End(done)
	if done {
		p.replayed++
	}
	return nil
}

// call makes a call of the API. done is false if it was cut off.
func (p *person) call(ctx context.Context, call func(context.Context, *api.Client) error) (done bool, err error) {
	if done, err = tryCall(ctx, p.rig.api(), call); !done {
		p.doubts++
	}
	return done, err
}

// answers makes a call of the API again and again until it is answered.
func (p *person) answers(ctx context.Context, call func(context.Context, *api.Client) error) error {
	return process.Until(ctx, lookEvery, 2*readyWithin, "dz answers again", func() (bool, error) {
		return tryCall(ctx, p.rig.api(), call)
	})
}

// describe notes what was done. What was never done is a fault: nothing was shown of it.
func (p *person) describe() {
	told := p.again.inbox.account.ToldAgain()
	p.rig.note("by hand: %d events emitted, %d failures retried, %d purged, %d replays that told %d changes again; %d calls cut off",
		p.emitted, p.retried, p.purged, p.replayed, told, p.doubts)
	if min(p.emitted, p.retried, p.purged, p.replayed, told) == 0 {
		p.rig.fault("something was never done by hand")
	}
}
