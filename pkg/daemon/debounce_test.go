package daemon

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

func TestAHundredChangesWithinTheWindowMakeOneNotification(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		for range 100 {
			b.change(1)
			b.wait(40 * time.Millisecond)
		}
		b.want(0, "while it changes")
		b.wait(4900 * time.Millisecond)
		b.want(0, "before it has been quiet for 5 s")
		b.wait(200 * time.Millisecond)
		b.want(1, "after it has been quiet for 5 s")
		b.wait(time.Hour)
		b.want(1, "an hour later")
		if s := b.status(); s.Events.Owed != 100 || s.Events.Coalesced != 99 || !s.Idle {
			t.Errorf("status is %+v", s.Events)
		}
	})
}

func TestAChangeEverySecondIsToldOnceAMinute(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		start := time.Now()
		for range 300 {
			b.change(1)
			b.wait(time.Second)
		}
		b.wait(time.Minute)
		requests := b.received("")
		if len(requests) != 5 {
			t.Fatalf("%d notifications in five minutes, want 5", len(requests))
		}
		last := start
		for i, r := range requests {
			if gap := r.At.Sub(last); i < 4 && (gap < 59*time.Second || gap > 62*time.Second) {
				t.Errorf("notification %d came %v after the one before, want a minute", i+1, gap)
			}
			last = r.At
		}
	})
}

func TestAnAssetAndAMetafieldWithTheSameIDStayApart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		for _, typ := range []string{"AssetCreated", "MetafieldMetadataUpdated", "AssetDeleted"} {
			if err := b.source.Push(typ, 9588); err != nil {
				t.Fatal(err)
			}
		}
		b.wait(time.Minute)
		bodies := b.receiver.Bodies()
		for _, body := range []string{
			`{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":9588}}`,
			`{"ChangeType":2,"Data":{"ItemId":9588,"BaseId":9588}}`,
		} {
			if bodies[body] != 1 {
				t.Errorf("%s came %d times, want once", body, bodies[body])
			}
		}
		b.want(2, "in the end")
	})
}

func TestEndpointsHaveIntervalsOfTheirOwn(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("slow", debounce(30*time.Second))
		b.add("quick", debounce(0))
		start := time.Now()
		b.change(1)
		b.wait(10 * time.Second)
		b.change(1)
		b.wait(2 * time.Minute)
		after := func(path string) []time.Duration {
			var list []time.Duration
			for _, r := range b.received(path) {
				list = append(list, r.At.Sub(start).Round(time.Second))
			}
			return list
		}
		if got := after("/quick"); len(got) != 2 || got[0] != 0 || got[1] != 10*time.Second {
			t.Errorf("the quick endpoint was told after %v, want at once, each time", got)
		}
		if got := after("/slow"); len(got) != 1 || got[0] != 40*time.Second {
			t.Errorf("the slow endpoint was told after %v, want once, 30 s after the last change", got)
		}
	})
}

func TestAChangeDuringAnAttemptIsToldToo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(slowly(10 * time.Second))
		b.add("shop", debounce(time.Second))
		b.change(1)
		b.wait(3 * time.Second) // sent, not answered
		b.want(1, "after the first change")
		b.change(1)
		b.wait(5 * time.Second)
		b.want(1, "while the attempt is under way")
		b.wait(time.Minute)
		b.want(2, "after the attempt")
		requests := b.received("")
		if requests[0].Header.Get("Webhook-Id") == requests[1].Header.Get("Webhook-Id") {
			t.Errorf("two generations share a webhook-id")
		}
		if s := b.status(); !s.Idle || s.Attempts.Delivered != 2 || s.Events.Coalesced != 0 {
			t.Errorf("status is %+v", s)
		}
	})
}

// An endpoint shows what debounces it, also where that is the daemon's default.
func TestTheDebounceInForceIsShown(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.add("slow", debounce(time.Hour))
		for name, want := range map[string]endpoint.Window{
			"shop": endpoint.DefaultWindow(), "slow": {Interval: time.Hour, MaxWait: time.Hour},
		} {
			state, err := b.service().GetEndpoint(b.Context(), name)
			if err != nil || state.Window != want {
				t.Errorf("%s: %+v, %v", name, state.Window, err)
			}
		}
	})
}
