package route

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style/notify"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func route(t *testing.T, id uint64, style string, changeTypes event.ChangeType) *Route {
	t.Helper()
	ep := endpoint.Endpoint{
		ID: id, Name: fmt.Sprintf("ep%d", id), Style: style,
		Subscription: endpoint.Subscription{ChangeTypes: changeTypes},
	}
	if id == 2 {
		interval := timespan.Span(time.Minute)
		ep.Debounce = &interval
	}
	r, err := New(&ep, notify.Style{}, endpoint.DefaultWindow())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func decode(t *testing.T, typ string, item int) event.Event {
	t.Helper()
	e, err := event.Decode(fmt.Appendf(nil, `{"id":"1","source":"/dam","type":%q,"data":{"itemId":%d}}`, typ, item))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// told says in short what changes mean.
func told(changes []debt.Change) []string {
	out := []string{}
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%d: %s after %v", c.Endpoint, c.Event.Object, c.Window.Interval))
	}
	return out
}

func TestChangesGoToThoseWhoWantThem(t *testing.T) {
	t.Parallel()
	table := NewTable(1, []*Route{
		route(t, 1, "notify", event.AssetChanged),
		route(t, 2, "notify", event.AllChanges),
		route(t, 3, "notify", event.MetafieldChanged),
	})
	events := []event.Event{decode(t, "AssetCreated", 7), decode(t, "MetafieldDeleted", 7)}
	want := []string{
		"1: asset/7 after 5s", "2: asset/7 after 1m0s",
		"2: metafield/7 after 1m0s", "3: metafield/7 after 5s",
	}
	if diff := cmp.Diff(want, told(table.Changes(events, 0))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3: metafield/7 after 5s"}, told(table.Changes(events, 3))); diff != "" {
		t.Error(diff)
	}
}

func TestAnAssetAndAMetafieldOfOneIDStayApart(t *testing.T) {
	t.Parallel()
	table := NewTable(1, []*Route{route(t, 1, "notify", event.AllChanges)})
	changes := table.Changes([]event.Event{
		decode(t, "AssetCreated", 7), decode(t, "MetafieldCreated", 7), decode(t, "AssetDeleted", 7),
	}, 0)
	if changes[0].Key == changes[1].Key {
		t.Errorf("an asset and a metafield share the key %q", changes[0].Key)
	}
	if changes[0].Key != changes[2].Key {
		t.Errorf("two changes of one asset have the keys %q and %q", changes[0].Key, changes[2].Key)
	}
}

func TestTablesAreReplacedNotChanged(t *testing.T) {
	t.Parallel()
	first := NewTable(1, []*Route{route(t, 1, "notify", event.AssetChanged)})
	second := first.With(2, route(t, 2, "notify", event.AssetChanged))
	changed := second.With(3, route(t, 1, "notify", event.MetafieldChanged))
	third := changed.Without(4, 2)
	events := []event.Event{decode(t, "AssetCreated", 7)}
	for i, c := range []struct {
		table    *Table
		revision uint64
		want     int
	}{{first, 1, 1}, {second, 2, 2}, {changed, 3, 1}, {third, 4, 0}} {
		if got := len(c.table.Changes(events, 0)); got != c.want || c.table.Revision != c.revision {
			t.Errorf("table %d: %d changes at revision %d, want %d at %d", i, got, c.table.Revision, c.want, c.revision)
		}
	}
	if third.Get(2) != nil || third.Get(1) == nil {
		t.Errorf("Get finds what was removed, or not what is there")
	}
}

func TestASubscriptionThatCannotWorkIsAnError(t *testing.T) {
	t.Parallel()
	ep := endpoint.Endpoint{Name: "shop", Subscription: endpoint.Subscription{Filter: "event.itemid ==="}}
	if _, err := New(&ep, notify.Style{}, endpoint.DefaultWindow()); err == nil {
		t.Error("a filter that can't be compiled makes a route")
	}
}
