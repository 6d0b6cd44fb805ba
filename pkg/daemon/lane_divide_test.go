package daemon

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// without returns the items that are not among others.
func without(items []int, others ...int) []int {
	return slices.DeleteFunc(slices.Clone(items), func(item int) bool { return slices.Contains(others, item) })
}

func multiples(of, n int) []int {
	list := items(n / of)
	for i := range list {
		list[i] *= of
	}
	return list
}

func TestWhatIsToBlameIsFoundAndTheRestIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		poison []int
	}{
		{"the first", 200, []int{1}},
		{"the last", 200, []int{200}},
		{"one between", 200, []int{77}},
		{"two neighbours", 200, []int{76, 77}},
		{"two in the middle", 200, []int{100, 101}},
		{"one in each half", 200, []int{20, 180}},
		{"every twentieth", 200, multiples(20, 200)},
		{"every other", 200, multiples(2, 200)},
		{"one of two", 2, []int{2}},
		{"one of three", 3, []int{2}},
		{"none", 200, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBatches(t, 200, func(r *batchReceiver) {
				r.poisons(c.poison...)
				r.change(items(c.n)...)
				r.wait(time.Second)
				r.wantTold("after a division", without(items(c.n), c.poison...)...)
				most := 1 + 2*bits.Len(uint(c.n-1))*len(c.poison)
				if len(c.poison) > 1 {
					most += maxSamples
				}
				if n := r.count(); n > most {
					t.Errorf("%d requests, want at most %d", n, most)
				}
				if s := r.status(); s.Endpoints[0].State != "healthy" || s.Debts.Retrying != uint64(len(c.poison)) {
					t.Errorf("the endpoint is %s, %+v", s.Endpoints[0].State, s.Debts)
				}
				r.wait(90 * time.Hour)
				for _, f := range r.wantFailures("after three days", c.poison...) {
					if f.Outcome.Verdict != attempt.Refused || f.Outcome.Status != 500 || f.Attempts != 10 {
						t.Errorf("failure: %s, status %d, %d attempts; want ten refusals", f.Outcome.Verdict, f.Outcome.Status, f.Attempts)
					}
				}
				if n := r.count(); n > most+9*len(c.poison) {
					t.Errorf("%d requests in all, want at most %d and nine retries each", n, most)
				}
			})
		})
	}
}

// What fails alone by its own fault says nothing about the receiver.
func TestWhatIsToBlameDoesNotHoldUpTheRest(t *testing.T) {
	inBatches(t, 200, func(r *batchReceiver) {
		poison := multiples(10, 60)
		r.poisons(poison...)
		r.change(items(60)...)
		r.wait(time.Minute)
		for n := 1000; n < 1540; n++ {
			r.change(n)
			r.wait(time.Second)
			if s := r.status(); r.told[n] != 1 || s.Endpoints[0].State != "healthy" {
				t.Fatalf("item %d was taken %d times, the endpoint is %s", n, r.told[n], s.Endpoints[0].State)
			}
			r.wait(10 * time.Minute)
		}
		r.wantFailures("in the end", poison...)
		if sick := r.logged.Lines("endpoint is sick"); len(sick) > 0 {
			t.Errorf("it fell sick: %s", sick)
		}
		if n := r.count(); n > 1+2*6*len(poison)+9*len(poison)+540 {
			t.Errorf("%d requests", n)
		}
	})
}

