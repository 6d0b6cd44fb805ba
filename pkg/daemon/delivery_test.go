package daemon

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

func slowly(d time.Duration) func(dztest.Request) dztest.Answer {
	return func(dztest.Request) dztest.Answer { return dztest.Answer{Delay: d} }
}

// items returns n item numbers.

func items(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}

func TestAnOutageIsProbedOneAtATimeAndThenMadeUpFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusServiceUnavailable)
		b.add("shop", debounce(time.Second))
		b.change(items(500)...)
		b.wait(10 * time.Second)
		if state := b.status().Endpoints[0].State; state != "sick" {
			t.Fatalf("the endpoint is %s, want sick", state)
		}
		b.receiver.Peak()
		before := len(b.received(""))
		b.wait(2 * time.Hour)
		probes := len(b.received("")) - before
		if probes < 100 || probes > 140 {
			t.Errorf("%d probes in two hours, want about one a minute", probes)
		}
		if peak := b.receiver.Peak(); peak > 1 {
			t.Errorf("%d requests at a time to a sick endpoint, want 1", peak)
		}
		b.change(items(500)...) // merges
		b.wait(time.Second)
		if s := b.status(); s.Debts.Failed != 0 || s.Events.Coalesced != 500 {
			t.Errorf("during the outage: %+v %+v", s.Debts, s.Events)
		}

		b.receiver.AnswerStatus(http.StatusOK)
		b.wait(2 * time.Minute)
		s := b.status()
		if !s.Idle || s.Attempts.Delivered != 500 || s.Endpoints[0].State != "healthy" {
			t.Errorf("two minutes after it is back: idle=%v, %d delivered, %s", s.Idle, s.Attempts.Delivered, s.Endpoints[0].State)
		}
	})
}

func TestRetryAfterHoldsTheWholeEndpoint(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.N == 1 {
				return dztest.Answer{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "600"}}
			}
			return dztest.Answer{}
		})
		b.add("shop", debounce(0), func(ep *endpoint.Endpoint) { ep.Concurrency = 1 })
		b.change(1)
		b.wait(time.Second)
		b.change(2, 3, 4)
		b.wait(9 * time.Minute)
		b.want(1, "before Retry-After is over")
		b.wait(2 * time.Minute)
		b.want(5, "after Retry-After is over")
	})
}

func TestRetriesKeepTheirMessageID(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(r dztest.Request) dztest.Answer {
			if r.N < 3 {
				return dztest.Answer{Status: http.StatusInternalServerError}
			}
			return dztest.Answer{}
		})
		b.add("shop", debounce(0))
		b.change(1)
		b.wait(time.Hour)
		requests := b.received("")
		if len(requests) != 3 {
			t.Fatalf("%d requests, want 3", len(requests))
		}
		for _, r := range requests {
			if r.Header.Get("Webhook-Id") != requests[0].Header.Get("Webhook-Id") {
				t.Errorf("the retry has webhook-id %s, want that of the first attempt", r.Header.Get("Webhook-Id"))
			}
		}
		first, second := requests[1].At.Sub(requests[0].At), requests[2].At.Sub(requests[1].At)
		if first < 5*time.Second || first > 5500*time.Millisecond || second < 5*time.Minute || second > 330*time.Second {
			t.Errorf("retried after %v and %v, want 5 s and 5 m, and up to a tenth more", first, second)
		}
	})
}

func TestAGoneEndpointKeepsItsDebtsUntilItIsEnabled(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusGone)
		b.add("shop", debounce(0))
		b.change(1)
		b.wait(time.Minute)
		b.change(2, 3)
		b.wait(24 * time.Hour)
		b.want(1, "a day after 410")
		if s := b.status(); s.Debts.Held != 3 || s.Endpoints[0].State != "gone" || !s.Idle {
			t.Errorf("status is %+v, endpoint %s", s.Debts, s.Endpoints[0].State)
		}
		b.stop()
		b.start()
		b.wait(time.Hour)
		b.want(1, "after a restart")

		b.receiver.AnswerStatus(http.StatusOK)
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", true); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Minute)
		b.want(4, "after it was enabled")
	})
}

// brokenHasten can't bring retries forward, as when whoever asked for it has

// gone away meanwhile.

type brokenHasten struct{ laneStore }

func (brokenHasten) Hasten(context.Context, uint64, time.Time) (uint64, error) {
	return 0, context.Canceled
}

// slowReset takes its time, so that lanes have looked at what was changed before.

type slowReset struct{ store.Registry }

func (r slowReset) ResetHealth(ctx context.Context, id uint64, now time.Time) (endpoint.Health, error) {
	synctest.Wait()
	return r.Registry.ResetHealth(ctx, id, now)
}

