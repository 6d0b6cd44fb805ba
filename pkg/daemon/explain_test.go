package daemon

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// explained returns what is said of one endpoint.
func (b *bubble) explained(of, name string) api.EndpointExplanation {
	b.Helper()
	answer, err := b.service().Explain(b.Context(), of, name)
	if err != nil {
		b.Fatal(err)
	}
	if len(answer.Endpoints) != 1 {
		b.Fatalf("%d endpoints, want %s", len(answer.Endpoints), name)
	}
	return answer.Endpoints[0]
}

// wantTold fails the test if an explanation says something else.
func (b *bubble) wantTold(of, name, verdict, text string) api.EndpointExplanation {
	b.Helper()
	got := b.explained(of, name)
	if got.Verdict != verdict || !strings.Contains(got.Text, text) {
		b.Errorf("%s of %s: %s, %q; want %s, %q", name, of, got.Verdict, got.Text, verdict, text)
	}
	return got
}

func TestExplainFollowsAnEventToItsDelivery(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(10*time.Second), retry(time.Minute))
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.change(7, 7)
		b.wait(time.Second)
		got := b.wantTold("e1", "shop", api.ToldWaiting, "10s after the last change, at most 1m0s after the first; 2 changes are told together")
		if len(got.Owed) != 1 || got.Owed[0].Changes != 2 || got.Owed[0].Attempts != 0 || got.Owed[0].LastAttempt != nil {
			t.Errorf("owed %+v", got.Owed)
		}
		b.wait(15 * time.Second)
		b.wantTold("e2", "shop", api.ToldRetrying, "attempt 1 failed")
		b.wait(2 * time.Minute)
		got = b.wantTold("e2", "shop", api.ToldFailed, "the retries are used up")
		if o := got.Owed[0]; o.Reason != "client-error" || o.Status != 422 || o.NextAttempt != nil || o.LastAttempt == nil {
			t.Errorf("owed %+v", o)
		}
		b.receiver.AnswerStatus(http.StatusOK)
		b.change(7)
		b.wait(time.Minute)
		got = b.wantTold("e1", "shop", api.ToldDelivered, "nothing is owed any more: it was told")
		if len(got.Owed) != 0 {
			t.Errorf("owed %+v of what was delivered", got.Owed)
		}
		b.change(7)
		b.wait(time.Second)
		got = b.wantTold("e1", "shop", api.ToldDelivered, "what is owed now are later changes: it waits")
		if len(got.Owed) != 0 {
			t.Errorf("owed %+v because of what was delivered", got.Owed)
		}
		b.wantTold("e4", "shop", api.ToldWaiting, "")
	})
}

// A synchronisation owes an asset without an event: those that were told before
// stay told, and one that is owed stays what it is.
func TestExplainTellsASynchronisationFromEvents(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.addManaged("shop")
		b.knows("a", 1, 2)
		b.receiver.AnswerWith(acknowledge)
		b.change(1)
		b.wait(time.Minute)
		b.receiver.AnswerStatus(http.StatusInternalServerError)
		b.change(2)
		b.wait(time.Minute)
		b.resync("shop", api.ResyncOrder{})
		got := b.wantTold("e1", "shop", api.ToldDelivered, "it was told; what is owed now are later changes")
		if len(got.Owed) != 0 {
			b.Errorf("owed %+v because of what was told", got.Owed)
		}
		got = b.wantTold("e2", "shop", api.ToldRetrying, "failed")
		if len(got.Owed) != 1 || got.Owed[0].Changes != 2 {
			b.Errorf("owed %+v", got.Owed)
		}
		if n := len(b.failures("shop", true)); n != 2 {
			b.Errorf("%d in trouble, want both assets", n)
		}
	})
}

func TestExplainSaysWhyAnEndpointIsNotTold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("metafields", func(ep *endpoint.Endpoint) { ep.Subscription.ChangeTypes = event.MetafieldChanged })
		b.add("titles", func(ep *endpoint.Endpoint) { ep.Subscription.Fields = []string{"title"} })
		b.add("site", gatewayStyle)
		if err := b.source.Push("AssetMetadataUpdated", 7, "keywords"); err != nil {
			t.Fatal(err)
		}
		if err := b.source.Push("MetafieldCreated", 8); err != nil {
			t.Fatal(err)
		}
		b.wait(time.Second)
		b.add("late")
		b.wantTold("e1", "metafields", api.ToldNotWanted, "change type AssetChanged is not subscribed")
		b.wantTold("e2", "site", api.ToldNothing, "style gateway tells no such change")
		b.wantTold("e1", "late", api.ToldNotYetThere, "after the event came in")
		got := b.wantTold("e1", "titles", api.ToldNotWanted, "no subscribed field changed")
		var steps []string
		for _, s := range got.Steps {
			if steps = append(steps, s.Step); s.OK == (s.Step == "fields") {
				t.Errorf("step %+v", s)
			}
		}
		if strings.Join(steps, " ") != "there changeTypes fields style endpoint" {
			t.Errorf("the steps are %q", steps)
		}
		b.wait(time.Minute)
	})
}

func TestExplainSaysWhatHoldsADebtBack(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("off", debounce(0), func(ep *endpoint.Endpoint) { ep.Enabled = false })
		b.add("busy", debounce(0))
		b.receiver.AnswerWith(func(dztest.Request) dztest.Answer {
			return dztest.Answer{Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "600"}}
		})
		b.change(7)
		b.wait(time.Second)
		b.wantTold("e1", "off", api.ToldHeld, "it is disabled")
		got := b.wantTold("e1", "busy", api.ToldRetrying, "it is tried again ")
		if last := got.Steps[len(got.Steps)-1]; last.OK || !strings.Contains(last.Text, "as it asked (Retry-After)") {
			t.Errorf("the endpoint's step is %+v", last)
		}
	})
}

func TestExplainOfAnObject(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("site", gatewayStyle, func(ep *endpoint.Endpoint) { ep.Enabled = false })
		for _, typ := range []string{"thumb", "metadata", "thumb"} {
			if err := b.source.Push(typ, 7); err != nil {
				t.Fatal(err)
			}
		}
		b.change(70)
		b.wait(time.Second)
		answer, err := b.service().Explain(b.Context(), "asset/7", "")
		if err != nil {
			t.Fatal(err)
		}
		if answer.Object != "asset/7" || answer.Event.ID != "e3" || len(answer.Recent) != 3 || answer.KeptFrom == nil {
			t.Errorf("explained %+v", answer)
		}
		var owed []string
		for _, o := range answer.Endpoints[0].Owed {
			owed = append(owed, o.EventReason)
		}
		if strings.Join(owed, " ") != "thumb metadata" {
			t.Errorf("owed %q, want a debt for each reason", owed)
		}
		_, err = b.service().Explain(b.Context(), "asset/8", "")
		wantCode(t, err, api.CodeNotFound)
		if !strings.Contains(err.Error(), "recent events go back to 20") {
			t.Errorf("the error does not say how far events go back: %v", err)
		}
		_, err = b.service().Explain(b.Context(), "e1", "nobody")
		wantCode(t, err, api.CodeNotFound)
	})
}

// What is owed outlives the events.
func TestExplainOfAnObjectWhoseEventsAreKeptNoMore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop", debounce(0), retry(time.Second))
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		b.change(7)
		b.wait(3 * time.Hour)
		answer, err := b.service().Explain(b.Context(), "7", "shop")
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Endpoints[0]; answer.Event != nil || got.Verdict != api.ToldFailed || len(got.Owed) != 1 {
			t.Errorf("explained %+v", answer)
		}
	})
}
