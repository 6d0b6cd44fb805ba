package daemon

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/dztest"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

func gatewayStyle(ep *endpoint.Endpoint) { ep.Style = "gateway" }

// reasons returns the reasons of pings, sorted.
func reasons(t *testing.T, requests []dztest.Request) []string {
	t.Helper()
	var all []string
	for _, r := range requests {
		var ping struct{ Trigger struct{ Event string } }
		if err := json.Unmarshal([]byte(r.Body), &ping); err != nil {
			t.Fatal(err)
		}
		all = append(all, ping.Trigger.Event)
	}
	slices.Sort(all)
	return all
}

func TestAGatewayIsPingedAtOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("site", gatewayStyle)
		b.add("patient", gatewayStyle, debounce(30*time.Second))
		for range 3 {
			b.change(1)
			b.wait(time.Second)
		}
		if n := len(b.received("/site")); n != 3 {
			t.Errorf("%d pings of three changes, want 3", n)
		}
		if n := len(b.received("/patient")); n != 0 {
			t.Errorf("an endpoint with a debounce of its own has got %d pings", n)
		}
		b.wait(time.Minute)
		if n := len(b.received("/patient")); n != 1 {
			t.Errorf("an endpoint with a debounce of its own has got %d pings in the end, want 1", n)
		}
		state, err := b.service().GetEndpoint(b.Context(), "site")
		if known, _ := b.service().Style(state.Endpoint.Style); err != nil || known.Debounce == nil || *known.Debounce != 0 {
			t.Errorf("the style's debounce is %v, %v; want 0s", known.Debounce, err)
		}
	})
}

// Also with the daemon's debounce changed while it runs.
func TestAGatewayThatIsDownIsPingedOncePerReason(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("site", gatewayStyle, retry(time.Minute, time.Minute))
		if err := b.daemon.registry.setDefaults(b.Context(), endpoint.Window{Interval: time.Hour, MaxWait: 2 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		b.receiver.AnswerStatus(http.StatusServiceUnavailable)
		for range 50 {
			b.change(1)
			for _, typ := range []string{"thumb", "AssetDeleted", "MetafieldMetadataUpdated"} {
				if err := b.source.Push(typ, 1); err != nil {
					t.Fatal(err)
				}
			}
			b.wait(100 * time.Millisecond)
		}
		down := len(b.received(""))
		b.receiver.AnswerStatus(http.StatusOK)
		b.wait(10 * time.Minute)
		if got, want := reasons(t, b.received("")[down:]), []string{"delete", "metadata", "thumb"}; !slices.Equal(got, want) {
			t.Errorf("when it is back: %v, want %v", got, want)
		}
		if s := b.status(); s.Events.Owed != 150 || s.Attempts.Delivered != 3 || !s.Idle {
			t.Errorf("events %+v, attempts %+v", s.Events, s.Attempts)
		}
	})
}

// A gateway that is told an asset again as it has become meanwhile, for a reason that it
// did not ask for, does not take that for what it has had; and the same again it does.
func TestARetryThatTellsANewerAssetHasAnotherID(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("site", gatewayStyle, retry(time.Minute, time.Minute, time.Minute), func(ep *endpoint.Endpoint) {
			ep.Subscription.Reasons = []string{"metadata"}
		})
		change := func(reason, title string) {
			b.Helper()
			e, err := event.Decode([]byte(`{"id":"1","source":"/dam","type":"` + reason + `","data":{"itemId":1,"asset":{"assetId":1,"title":"` + title + `"}}}`))
			if err != nil {
				b.Fatal(err)
			}
			if err := b.service().Emit(b.Context(), []event.Event{e}, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.receiver.AnswerStatus(http.StatusUnprocessableEntity)
		change("metadata", "old")
		b.wait(90 * time.Second)
		change("thumb", "new")
		b.receiver.AnswerStatus(http.StatusOK)
		b.wait(time.Hour)
		requests := b.received("/site")
		if len(requests) != 3 || !strings.Contains(requests[1].Body, "old") || !strings.Contains(requests[2].Body, "new") {
			t.Fatalf("requests %+v; want the old title twice, then the new one", requests)
		}
		id := func(i int) string { return requests[i].Header.Get("Webhook-Id") }
		if id(0) != id(1) || id(1) == id(2) {
			t.Errorf("ids %s, %s, %s; want the same of the same, and another of the new title", id(0), id(1), id(2))
		}
	})
}