func TestAnEndpointThatIsEnabledAgainIsServedAlsoIfRetriesCantBeBroughtForward(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.daemon.registry.store = slowReset{b.daemon.registry.store}
		made := b.daemon.registry.newLane
		b.daemon.registry.newLane = func() *lane {
			l := made()
			l.store = brokenHasten{l.store}
			return l
		}
		b.add("shop", debounce(0))
		b.receiver.AnswerStatus(http.StatusGone)
		b.change(1)
		b.wait(time.Hour)
		b.want(1, "an hour after 410")
		b.receiver.AnswerStatus(http.StatusOK)
		if _, err := b.daemon.registry.enable(b.Context(), "shop", true, time.Now()); !errors.Is(err, context.Canceled) {
			b.Errorf("enabled with %v, want the store's error", err)
		}
		b.wait(time.Minute)
		b.want(2, "a minute after it was enabled")
	})
}

func TestADisabledEndpointGoesOnCollecting(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", func(ep *endpoint.Endpoint) { ep.Enabled = false })
		b.change(items(20)...)
		b.change(items(20)...)
		b.wait(time.Hour)
		b.want(0, "while it is disabled")
		if s := b.status(); s.Debts.Held != 20 {
			t.Errorf("%d debts are held, want 20", s.Debts.Held)
		}
		if _, err := b.service().SetEndpointEnabled(b.Context(), "shop", true); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Minute)
		b.want(20, "after it was enabled")
	})
}

func TestConcurrencyAndRateAreKept(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(time.Second))
		b.add("few", debounce(0), func(ep *endpoint.Endpoint) { ep.Concurrency = 3 })
		b.change(items(30)...)
		b.wait(11 * time.Second)
		if peak := b.receiver.Peak(); peak != 3 {
			t.Errorf("%d requests at a time, want 3", peak)
		}
		b.want(30, "after eleven seconds of three at a time")

		b.receiver.AnswerStatus(http.StatusOK)
		b.add("slow", debounce(0), func(ep *endpoint.Endpoint) { ep.Rate = 2 })
		b.change(items(20)...)
		b.wait(5 * time.Second)
		if n := len(b.received("/slow")); n < 9 || n > 12 {
			t.Errorf("%d requests in five seconds at two a second", n)
		}
	})
}

func TestStoppingLetsAttemptsEndAndLosesNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(5 * time.Second))
		b.add("shop", debounce(0))
		b.change(items(20)...)
		b.wait(time.Second)
		b.want(8, "at once") // its concurrency
		b.stop()
		b.start()
		if delivered := b.status().Attempts.Delivered; delivered != 8 {
			t.Errorf("%d attempts ended during the stop, want 8", delivered)
		}
		b.wait(time.Minute)
		b.want(20, "after the restart: none twice")
	})
}

func TestAnAttemptThatHangsIsCutOffAndMadeAgain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(time.Hour))
		b.add("shop", debounce(0))
		b.change(1)
		b.wait(time.Second)
		began := time.Now()
		b.stop()
		if took := time.Since(began); took != attemptGrace {
			t.Errorf("stopping took %v, want %v", took, attemptGrace)
		}
		b.receiver.AnswerStatus(http.StatusOK)
		b.start()
		b.wait(time.Second)
		b.want(2, "after the restart")
		if s := b.status(); !s.Idle || s.Attempts.Failed != 0 {
			t.Errorf("status is %+v", s.Attempts)
		}
	})
}

func TestARemovedEndpointIsOwedNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(5 * time.Second))
		b.add("shop", debounce(0))
		b.change(items(20)...)
		b.wait(time.Second)
		removed, err := b.service().RemoveEndpoint(b.Context(), "shop")
		if err != nil || removed.Debts != 20 {
			t.Fatalf("removed with %d debts, %v; want 20", removed.Debts, err)
		}
		b.add("shop", debounce(0))
		b.wait(time.Hour)
		b.want(8, "those under way when it was removed")
		if s := b.status(); !s.Idle {
			t.Errorf("status is %+v", s.Debts)
		}
	})
}

func TestRecentEventsAreOwedAgain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.change(items(5)...)
		b.wait(time.Minute)
		start := time.Now()
		b.change(1, 2)
		b.wait(time.Second)
		b.add("late", debounce(0))
		replay := api.Replay{Since: start, Endpoint: "late", DryRun: true}
		for _, dry := range []bool{true, false} {
			replay.DryRun = dry
			result, err := b.service().Replay(b.Context(), replay)
			if err != nil || result.Events != 2 || result.Owed != 2 {
				t.Fatalf("replay: %+v, %v; want two events", result, err)
			}
		}
		b.wait(time.Minute)
		b.want(2, "after the replay")
		if n := b.status().Events.Ingested; n != 7 {
			t.Errorf("%d events ingested, want 7: a replay is no event", n)
		}
	})
}

// untilIdle has ten items change while no daemon runs, and returns how one ends

// that runs until it is idle, with a receiver that answers status.

func TestASourceIsReadOnWhereItsEventsBecameDurable(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(0))
		b.change(1, 2)
		b.wait(time.Second)
		if n := b.source.Acked(); n != 2 {
			t.Errorf("%d events acknowledged, want 2", n)
		}
		positions, err := b.daemon.store.Positions(context.Background(), "memory")
		if err != nil || len(positions) != 1 || string(positions[0].Data) != "2" {
			t.Errorf("position is %v, %v; want 2", positions, err)
		}
	})
}

// The clock is looked at every other second; what it showed in between is not

// forgotten.
