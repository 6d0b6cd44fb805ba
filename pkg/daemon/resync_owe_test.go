package daemon

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// takingLong answers well, after some time.
func takingLong(d time.Duration) func(dztest.Request) dztest.Answer {
	return func(r dztest.Request) dztest.Answer {
		answer := acknowledge(r)
		answer.Delay = d
		return answer
	}
}

// tracks makes an endpoint track assets from 1 to last, and forgets that it was told.
func (b *bubble) tracks(name string, last int) {
	b.Helper()
	b.knows("old", 1, last)
	b.resync(name, api.ResyncOrder{})
	if told := b.told(name); len(told) != last {
		b.Fatalf("%d assets are told, want %d", len(told), last)
	}
}

func (b *bubble) begin(name string) {
	b.Helper()
	if _, err := b.service().StartResync(b.Context(), name, api.ResyncOrder{}); err != nil {
		b.Fatal(err)
	}
}

// once reports which of the assets from 1 to last were not told once.
func (b *bubble) once(name string, last int) (others []string) {
	b.Helper()
	times := make(map[string]int)
	for _, told := range b.told(name) {
		times[told]++
	}
	for id := range last {
		if one := "sync " + event.IntID(int64(id+1)).String(); times[one] != 1 {
			others = append(others, one)
		}
	}
	return others
}

// A full synchronisation tells what is tracked page by page, and owes none of it; it is
// counted like what was owed.
func TestWhatIsTrackedIsToldAgainWithoutADebtOfEach(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 15_000)
		before := b.status().Endpoints[0]
		b.receiver.AnswerWith(takingLong(time.Second))
		b.begin("shop")
		b.wait(2500 * time.Millisecond)
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || !state.Running() || state.Remaining == 0 || state.Found.Update-state.Remaining != 2400 {
			b.Errorf("after the second page: %+v, %v", state, err)
		}
		b.wait(time.Minute)
		if others := b.once("shop", 15_000); len(others) > 0 {
			b.Errorf("%d assets were not told once: %v", len(others), others[:min(len(others), 10)])
		}
		after := b.status().Endpoints[0]
		if told := after.Delivered - before.Delivered; told != 15_000 || after.Tracked != 15_000 || !b.status().Idle {
			b.Errorf("%d delivered, and %d are tracked", told, after.Tracked)
		}
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Phase != api.ResyncDone ||
			state.Found != (api.ResyncFound{Seen: 15_000, Update: 15_000}) {
			b.Errorf("in the end: %+v, %v", state, err)
		}
	})
}

// What the receiver does not take is owed like anything else, and nothing else waits for it.
func TestWhatIsHandedOnAndNotTakenIsOwed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 5000)
		const poison = 2345
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			for _, action := range readBatch(r.Body).Actions {
				if action.AssetID == poison {
					return dztest.Answer{Status: http.StatusInternalServerError}
				}
			}
			return acknowledge(r)
		})
		b.begin("shop")
		b.wait(time.Second)
		if got := b.failures("shop", true); !slices.Equal(got, []string{"asset/2345 server-error"}) {
			b.Errorf("in trouble: %q", got)
		}
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Retrying != 1 {
			b.Errorf("the synchronisation: %+v, %v", state, err)
		}
		b.receiver.AnswerWith(acknowledge)
		b.retryAll("shop")
		if found := b.dryResync("shop", api.ResyncOrder{Changed: true}); found.Unchanged != 5000 || len(b.failures("shop", true)) > 0 {
			b.Errorf("in the end: %+v, %q", found, b.failures("shop", true))
		}
	})
}

