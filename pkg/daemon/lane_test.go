package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// workbench is a lane between a store and a receiver that do as a test says.
type workbench struct {
	*testing.T
	lane *lane
	stop context.CancelFunc

	duringClaim func() // what happens while the store is read

	mu      sync.Mutex
	due     []debt.Debt
	claims  int
	locked  bool            // settlements wait
	bad     map[string]bool // items whose outcome the store can't take
	full    bool            // the store has no room for failures
	sent    []string        // items, as they were sent
	answer  func(item string) attempt.Outcome
	unlock  sync.Cond
	settled int
	settles int // calls
	unclear int // debts to settle that the receiver may have had before the attempt

	health   endpoint.Health // at the start
	hastened int
}

// onWorkbench runs a test with a lane of the given concurrency, in a bubble.
func onWorkbench(t *testing.T, slots, owed int, prepare func(*workbench), test func(w *workbench)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workbench{
			T: t, bad: make(map[string]bool),
			answer: func(string) attempt.Outcome { return attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK} },
		}
		w.unlock.L = &w.mu
		for i := range owed {
			id := event.IntID(int64(i + 1))
			w.due = append(w.due, debt.Debt{
				ID: debt.NewID(time.Now(), 0, uint64(i+1)), Endpoint: 1, Key: debt.Key(id.String()), Generation: 1, Count: 1, Due: time.Now(),
				ChangeType: event.AssetChanged, Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id},
			})
		}
		prepare(w)
		ep := endpoint.Endpoint{ID: 1, Name: "shop", URL: "http://shop.test", Enabled: true, Concurrency: slots}
		w.lane = &lane{
			store: w, sender: w, now: time.Now, log: slog.New(slog.DiscardHandler), wakeUp: make(chan struct{}, 1), hurry: make(chan struct{}, 1), dividing: make(chan struct{}, 1),
			observe: func(settlement) {}, measure: func(attempt.Outcome, time.Duration) {},
		}
		w.lane.health = w.health
		w.lane.set(newLaneSettings(ep, notify.Style{}, endpoint.DefaultWindow()))
		ctx, stop := context.WithCancel(t.Context())
		w.stop = stop
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.lane.run(ctx, t.Context())
		}()
		synctest.Wait()
		test(w)
		w.lock(false)
		stop()
		<-ended
	})
}

func (w *workbench) Claim(_ context.Context, r store.ClaimRequest) (store.Claim, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims++
	var c store.Claim
	for _, d := range w.due {
		if len(c.Debts) == r.Limit {
			c.Next = r.Now
			break
		}
		if !r.Busy(d.Object) && !r.BusyKey(d.Key) && (d.Forced || !r.ForcedOnly) {
			c.Debts = append(c.Debts, d)
		}
	}
	if w.duringClaim != nil {
		w.mu.Unlock()
		w.duringClaim()
		w.mu.Lock()
	}
	return c, nil
}

func (w *workbench) Settle(_ context.Context, _ uint64, attempts []store.Attempt) ([]store.Settled, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.locked {
		w.unlock.Wait()
	}
	w.settles++
	for _, a := range attempts {
		for _, s := range a.Debts {
			if s.Unclear {
				w.unclear++
			}
		}
		if len(a.Debts) > 0 && w.bad[string(a.Debts[0].Key)] {
			return nil, errors.New("the record can't be read")
		}
		if w.full && a.Outcome.Verdict != attempt.Delivered {
			return nil, store.ErrFull
		}
	}
	settled := make([]store.Settled, len(attempts))
	for i, a := range attempts {
		var h endpoint.Health
		settled[i] = store.Settled{Health: h.After(a.Outcome), Debts: make([]store.SettledDebt, len(a.Debts))}
		for j, s := range a.Debts {
			settled[i].Debts[j].Done = s.Outcome.Verdict == attempt.Delivered
			if settled[i].Debts[j].Done {
				w.settled++
				w.drop(s.Key)
			}
		}
	}
	return settled, nil
}

func (w *workbench) drop(key debt.Key) {
	for i := range w.due {
		if w.due[i].Key == key {
			w.due = append(w.due[:i], w.due[i+1:]...)
			return
		}
	}
}

func (w *workbench) Hasten(context.Context, uint64, time.Time) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hastened++
	return 0, nil
}

func (w *workbench) Send(_ context.Context, _ *endpoint.Endpoint, r attempt.Request, _ deliver.Limits) (attempt.Answer, attempt.Outcome) {
	var item int
	if _, err := fmt.Sscanf(string(r.Body), `{"ChangeType":1,"Data":{"ItemId":%d,`, &item); err != nil {
		w.Error(err)
	}
	w.mu.Lock()
	w.sent = append(w.sent, fmt.Sprint(item))
	w.mu.Unlock()
	return attempt.Answer{}, w.answer(fmt.Sprint(item))
}

func (w *workbench) Forget(uint64) {}

// lock has settlements wait, or go on.
func (w *workbench) lock(locked bool) {
	w.mu.Lock()
	w.locked = locked
	w.mu.Unlock()
	w.unlock.Broadcast()
}

func (w *workbench) wantSent(n int, when string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) != n {
		w.Errorf("%s: %d requests were sent, want %d", when, len(w.sent), n)
	}
	seen := make(map[string]bool)
	for _, item := range w.sent {
		if seen[item] {
			w.Errorf("%s: item %s was sent twice", when, item)
		}
		seen[item] = true
	}
}

// A disk that is slow to make outcomes durable does not slow a good receiver
// down, up to a bound.
func TestAGoodAnswerFreesItsSlotAtOnce(t *testing.T) {
	onWorkbench(t, 2, 1000, func(w *workbench) { w.locked = true }, func(w *workbench) {
		w.wantSent(MaxUnsettled+2, "while nothing becomes durable")
		w.lock(false)
		synctest.Wait()
		w.wantSent(1000, "when the disk works again")
		if w.settled != 1000 {
			t.Errorf("%d are settled, want 1000", w.settled)
		}
	})
}

