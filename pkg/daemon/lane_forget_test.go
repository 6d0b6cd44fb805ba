package daemon

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// fullWorkbench is a lane of two slots, with a receiver that refuses everything until
// it works, and a store that has no room for what that leaves.
func fullWorkbench(t *testing.T, refusal attempt.Outcome, test func(w *workbench, works *atomic.Bool)) {
	t.Helper()
	var works atomic.Bool
	onWorkbench(t, 2, 100, func(w *workbench) {
		w.full = true
		w.answer = func(string) attempt.Outcome {
			if works.Load() {
				return attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK}
			}
			return refusal
		}
	}, func(w *workbench) {
		test(w, &works)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.full = false
	})
}

// sentWithin returns how many requests were sent in so much time.
func (w *workbench) sentWithin(d time.Duration) int {
	before := w.sentSoFar()
	<-time.After(d)
	synctest.Wait()
	return w.sentSoFar() - before
}

func (w *workbench) sentSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

// A refusal that the store has no room for must not keep from being told what would
// make room.
func TestWithoutRoomForFailuresAReceiverThatWorksAgainIsToldAll(t *testing.T) {
	refusal := attempt.Outcome{Verdict: attempt.Refused, Reason: attempt.ClientError, Status: 422}
	fullWorkbench(t, refusal, func(w *workbench, works *atomic.Bool) {
		if n := w.sentWithin(10 * time.Minute); n < 60 || n > 2*60 {
			t.Errorf("%d requests within ten minutes of refusals, want two in ten seconds at most, and not much fewer", n)
		}
		works.Store(true)
		w.sentWithin(time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.settled != 100 {
			t.Errorf("a minute after the receiver takes everything, %d debts of 100 are settled", w.settled)
		}
	})
}

// What was forgotten may have been taken, and that is known of it when it is tried
// again, until the store has room for it.
func TestWhatIsForgottenMayHaveBeenTaken(t *testing.T) {
	timeout := attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.Timeout}
	fullWorkbench(t, timeout, func(w *workbench, _ *atomic.Bool) {
		w.sentWithin(forgetAfter / 2)
		if n := w.unclearSoFar(); n != 0 {
			t.Errorf("%d debts are unclear at the first attempt", n)
		}
		w.sentWithin(time.Minute)
		if n := w.unclearSoFar(); n == 0 {
			t.Error("what was tried and forgotten is tried again as if it had not been tried")
		}
	})
}

func (w *workbench) unclearSoFar() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unclear
}

func TestAReceiverIsLeftAloneAsItWantsWithoutRoomForThat(t *testing.T) {
	later := attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.RateLimited, Status: 429}
	for name, refusal := range map[string]attempt.Outcome{"gone": {Verdict: attempt.Gone, Status: 410}, "later": later} {
		t.Run(name, func(t *testing.T) {
			refusal.NotBefore = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) // bubbles begin in 2000
			fullWorkbench(t, refusal, func(w *workbench, _ *atomic.Bool) {
				if n := w.sentWithin(10 * time.Minute); n > 0 {
					t.Errorf("%d more requests", n)
				}
			})
		})
	}
}