// An endpoint that falls sick, or is switched off, is owed what was handed on: the job
// finds the rest meanwhile, and all is told when the endpoint works again.
func TestWhatIsHandedOnToAnEndpointThatFailsIsOwed(t *testing.T) {
	for name, fails := range map[string]struct{ begin, end func(b *bubble) }{
		"sick": {
			func(b *bubble) { b.receiver.AnswerStatus(http.StatusServiceUnavailable) },
			func(b *bubble) { b.receiver.AnswerWith(acknowledge) },
		},
		"off": {
			func(b *bubble) { b.enable(false) },
			func(b *bubble) { b.receiver.AnswerWith(acknowledge); b.enable(true) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.receiver.AnswerWith(acknowledge)
				b.addManaged("shop")
				b.tracks("shop", 15_000)
				b.knows("new", 1, 15_000)
				k := b.keeping(takingLong(time.Second))
				b.begin("shop")
				b.wait(1500 * time.Millisecond)
				fails.begin(b)
				b.wait(time.Hour)
				state, err := b.service().GetResync(b.Context(), "shop")
				if err != nil || state.Running() || state.Remaining < 4000 {
					b.Errorf("meanwhile: %+v, %v", state, err)
				}
				b.receiver.AnswerWith(k.take)
				k.answers(acknowledge)
				if name == "off" {
					b.enable(true)
				}
				b.wait(2 * time.Hour)
				if found := b.dryResync("shop", api.ResyncOrder{Changed: true}); found.Unchanged != 15_000 || !b.status().Idle {
					b.Errorf("in the end: %+v, %+v", found, b.status())
				}
			})
		})
	}
}

// Stopping a job takes nothing back: what it has found is told.
func TestAStoppedResyncTellsWhatItHasHandedOn(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 15_000)
		b.receiver.AnswerWith(takingLong(time.Second))
		b.begin("shop")
		b.wait(1500 * time.Millisecond)
		stopped, err := b.service().StopResync(b.Context(), "shop")
		if err != nil || stopped.Phase != api.ResyncStopped || stopped.Found.Update >= 15_000 {
			b.Fatalf("stopped: %+v, %v", stopped, err)
		}
		b.wait(time.Hour)
		told := slices.Compact(b.told("shop"))
		if len(told) != int(stopped.Found.Update) || !b.status().Idle {
			b.Errorf("%d assets were told, want the %d that were found", len(told), stopped.Found.Update)
		}
	})
}

// A receiver may have taken what was under way at a kill. That is told again, whatever it
// is by then: also if the job is stopped before it goes on, and the assets are again as
// they were acknowledged last.
func TestWhatWasHandedOnBeforeAKillIsToldThoughTheResyncIsStopped(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k, taken := b.takesUnsaid()
		b.maxBackground = 100
		full := &fullStore{}
		full.full.Store(true)
		full.hold(b)
		b.asItWas(func(db store.Engine) {
			if _, err := db.UpdateEndpoint(b.Context(), "shop", func(ep *endpoint.Endpoint) error { ep.Enabled = false; return nil }); err != nil {
				b.Fatal(err)
			}
		})
		b.knows("old", 1, 15_000)
		_, err := b.service().StopResync(b.Context(), "shop")
		wantCode(t, err, api.CodeFull)
		full.full.Store(false)
		b.wait(time.Hour)
		if state, err := b.service().GetResync(b.Context(), "shop"); err != nil || state.Phase != api.ResyncStopped || state.Remaining >= 15_000 {
			b.Fatalf("stopped: %+v, %v", state, err)
		}
		k.answers(acknowledge)
		b.enable(true)
		b.wait(time.Hour)
		if n := k.stayNew(taken); n > 0 {
			b.Fatalf("%d of %d that the receiver took stay \"new\", and are \"old\"", n, len(taken))
		}
		if !b.status().Idle {
			b.Errorf("in the end: %+v", b.status())
		}
	})
}

// While one job hands on, kills and live changes come between; each asset ends as it is,
// and never goes back to an older form.
func TestAResyncThatHandsOnGoesOnAfterKills(t *testing.T) {
	inBubble(t, func(b *bubble) {
		k := b.keeping(acknowledge)
		b.addManaged("shop")
		b.tracks("shop", 15_000)
		k.answers(takingLong(time.Second))
		b.begin("shop")
		var seen []uint64
		for range 4 {
			b.wait(1700 * time.Millisecond)
			state, err := b.service().GetResync(b.Context(), "shop")
			if err != nil {
				b.Fatal(err)
			}
			seen = append(seen, state.Found.Seen)
			b.asItIs()
			b.knows("newer", 4000, 4001)
			b.change(4000, 4001)
		}
		if !slices.IsSorted(seen) || seen[0] < 1000 || seen[0] == 15_000 || seen[1] <= seen[0] {
			b.Errorf("settled before each kill: %v", seen)
		}
		b.wait(time.Hour)
		state, err := b.service().GetResync(b.Context(), "shop")
		if err != nil || state.Phase != api.ResyncDone || state.Found.Update != 15_000 {
			b.Errorf("in the end: %+v, %v", state, err)
		}
		if k.title(4000) != "newer" || k.title(4001) != "newer" || k.title(1) != "old" {
			b.Errorf("the receiver has %q, %q and %q", k.title(4000), k.title(4001), k.title(1))
		}
	})
}

