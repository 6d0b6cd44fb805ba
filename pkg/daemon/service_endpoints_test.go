package daemon

import (
	"net/http"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/dztest"
)

// A person who has mended a receiver tries it out, and then waits for nothing more.
func TestATestThatIsDeliveredEndsTheWaitForASickEndpoint(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerStatus(http.StatusServiceUnavailable)
		b.add("shop", debounce(0), retry(time.Hour))
		b.change(items(6)...)
		b.wait(10 * time.Minute)
		test := func(delivered bool) {
			if exchange, err := b.service().TestEndpoint(b.Context(), "shop"); err != nil || exchange.Delivered != delivered {
				t.Fatalf("%+v, %v", exchange, err)
			}
			b.wait(time.Second)
		}
		before := len(b.received(""))
		test(false)
		b.want(before+1, "after a test that failed too")
		b.receiver.AnswerStatus(http.StatusOK)
		test(true)
		if s := b.status(); s.Endpoints[0].State != "healthy" || s.Attempts.Delivered != 6 {
			t.Errorf("the endpoint is %s, %+v", s.Endpoints[0].State, s.Attempts)
		}
	})
}

// A receiver that takes a test may still take nothing else.
func TestATestThatIsDeliveredIsNoMoreThanAReasonToProbe(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(takesTestsOnly)
		b.add("shop", debounce(0), retry(time.Hour))
		b.change(items(6)...)
		b.wait(10 * time.Minute)
		before := len(b.received(""))
		if _, err := b.service().TestEndpoint(b.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Second)
		b.want(before+2, "after a test and a probe")
		if state := b.status().Endpoints[0].State; state != "sick" {
			t.Errorf("the endpoint is %s", state)
		}
	})
}

func TestATestThatIsDeliveredDoesNotWaitForTheTimeOfTheNextProbe(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(takesTestsOnly)
		b.add("shop", debounce(0), retry(time.Hour))
		b.change(items(60)...)
		b.wait(10*time.Minute + 30*time.Second) // by now it is probed once a minute
		before := len(b.received(""))
		b.wait(time.Second)
		b.want(before, "within the wait for the next probe")
		if _, err := b.service().TestEndpoint(b.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Second)
		b.want(before+2, "after a test and a probe")
	})
}

func takesTestsOnly(r dztest.Request) dztest.Answer {
	if r.Header.Get("Dz-Test") != "" {
		return dztest.Answer{}
	}
	return dztest.Answer{Status: http.StatusServiceUnavailable}
}

// A monitor may test an endpoint all the time.
func TestTestsThatAreDeliveredDoNotUseUpTheRetries(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(takesTestsOnly)
		b.add("shop", debounce(0), retry(100*time.Hour, 100*time.Hour, 100*time.Hour))
		b.change(items(6)...)
		for range 700 {
			b.wait(time.Minute)
			if _, err := b.service().TestEndpoint(b.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
		}
		b.wait(time.Minute)
		if ep := b.status().Endpoints[0]; ep.Failures != 0 || ep.Debts != 6 {
			t.Errorf("after 700 tests there are %d failures and %d debts, want 0 and 6", ep.Failures, ep.Debts)
		}
	})
}

func TestATestDoesNotShortenWhatTheReceiverHasAskedFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(func(dztest.Request) dztest.Answer {
			return dztest.Answer{Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "3600"}}
		})
		b.add("shop", debounce(0))
		b.change(1)
		b.wait(time.Minute)
		b.receiver.AnswerStatus(http.StatusOK)
		if _, err := b.service().TestEndpoint(b.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		b.wait(50 * time.Minute)
		b.want(2, "the change, and the test")
		b.wait(time.Hour)
		if s := b.status(); !s.Idle {
			t.Errorf("after an hour: %+v", s.Debts)
		}
	})
}