// So an endpoint that fails is asked no more often than its health allows.
func TestABadAnswerHoldsItsSlotUntilItIsDurable(t *testing.T) {
	onWorkbench(t, 3, 100, func(w *workbench) {
		w.locked = true
		w.answer = func(string) attempt.Outcome {
			return attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 500}
		}
	}, func(w *workbench) {
		w.wantSent(3, "while nothing becomes durable")
	})
}

func TestNothingClaimedAheadIsSentToAnEndpointThatWasDisabled(t *testing.T) {
	onWorkbench(t, 1, 1000, func(w *workbench) { w.locked = true }, func(w *workbench) {
		if w.lane.ready.debts == 0 {
			t.Error("nothing was claimed ahead")
		}
		off := w.lane.settings.Load().ep
		off.Enabled = false
		w.lane.set(newLaneSettings(off, notify.Style{}, endpoint.DefaultWindow()))
		w.lock(false)
		synctest.Wait()
		w.wantSent(MaxUnsettled+1, "after the endpoint was disabled")
	})
}

// A rate that is given to an endpoint with a backlog slows it down, and does not
// stop it: what was claimed ahead waits for the rate, which nothing else wakes.
func TestARateGivenToABacklogDoesNotStopIt(t *testing.T) {
	onWorkbench(t, 1, 1000, func(w *workbench) { w.locked = true }, func(w *workbench) {
		if w.lane.ready.debts == 0 {
			t.Error("nothing was claimed ahead")
		}
		slow := w.lane.settings.Load().ep
		slow.Rate = 1
		w.lane.set(newLaneSettings(slow, notify.Style{}, endpoint.DefaultWindow()))
		w.lock(false)
		<-time.After(9*time.Second + time.Second/2)
		synctest.Wait()
		w.wantSent(MaxUnsettled+1+10, "9.5 s after the endpoint was given a rate of 1 a second")
	})
}

// The store may be slow to say what is due, and the answer of an earlier request
// come first.
func TestWhatForbidsRequestsWhileTheStoreIsReadHoldsForWhatWasRead(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]func(w *workbench){
		"asked to be left alone": func(w *workbench) {
			now := time.Now()
			w.lane.setHealth(endpoint.Health{}.After(attempt.Outcome{
				Verdict: attempt.Unavailable, Reason: attempt.RateLimited, Status: 429, Started: now, NotBefore: now.Add(time.Hour),
			}))
			w.lane.wake()
		},
		"disabled": func(w *workbench) {
			off := w.lane.settings.Load().ep
			off.Enabled = false
			w.lane.set(newLaneSettings(off, notify.Style{}, endpoint.DefaultWindow()))
		},
		"removed": func(w *workbench) { w.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			onWorkbench(t, 4, 10, func(w *workbench) {
				w.duringClaim = sync.OnceFunc(func() { forbid(w) })
			}, func(w *workbench) {
				w.wantSent(0, "to an endpoint that was "+name)
			})
		})
	}
}

func TestAnOutcomeThatTheStoreCantTakeHoldsUpNoOther(t *testing.T) {
	onWorkbench(t, 4, 500, func(w *workbench) { w.bad["3"] = true }, func(w *workbench) {
		w.wantSent(500, "beside a debt that can't be settled")
		if w.settled != 499 {
			t.Errorf("%d are settled, want 499", w.settled)
		}
		w.mu.Lock()
		w.bad["3"] = false
		w.mu.Unlock()
		<-time.After(2 * storeRetry)
		synctest.Wait()
		w.wantSent(500, "when it can be settled")
		if w.settled != 500 {
			t.Errorf("%d are settled, want 500", w.settled)
		}
	})
}

// One look at the store serves many requests.
func TestABacklogIsClaimedAhead(t *testing.T) {
	onWorkbench(t, 4, 2000, func(*workbench) {}, func(w *workbench) {
		w.wantSent(2000, "in the end")
		if w.claims > 400 {
			t.Errorf("%d claims for 2000 requests", w.claims)
		}
	})
}

// The process before this one may have ended between the two.
func TestALaneBringsRetriesForwardThatARecoveryLeft(t *testing.T) {
	onWorkbench(t, 1, 0, func(w *workbench) { w.health.Hasten = true }, func(w *workbench) {
		if w.hastened != 1 || w.lane.getHealth().Hasten {
			t.Errorf("retries were brought forward %d times, want once", w.hastened)
		}
	})
}

func TestWhatWasClaimedAheadIsNotSentLater(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var r readAhead
	r.add([]debt.Debt{{Key: "a"}, {Key: "b"}, {Key: "c"}}, now)
	r.add([]debt.Debt{{Key: "d"}}, now.Add(freshFor/2))
	if got := r.take(2, now); len(got) != 2 || got[0].Key != "a" {
		t.Errorf("took %v, want a and b", got)
	}
	if got := r.take(1, now.Add(freshFor)); got != nil {
		t.Errorf("took %v, which is too old", got)
	}
	if got := r.take(1, now.Add(-time.Hour)); got != nil {
		t.Errorf("took %v by a clock that was set back", got)
	}
	if got := r.drop(now.Add(freshFor), false); len(got) != 1 || len(got[0]) != 1 || got[0][0].Key != "c" {
		t.Errorf("dropped %v, want c", got)
	}
	if got := r.take(8, now.Add(freshFor)); len(got) != 1 || got[0].Key != "d" || r.debts != 0 {
		t.Errorf("took %v, %d are left, want d and none", got, r.debts)
	}
}
