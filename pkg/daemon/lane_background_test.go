package daemon

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/dztest"
)

func TestALiveChangeNeverWaitsForTheBackgroundLongerThanForOneRequest(t *testing.T) {
	for _, c := range []struct {
		name       string
		slots      int
		batch      int
		background int           // requests that may be under way
		takes      time.Duration // each
		wait       time.Duration // of a live change, at most
	}{
		{"one slot, slow", 1, 20, 1, time.Second, time.Second},
		{"one slot, fast", 1, 20, 1, time.Millisecond, freshFor + 2*time.Millisecond},
		{"two slots", 2, 20, 1, time.Second, 0},
		{"eight slots", 8, 20, 6, time.Second, 0},
		{"eight slots, one a request", 8, 1, 6, time.Second, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBatches(t, c.batch, func(r *batchReceiver) {
				r.answers(func(dztest.Request, []int) *dztest.Answer { return &dztest.Answer{Delay: c.takes} })
				r.owe(items(400 * c.batch / 4)...)
				r.wait(10*time.Second + 500*time.Microsecond)
				if peak := r.receiver.Peak(); peak != c.background {
					t.Errorf("%d requests were under way, want %d", peak, c.background)
				}
				for n := 10_001; n < 10_004; n++ {
					r.change(n)
					due := time.Now().Add(time.Millisecond)
					r.wait(c.takes + time.Minute/2)
					at := r.came(n)
					if late := at.Sub(due); late < 0 || late > c.wait+time.Millisecond {
						t.Errorf("item %d is told after %s, want %s at most", n, late, c.wait)
					}
				}
				r.wait(time.Hour)
				if s := r.status(); !s.Idle {
					t.Errorf("in the end: %+v", s.Debts)
				}
			}, slots(c.slots), debounce(time.Millisecond))
		})
	}
}

// Assets that the receiver is long in refusing leave slots to all others when they
// are tried again, each alone.
func TestALiveChangeDoesNotWaitForThoseToBlame(t *testing.T) {
	inBatches(t, 20, func(r *batchReceiver) {
		poison := multiples(20, 800)
		r.poisons(poison...)
		r.change(items(800)...)
		r.wait(2 * time.Second)
		r.wantRetrying(uint64(len(poison)))
		r.answers(func(_ dztest.Request, told []int) *dztest.Answer {
			if slices.Contains(poison, told[0]) {
				return &dztest.Answer{Status: http.StatusInternalServerError, Delay: 50 * time.Second}
			}
			return nil
		})
		r.wait(10 * time.Second) // the first retries are under way
		for n := 10_001; n < 10_004; n++ {
			r.change(n)
			due := time.Now().Add(time.Millisecond)
			r.wait(20 * time.Second)
			if late := r.came(n).Sub(due); late < 0 || late > time.Millisecond {
				t.Errorf("item %d is told after %s", n, late)
			}
		}
		// Each is tried all the same, and one that changes waits for none but an attempt
		// of its own.
		r.wait(10 * time.Minute)
		r.poisons(poison[1:]...)
		r.answers(nil)
		r.change(poison[0])
		r.wait(51 * time.Second)
		r.wantTold("when it has changed", append(without(items(800), poison[1:]...), 10_001, 10_002, 10_003)...)
		r.poisons()
		r.wait(100 * time.Hour)
		r.wantTold("in the end", append(items(800), 10_001, 10_002, 10_003)...)
	}, slots(8), debounce(time.Millisecond))
}

// came returns when the first request came that told an item.
func (r *batchReceiver) came(item int) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, told := range r.requests {
		if slices.Contains(told, item) {
			return r.receiver.Requests()[i].At
		}
	}
	r.Errorf("item %d was never told", item)
	return time.Time{}
}

// What a person wants sent is not put off.
func TestARetryGoesBeforeTheBackground(t *testing.T) {
	inBatches(t, 1, func(r *batchReceiver) {
		r.poisons(1, 2, 3)
		r.owe(1, 2, 3)
		r.wait(time.Second)
		r.poisons()
		r.answers(func(dztest.Request, []int) *dztest.Answer { return &dztest.Answer{Delay: 10 * time.Second} })
		r.owe(items(100)[3:]...)
		r.wait(time.Millisecond)
		result, err := r.service().RetryFailures(r.Context(), retryAll())
		if err != nil || result.Delivered != 3 {
			t.Errorf("%+v, %v", result, err)
		}
		if c := r.counts(); c.Background < 80 {
			t.Errorf("%d are left in the background: it went first", c.Background)
		}
		r.wait(time.Hour)
	}, slots(4))
}

// A backlog is told in full requests, without one look at the store for each.
func TestABacklogIsToldInFullRequests(t *testing.T) {
	for _, background := range []bool{false, true} {
		for _, n := range []int{1, 8} {
			t.Run(fmt.Sprintf("background=%v, slots=%d", background, n), func(t *testing.T) {
				inBatches(t, 200, func(r *batchReceiver) {
					r.answers(func(dztest.Request, []int) *dztest.Answer { return &dztest.Answer{Delay: 5 * time.Millisecond} })
					if background {
						r.owe(items(20_000)...)
					} else {
						r.change(items(20_000)...)
					}
					r.wait(time.Hour)
					r.wantTold("in the end", items(20_000)...)
					if requests := r.count(); requests > 105 {
						t.Errorf("%d requests for a hundred batches", requests)
					}
				}, slots(n))
			})
		}
	}
}
