package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// fullStore has no room for what grows, as the real one: a job can be ended without.
type fullStore struct {
	store.Engine
	full atomic.Bool
}

func (f *fullStore) Owe(ctx context.Context, o store.Owing) (store.Ingested, error) {
	if f.full.Load() && (len(o.Changes)+len(o.Handed.Of) > 0 || o.Job.Running()) {
		return store.Ingested{}, fmt.Errorf("owe: %w", store.ErrFull)
	}
	return f.Engine.Owe(ctx, o)
}

// handing has an integration track assets from 1 to last, and a job hand them on to it, in
// a store that may be full. Each request takes a second.
func handing(t *testing.T, last int, test func(b *bubble, full *fullStore)) {
	t.Helper()
	full := &fullStore{}
	inBubbleWith(t, full.hold, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", last)
		b.receiver.AnswerWith(takingLong(time.Second))
		b.begin("shop")
		test(b, full)
	})
}

// hold has a bubble keep its store in this one.
func (f *fullStore) hold(b *bubble) {
	b.wrap = func(e store.Engine) store.Engine { f.Engine = e; return f }
}

// takesUnsaid has an integration track assets up to 15_000, and take new ones of a job that
// hands them on, without saying so. It returns the receiver, and what that has taken.
func (b *bubble) takesUnsaid() (k *keeps, taken []int) {
	b.Helper()
	k = b.keeping(acknowledge)
	b.addManaged("shop")
	b.tracks("shop", 15_000)
	b.knows("new", 1, 15_000)
	k.answers(silent)
	b.begin("shop")
	b.wait(time.Second)
	for id := 1; id <= 15_000; id++ {
		if k.title(id) == "new" {
			taken = append(taken, id)
		}
	}
	if len(taken) < 1000 {
		b.Fatalf("the receiver has taken %d", len(taken))
	}
	return k, taken
}

// killedInTheMiddle is takesUnsaid, and then dz is killed, and starts with a store that is
// full and a catalogue that is as it was.
func (b *bubble) killedInTheMiddle() (k *keeps, taken []int, full *fullStore) {
	b.Helper()
	k, taken = b.takesUnsaid()
	full = &fullStore{}
	full.full.Store(true)
	full.hold(b)
	b.asItIs()
	b.knows("old", 1, 15_000)
	return k, taken, full
}

// stayNew counts the assets that the receiver has as new, of those that are old.
func (k *keeps) stayNew(taken []int) (n int) {
	for _, id := range taken {
		if k.title(id) != "old" {
			n++
		}
	}
	return n
}

// What a process that was killed may have told is owed, whatever becomes of the job: here
// it is stopped while the store is full, and dz is stopped in order before there is room.
func TestAResyncIsNotStoppedBeforeWhatAKillLeftIsOwed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k, taken, full := b.killedInTheMiddle()
		_, err := b.service().StopResync(b.Context(), "shop")
		wantCode(t, err, api.CodeFull)
		b.wait(time.Second)
		b.stop()
		full.full.Store(false)
		b.start()
		k.answers(acknowledge)
		b.wait(2 * time.Hour)
		if n := k.stayNew(taken); n > 0 {
			b.Errorf("%d of %d that the receiver took stay \"new\", and are \"old\"", n, len(taken))
		}
	})
}

// Whoever stops a job that can not go on, nor end, is told why.
func TestWhoStopsAResyncIsToldWhatItWaitsFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		_, _, full := b.killedInTheMiddle()
		_, err := b.service().StopResync(b.Context(), "shop")
		wantCode(t, err, api.CodeFull)
		full.full.Store(false)
		b.wait(2 * time.Minute)
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Phase != api.ResyncStopped {
			b.Errorf("with room again it is %+v, %v", state, err)
		}
	})
}

// An endpoint gets another style, and its own back, while what a kill left can not be owed.
func TestAnotherStyleForAWhileLosesNothingThatAKillLeft(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k, taken, full := b.killedInTheMiddle()
		restyle := func(name string) {
			if _, err := b.service().UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error {
				ep.Style, ep.Options, ep.Subscription.ChangeTypes = name, nil, 1
				if name == "managed" {
					ep.Subscription.ChangeTypes = 0
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		restyle("notify")
		b.wait(2 * time.Minute)
		restyle("managed")
		full.full.Store(false)
		k.answers(acknowledge)
		b.wait(2 * time.Hour)
		if n := k.stayNew(taken); n > 0 {
			b.Errorf("%d stay \"new\", and are \"old\"", n)
		}
	})
}

// A job that is stopped owes what it has handed on. If there is no room for that, it is
// told, and then there is nothing to owe.
func TestAResyncIsStoppedThoughTheStoreIsFull(t *testing.T) {
	handing(t, 15_000, func(b *bubble, full *fullStore) {
		b.wait(1500 * time.Millisecond)
		full.full.Store(true)
		_, err := b.service().StopResync(b.Context(), "shop")
		wantCode(t, err, api.CodeFull)
		b.wait(time.Minute)
		state, err := b.service().GetResync(b.Context(), "shop")
		if told := len(slices.Compact(b.told("shop"))); err != nil || state.Phase != api.ResyncStopped || uint64(told) != state.Found.Update {
			b.Errorf("a minute later %d assets are told, and it is %+v, %v", told, state, err)
		}
	})
}

// dz is stopped in order: what was acknowledged is not told again.
func TestAStopInOrderTellsNothingTwice(t *testing.T) {
	handing(t, 15_000, func(b *bubble, _ *fullStore) {
		b.wait(3500 * time.Millisecond)
		b.stop()
		told := slices.Compact(b.told("shop"))
		b.start()
		b.wait(time.Hour)
		again := 0
		had := make(map[string]bool)
		for _, x := range told {
			had[x] = true
		}
		for _, x := range b.told("shop") {
			if had[x] {
				again++
			}
		}
		if again > 0 || len(told) < 2000 || len(told) == 15_000 {
			b.Errorf("told %d before, of which %d are told again", len(told), again)
		}
	})
}

// Nor is what was told, and what the job could not record before the stop.
func TestAStopInOrderRecordsWhatWasToldBefore(t *testing.T) {
	handing(t, 15_000, func(b *bubble, full *fullStore) {
		b.wait(500 * time.Millisecond)
		full.full.Store(true)
		b.wait(time.Minute)
		told := b.told("shop")
		full.full.Store(false)
		b.restart()
		b.wait(time.Hour)
		again := b.told("shop")
		if len(told) < 2000 || len(told)+len(again) != 15_000 {
			b.Errorf("%d are told before, and %d after, of 15_000", len(told), len(again))
		}
	})
}

// A job that is stopped, and could not record that before dz was stopped, goes on after
// what was told.
func TestAStopThatIsBrokenOffTellsNothingTwice(t *testing.T) {
	handing(t, 15_000, func(b *bubble, full *fullStore) {
		b.wait(500 * time.Millisecond)
		full.full.Store(true)
		_, err := b.service().StopResync(b.Context(), "shop")
		wantCode(t, err, api.CodeFull)
		b.wait(1100 * time.Millisecond)
		full.full.Store(false)
		b.restart()
		b.wait(time.Hour)
		if all := b.told("shop"); len(all) != len(slices.Compact(slices.Clone(all))) {
			b.Errorf("%d assets are told, %d of them twice", len(all), len(all)-len(slices.Compact(slices.Clone(all))))
		}
	})
}
