package daemon

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
)

// itemOf returns the number of a debt's item.
func itemOf(d *debt.Debt) (n int) {
	for _, digit := range d.Object.ItemID.JSON() {
		n = n*10 + int(digit-'0')
	}
	return n
}

// apart sets items apart by the rest of their number divided by four: one is
// skipped, two is held, three refused, and the others are told.
func apart(debts []debt.Debt) ([]attempt.Outcome, error) {
	outcomes := make([]attempt.Outcome, len(debts))
	for i := range debts {
		if debts[i].Forced {
			continue
		}
		switch itemOf(&debts[i]) % 4 {
		case 1:
			outcomes[i] = attempt.Outcome{Verdict: attempt.Skipped, Reason: attempt.Unchanged}
		case 2:
			outcomes[i] = attempt.Outcome{Verdict: attempt.Held, Reason: attempt.TooManyDeletions}
		case 3:
			outcomes[i] = attempt.Outcome{Verdict: attempt.Refused, Reason: attempt.Compose, Error: "unreadable"}
		}
	}
	return outcomes, nil
}

func (r *batchReceiver) wantComposed(when string, most int) {
	r.Helper()
	r.style.mu.Lock()
	defer r.style.mu.Unlock()
	if r.style.composed > most {
		r.Errorf("%s: %d messages were made, want at most %d", when, r.style.composed, most)
	}
}

func TestEachDebtOfAMessageEndsByItself(t *testing.T) {
	for _, c := range []struct {
		name   string
		poison []int
		told   []int
	}{
		{"all well", nil, []int{4, 8, 12, 16, 20}},
		{"one of those told is to blame", []int{8}, []int{4, 12, 16, 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBatches(t, 20, func(r *batchReceiver) {
				r.style.does(apart)
				r.poisons(c.poison...)
				r.change(items(20)...)
				r.wait(time.Second)
				r.wantTold("at once", c.told...)
				counts := r.counts()
				if counts.Skipped != 5 || counts.Held != 5 || counts.Retrying != uint64(5+len(c.poison)) || counts.Delivered != uint64(len(c.told)) {
					t.Errorf("%+v", counts)
				}
				if s := r.status(); s.Endpoints[0].State != "healthy" {
					t.Errorf("the endpoint is %s", s.Endpoints[0].State)
				}
				r.wait(4 * time.Second)
				r.wantComposed("before the first retry", 1+9*len(c.poison))
			})
		})
	}
}

// Of them all none is told: nothing is sent, and the endpoint's health is as it
// was.
func TestAMessageThatTellsNothingIsNotSent(t *testing.T) {
	inBatches(t, 20, func(r *batchReceiver) {
		r.style.does(apart)
		r.change(without(items(400), multiples(4, 400)...)...)
		r.wait(time.Second)
		if n := r.count(); n != 0 {
			t.Errorf("%d requests", n)
		}
		if c := r.counts(); c.Skipped != 100 || c.Held != 100 || c.Retrying != 100 {
			t.Errorf("%+v", c)
		}
		if s := r.status(); s.Endpoints[0].LastSuccess != nil || s.Endpoints[0].LastFailure != nil {
			t.Errorf("%+v", s.Endpoints[0])
		}
	})
}

// room is for a few items.
func room(n int) func(debts []debt.Debt) ([]attempt.Outcome, error) {
	return func(debts []debt.Debt) ([]attempt.Outcome, error) {
		outcomes := make([]attempt.Outcome, len(debts))
		for i := n; i < len(debts); i++ {
			outcomes[i].Verdict = attempt.Aborted
		}
		return outcomes, nil
	}
}

func TestWhatAMessageHasNoRoomForIsToldInTheNext(t *testing.T) {
	inBatches(t, 20, func(r *batchReceiver) {
		r.style.does(room(3))
		r.poisons(7)
		r.change(items(20)...)
		r.wait(time.Second)
		r.wantTold("at once", without(items(20), 7)...)
		r.wantRetrying(1)
		r.wantComposed("for twenty", 7+4)
	})
}

// A message with room for nothing would be made again and again.
func TestAMessageWithRoomForNothingIsAFailure(t *testing.T) {
	inBatches(t, 20, func(r *batchReceiver) {
		r.style.does(room(0))
		r.change(items(20)...)
		r.wait(3 * time.Second)
		r.wantComposed("before the first retry", 1)
		r.wantRetrying(20)
		r.wait(90 * time.Hour)
		for _, f := range r.wantFailures("in the end", items(20)...) {
			if f.Outcome.Reason != attempt.Compose {
				t.Errorf("failed by reason of %s", f.Outcome.Reason)
			}
		}
	})
}

func TestARetryOfWhatIsHeldIsSent(t *testing.T) {
	inBatches(t, 20, func(r *batchReceiver) {
		r.style.does(apart)
		r.change(3, 7)
		r.wait(2 * time.Second)
		result, err := r.service().RetryFailures(r.Context(), retryAll())
		if err != nil || result.Delivered != 2 || result.Failed != 0 {
			t.Errorf("retry: %+v, %v", result, err)
		}
		r.wantTold("when it was asked for", 3, 7)
	})
}