// Debts that are to blame and never went with others can't be told from a
// receiver that does not work. It recovers with every other debt, and they must
// become failures for all that.
func TestWhatIsToBlameAndCameAloneBecomesAFailure(t *testing.T) {
	inBatches(t, 200, func(r *batchReceiver) {
		poison := items(6)
		r.poisons(poison...)
		r.change(poison...)
		r.wait(30 * time.Minute)
		if state := r.status().Endpoints[0].State; state != "sick" {
			t.Errorf("a receiver that takes nothing is %s", state)
		}
		for n := 1000; n < 1200; n++ {
			r.change(n)
			r.wait(5 * time.Minute)
			if r.told[n] != 1 {
				t.Errorf("item %d was taken %d times", n, r.told[n])
			}
		}
		r.wait(90 * time.Hour)
		r.wantFailures("in the end", poison...)
		if n := r.count(); n > 200+6*(10+100) {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAReceiverThatTakesNothingFallsSick(t *testing.T) {
	for _, c := range []struct{ n, slots, most int }{{1, 1, 5}, {2, 1, 6}, {3, 1, 8}, {200, 1, 6}, {2000, 8, 8 + 5}} {
		t.Run(fmt.Sprintf("%d debts, %d slots", c.n, c.slots), func(t *testing.T) {
			inBatches(t, 200, func(r *batchReceiver) {
				r.answers(func(dztest.Request, []int) *dztest.Answer {
					return &dztest.Answer{Status: http.StatusInternalServerError, Delay: 10 * time.Millisecond}
				})
				r.change(items(c.n)...)
				sick := func() bool { return r.lane().getHealth().State(true) == endpoint.Sick }
				for wait := 2 * time.Second; !sick() && wait < 10*time.Hour; wait += wait / 2 {
					r.wait(wait)
				}
				if n := r.count(); !sick() || n > c.most {
					t.Errorf("after %d requests sick is %v; want it after at most %d", n, sick(), c.most)
				}
				r.wait(2 * time.Hour)
				if s := r.status(); s.Debts.Failed != 0 || s.Endpoints[0].Debts != uint64(c.n) {
					t.Errorf("after two hours: %+v", s.Debts)
				}
				r.answers(nil)
				r.wait(6 * time.Hour) // for a retry: nothing else is due
				r.wantTold("when it works again", items(c.n)...)
				if s := r.status(); !s.Idle || s.Endpoints[0].State != "healthy" {
					t.Errorf("in the end %s, %+v", s.Endpoints[0].State, s.Debts)
				}
			}, slots(c.slots))
		})
	}
}

func TestARequestThatSaysSomethingOfTheReceiverIsNotDivided(t *testing.T) {
	for name, answer := range map[string]dztest.Answer{
		"410":               {Status: http.StatusGone},
		"429":               {Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "3600"}},
		"503":               {Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "3600"}},
		"connection closed": {HangUp: true},
	} {
		for _, divided := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, divided=%v", name, divided), func(t *testing.T) {
				inBatches(t, 200, func(r *batchReceiver) {
					r.poisons(5)
					first := 1
					if divided {
						first = 4 // the receiver has taken a half and a quarter
					}
					r.answers(func(request dztest.Request, _ []int) *dztest.Answer {
						if request.N < first {
							return nil
						}
						return &answer
					})
					r.change(items(200)...)
					r.wait(1500 * time.Millisecond)
					// Who hangs up once may be asked for the rest.
					if n := r.count(); n != first && (!answer.HangUp || !divided) {
						t.Errorf("%d requests, want none after the one that was answered so", n)
					}
					r.answers(nil)
					if _, err := r.service().SetEndpointEnabled(r.Context(), "pim", true); err != nil {
						t.Fatal(err)
					}
					r.wait(time.Minute)
					r.wantTold("in the end", without(items(200), 5)...)
				})
			})
		}
	}
}

// slowly has each request take a second, so that something may happen in the
// middle of a division.
func (r *batchReceiver) slowly() {
	r.answers(func(dztest.Request, []int) *dztest.Answer { return &dztest.Answer{Delay: time.Second} })
}

// The first second is debounce, and the fourth request, of a division of twenty,
// under way in the end.
const inTheMiddle = 4500 * time.Millisecond

func TestADivisionEndsWithWhatForbidsRequests(t *testing.T) {
	for name, c := range map[string]struct {
		happen func(r *batchReceiver)
		resume func(r *batchReceiver)
	}{
		"dz stops": {
			func(r *batchReceiver) { r.stop() },
			func(r *batchReceiver) { r.source.Rewind(); r.start() },
		},
		"disabled": {
			func(r *batchReceiver) { r.enable(false) },
			func(r *batchReceiver) { r.enable(true) },
		},
		"removed": {
			func(r *batchReceiver) {
				if _, err := r.daemon.registry.remove(r.Context(), "pim"); err != nil {
					t.Fatal(err)
				}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBatches(t, 200, func(r *batchReceiver) {
				r.poisons(150)
				r.slowly()
				r.change(items(200)...)
				r.wait(inTheMiddle)
				before := r.count()
				c.happen(r)
				r.wait(time.Minute)
				if n := r.count(); n != before || before < 3 {
					t.Errorf("%d requests before it was %s, %d in the end", before, name, n)
				}
				if c.resume == nil {
					return
				}
				c.resume(r)
				r.wait(time.Minute)
				r.wantTold("in the end", without(items(200), 150)...)
				r.wantRetrying(1)
			})
		})
	}
}

