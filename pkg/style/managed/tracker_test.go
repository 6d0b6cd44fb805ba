package managed

import (
	"errors"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// What Judge says goes for synchronisations, which know of no change.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		now     string
		tracked bool
		want    style.Action
	}{
		{"new", before, false, style.Create},
		{"the same", before, true, style.Unchanged},
		{"the same but for a URL", resign, true, style.Unchanged},
		{"another", retitle, true, style.Update},
		{"left out", leaves, true, style.Delete},
		{"left out, and not tracked", leaves, false, style.Nothing},
		{"gone", hidden, true, style.Delete},
		{"gone, and not tracked", hidden, false, style.Nothing},
	} {
		r := newRig(t, "")
		r.ep.Subscription.Filter = "inChannel(42)"
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		var known *tracking.Asset
		if a := r.memory.tracked["1"]; tt.tracked {
			known = &a
		}
		shown := shows(tt.now)
		shown.Asset.Deleted = tt.now == hidden
		got, err := r.Judge(r.ep, shown, known)
		if err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, got, err, tt.want)
		}
	}
	r := newRig(t, "")
	if _, err := r.Judge(r.ep, catalogue.Answer{Err: errDisk}, nil); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// A synchronisation owes what a change would, and merges with changes.
func TestAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		whatever bool
		now      string
		want     string
	}{
		{"all, the same", true, before, updates},
		{"what differs, the same", false, before, unchanged},
		{"what differs, another", false, retitle, updates},
	} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		r.assets["1"] = shows(tt.now)
		again := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, tt.whatever, false)
		d := r.owe("AssetMetadataUpdated", "1", fields("colour").more)
		if d.Key != again.Key || !again.Background {
			t.Fatalf("key %q and %q", d.Key, again.Key)
		}
		d.Merge(again, told)
		if got := r.becomes(); got != tt.want || d.Background {
			t.Errorf("%s: %s, want %s; in the background %v", tt.name, got, tt.want, d.Background)
		}
	}
	r := newRig(t, "")
	if gone := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, false, true); !gone.Event.IsDelete() {
		t.Errorf("%+v is no deletion", gone.Event)
	}
}

// What an event said is told of as that event's, also after a synchronisation: the
// catalogue may lag behind it. That an asset is gone is news, of the same item.
func TestAgainLeavesWhatAnEventSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, typ, now, want, id string }{
		{"deleted, and still shown", "AssetDeleted", before, unavailable, "e"},
		{"changed", "AssetMetadataUpdated", retitle, updates, "e"},
		{"deleted, and not shown any more", "AssetDeleted", hidden, deletes, ""},
	} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		if delete(r.assets, "1"); tt.now != hidden {
			r.assets["1"] = shows(tt.now)
		}
		d := r.owe(tt.typ, "5000001", `,"baseId":1`)
		d.Merge(r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, true, tt.now == hidden), told)
		if got := r.becomes(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if d.Object.ItemID != id(t, "5000001") || d.EventType != tt.typ || d.EventID != tt.id {
			t.Errorf("%s: the debt is of item %s, %s %q", tt.name, d.Object.ItemID, d.EventType, d.EventID)
		}
	}
}

// Without an event, what is owed is of the item that the catalogue shows.
func TestAgainNamesTheItemThatIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	again := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1"), ItemID: id(t, "5000001")}, told, true, false)
	if again.Event.Object.ItemID != id(t, "5000001") || again.Event.Object.BaseID != id(t, "1") || again.Key != r.AssetKey(id(t, "1")) {
		t.Errorf("key %q, %+v", again.Key, again.Event.Object)
	}
}