// An asset that is owed because of a change, and was handed on, is told one after the
// other, also if both are claimed at a time.
func TestOneAssetIsNotClaimedTwiceAtATime(t *testing.T) {
	t.Parallel()
	changes := debt.Alike{Change: debt.Change{Endpoint: 1, Event: &event.Event{}, Background: true}}
	for n := range int64(3) {
		id := event.IntID(n + 1)
		changes.Of = append(changes.Of, debt.Subject{Key: debt.Key(id.JSON()), Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id}})
	}
	now := time.Now()
	owed := []debt.Debt{debt.New(debt.NewID(now, 1, 1), changes.At(1), now)}
	l := &lane{wakeUp: make(chan struct{}, 1)}
	l.hand(&handedPage{changes: changes, at: now, name: debt.NewID(now, 1, 2)})
	d := newDispatcher(l)
	d.busy.add(owed)
	claimed := d.claimHanded(10)
	if got := keysOf(claimed); !slices.Equal(got, []debt.Key{"1", "3"}) {
		t.Errorf("claimed %v, and 2 is under way", got)
	}
	if !d.busy.hasKey("2") || !d.busy.hasKey("3") || d.busy.hasKey("4") || !d.busy.hasObject(changes.Of[0].Object) {
		t.Error("what is claimed is not known to be busy")
	}
	d.freed = append(d.freed, owed)
	d.forget(now, false)
	if got := keysOf(d.claimHanded(10)); !slices.Equal(got, []debt.Key{"2"}) {
		t.Errorf("claimed %v when that has ended, want 2", got)
	}
	// What was told is done with; what was not is still to be told.
	l.settleHanded(claimed, []store.SettledDebt{{Found: true, Done: true}, {}})
	d.freed = append(d.freed, claimed)
	d.forget(now, false)
	if got := keysOf(d.claimHanded(10)); !slices.Equal(got, []debt.Key{"3"}) {
		t.Errorf("claimed %v when 1 is told, want 3", got)
	}
}

// What is handed on no more may still be under way: then it is neither claimed as a debt,
// nor as handed on once more, before that has ended.
func TestWhatIsHandedOnNoMoreStaysBusyUntilItsAttemptHasEnded(t *testing.T) {
	t.Parallel()
	id := event.IntID(1)
	of := debt.Subject{Key: "1", Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id}}
	changes := debt.Alike{Change: debt.Change{Endpoint: 1, Event: &event.Event{}, Background: true}, Of: []debt.Subject{of}}
	now := time.Now()
	l := &lane{wakeUp: make(chan struct{}, 1)}
	l.hand(&handedPage{changes: changes, at: now, name: debt.NewID(now, 1, 2)})
	d := newDispatcher(l)
	claimed := d.claimHanded(10)
	l.closeHanded()
	l.dropHanded()
	l.hand(&handedPage{changes: changes, at: now, name: debt.NewID(now, 1, 3)})
	if got := d.claimHanded(10); len(claimed) != 1 || len(got) != 0 || !d.busy.hasKey(of.Key) || !d.busy.hasObject(of.Object) {
		t.Errorf("claimed %v, and then %v", keysOf(claimed), keysOf(got))
	}
	l.settleHanded(claimed, []store.SettledDebt{{Found: true}})
	d.freed = append(d.freed, claimed)
	d.forget(now, false)
	if got := d.claimHanded(10); len(got) != 1 || got[0].ID == claimed[0].ID {
		t.Errorf("claimed %v when it has ended", keysOf(got))
	}
	if l.unsettledHanded() != 1 {
		t.Errorf("%d are handed on", l.unsettledHanded())
	}
}

func keysOf(debts []debt.Debt) (keys []debt.Key) {
	for i := range debts {
		keys = append(keys, debts[i].Key)
	}
	return keys
}