func (r *batchReceiver) enable(on bool) {
	r.Helper()
	if _, err := r.service().SetEndpointEnabled(r.Context(), "pim", on); err != nil {
		r.Fatal(err)
	}
}

func (r *batchReceiver) wantRetrying(n uint64) {
	r.Helper()
	if s := r.status(); s.Debts.Retrying != n || s.Debts.Failed != 0 || s.Endpoints[0].State != "healthy" {
		r.Errorf("the endpoint is %s, %+v; want %d retrying", s.Endpoints[0].State, s.Debts, n)
	}
}

func TestADivisionKeepsToALimitThatIsLoweredMeanwhile(t *testing.T) {
	inBatches(t, 200, func(r *batchReceiver) {
		r.poisons(150)
		r.slowly()
		r.change(items(200)...)
		r.wait(inTheMiddle)
		before := r.count()
		r.style.limit.Store(7)
		_, err := r.daemon.registry.update(r.Context(), "pim", time.Now(), false, func(*endpoint.Endpoint) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		r.wait(10 * time.Minute)
		for i, told := range r.requests[before+1:] {
			if len(told) > 7 {
				t.Errorf("request %d after the change tells %d, want at most 7", i, len(told))
			}
		}
		r.wantTold("in the end", without(items(200), 150)...)
	})
}

func TestADivisionKeepsToTheRate(t *testing.T) {
	inBatches(t, 200, func(r *batchReceiver) {
		r.poisons(150)
		r.change(items(200)...)
		r.wait(time.Hour)
		var last time.Time
		for i, request := range r.received("")[:15] {
			if gap := request.At.Sub(last); gap < 10*time.Second-time.Millisecond {
				t.Errorf("request %d comes %s after the one before, want 10 s", i, gap)
			}
			last = request.At
		}
		r.wantTold("in the end", without(items(200), 150)...)
	}, func(ep *endpoint.Endpoint) { ep.Rate = 0.1 })
}

// spoiled is a store that can't settle some debts for a while.
type spoiled struct {
	store.Engine
	spoiled atomic.Bool
}

func (s *spoiled) Settle(ctx context.Context, id uint64, attempts []store.Attempt) ([]store.Settled, error) {
	for _, a := range attempts {
		if s.spoiled.Load() && len(a.Debts) == 100 {
			return nil, errors.New("the disk is full")
		}
	}
	return s.Engine.Settle(ctx, id, attempts)
}

func TestAPartThatTheStoreCantTakeIsNotToldAgain(t *testing.T) {
	s := &spoiled{}
	s.spoiled.Store(true)
	inBatches(t, 200, func(r *batchReceiver) {
		r.stop()
		r.wrap = func(e store.Engine) store.Engine { s.Engine = e; return s }
		r.source.Rewind()
		r.start()
		r.poisons(150)
		r.change(items(200)...)
		r.wait(time.Minute)
		r.wantTold("while a half can't be settled", without(items(200), 150)...)
		if n := r.lane().underWay(); n != 1 {
			t.Errorf("%d requests are not durable, want the one of the half", n)
		}
		s.spoiled.Store(false)
		r.wait(time.Minute)
		r.wantTold("when it can", without(items(200), 150)...)
		r.wantRetrying(1)
	})
}

func TestWhatIsToBlameGoesAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var r readAhead
	r.add([]debt.Debt{{Key: "a"}, {Key: "b"}, {Key: "c", Blamed: true}, {Key: "d", Blamed: true}, {Key: "e"}, {Key: "f"}}, now)
	var got []string
	for debts := r.take(200, now); debts != nil; debts = r.take(200, now) {
		keys := ""
		for i := range debts {
			keys += string(debts[i].Key)
		}
		got = append(got, keys)
	}
	if want := []string{"ab", "c", "d", "ef"}; !slices.Equal(got, want) {
		t.Errorf("requests of %q, want %q", got, want)
	}
}
