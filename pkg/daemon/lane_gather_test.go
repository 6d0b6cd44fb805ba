package daemon

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// takes lets an item's request take its time before it is answered.
func (w *workbench) takes(how func(item string) time.Duration) {
	answer := w.answer
	w.answer = func(item string) attempt.Outcome {
		<-time.After(how(item))
		return answer(item)
	}
}

func (w *workbench) wantSettled(n int, when string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.settled != n {
		w.Errorf("%s: %d are settled, want %d", when, w.settled, n)
	}
}

// A commit costs the same for many.
func TestOutcomesOfABacklogBecomeDurableManyAtOnce(t *testing.T) {
	onWorkbench(t, 8, 1000, func(w *workbench) {
		w.takes(func(string) time.Duration { return time.Millisecond })
	}, func(w *workbench) {
		<-time.After(time.Second)
		synctest.Wait()
		w.wantSettled(1000, "after a second")
		if w.settles > 50 { // 8 a millisecond
			w.Errorf("there were %d commits", w.settles)
		}
	})
}

func TestAnOutcomeThatNoOtherFollowsIsDurableAtOnce(t *testing.T) {
	onWorkbench(t, 8, 1, func(*workbench) {}, func(w *workbench) {
		w.wantSettled(1, "without time going by")
	})
}

func TestAnOutcomeDoesNotWaitLongForARequestThatHangs(t *testing.T) {
	hanging := func(item string) time.Duration {
		if item == "1" {
			return time.Minute
		}
		return 0
	}
	onWorkbench(t, 2, 2, func(w *workbench) { w.takes(hanging) }, func(w *workbench) {
		<-time.After(gatherFor)
		synctest.Wait()
		w.wantSettled(1, "while the other request hangs")
	})
}

// An endpoint that fails is to be known for it before anything more is sent.
func TestABadAnswerDoesNotWaitForOthers(t *testing.T) {
	onWorkbench(t, 2, 2, func(w *workbench) {
		w.answer = func(string) attempt.Outcome {
			return attempt.Outcome{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 500}
		}
		first := true
		w.takes(func(item string) time.Duration {
			if item == "2" && first {
				first = false
				return 0
			}
			return time.Minute
		})
	}, func(w *workbench) {
		if w.settles != 1 {
			w.Errorf("%d commits without time going by, want 1", w.settles)
		}
	})
}
