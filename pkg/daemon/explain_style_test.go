package daemon

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestExplainSaysWhyAChangeWasSkipped(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.addManaged("shop")
		b.add("few", func(ep *endpoint.Endpoint) {
			ep.Style, ep.Subscription.ChangeTypes, ep.Subscription.Filter = "managed", 0, `asset.title == "b"`
		})
		b.knows("a", 1, 3)
		b.push("AssetCreated", 1, 1) // e1
		b.wait(time.Minute)
		b.wantTold("e1", "shop", api.ToldDelivered, "it was told; the endpoint has acknowledged the asset")
		got := b.wantTold("e1", "few", api.ToldSkipped, "its filter leaves the asset out, and it never knew of it")
		if got.Reason != attempt.Filtered {
			t.Errorf("reason %q", got.Reason)
		}
		var steps []string
		for _, s := range got.Steps {
			if !s.OK {
				steps = append(steps, s.Step+" "+s.Wants)
			}
		}
		if strings.Join(steps, ", ") != `tracked , filter asset.title == "b"` {
			t.Errorf("against it stand %q", steps)
		}

		if err := b.source.Push("AssetMetadataUpdated", 1, "colour"); err != nil { // e2
			t.Fatal(err)
		}
		b.wait(time.Minute)
		b.push("AssetMetadataUpdated", 1, 1) // e3
		b.push("AssetDeleted", 9, 9)         // e4
		b.wait(time.Minute)
		b.wantTold("e2", "shop", api.ToldSkipped, "it was not told: field colour is neither standard nor additional")
		b.wantTold("e3", "shop", api.ToldSkipped, "it was not told: nothing that it is shown differs")
		// No deletion was told since this came in.
		if got := b.wantTold("e4", "shop", api.ToldSkipped, "it was not told: the asset is deleted, or hidden from it, and it does not track it"); got.Reason != attempt.Untracked {
			t.Errorf("reason %q", got.Reason)
		}
		// What was told to be deleted is forgotten, as what it never knew of.
		b.resync("shop", api.ResyncOrder{Assets: []event.ID{event.IntID(2)}})
		b.push("AssetDeleted", 2, 2) // e5
		b.wait(time.Minute)
		if told := b.told("shop"); !slices.Contains(told, "delete 2") || slices.Contains(told, "delete 9") {
			t.Errorf("told %v", told)
		}
		for _, what := range []string{"asset/9", "e5"} {
			got := b.wantTold(what, "shop", api.ToldUnknown, "nothing is owed any more: it was told to delete the asset, or never knew of it")
			if got.Reason != "" {
				t.Errorf("%s: reason %q of what may have been told", what, got.Reason)
			}
		}

		b.knows("b", 1, 1)
		b.push("AssetMetadataUpdated", 1, 1) // e6
		b.wait(time.Minute)
		b.wantTold("e6", "shop", api.ToldDelivered, "has acknowledged the asset")
		b.wantTold("e2", "shop", api.ToldSkipped, "because of another change")
		b.wantTold("e6", "few", api.ToldDelivered, "has acknowledged the asset")

		// An asset that leaves the filter is told to be deleted, and forgotten, too.
		b.knows("a", 1, 1)
		b.push("AssetMetadataUpdated", 1, 1) // e7
		b.wait(time.Minute)
		b.push("AssetMetadataUpdated", 1, 1) // e8
		b.wait(time.Minute)
		if told := b.told("few"); !slices.Contains(told, "delete 1") {
			t.Errorf("told %v", told)
		}
		got = b.wantTold("e7", "few", api.ToldUnknown, "unless it knew of the asset and was told to delete it")
		if got.Reason != "" {
			t.Errorf("reason %q of what may have been told", got.Reason)
		}
		b.wantTold("e8", "few", api.ToldSkipped, "its filter leaves the asset out, and it does not track it")
	})
}

func TestExplainSaysThatADeletionIsHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.receiver.AnswerWith(acknowledge)
		b.quiet("shop")
		b.knows("a", 1, 100)
		b.push("AssetCreated", 1, 100)
		b.wait(time.Hour)
		b.push("AssetDeleted", 1, 60) // from e101 on
		b.wait(time.Minute)
		got := b.wantTold("e101", "shop", api.ToldHeld, "one of too many deletions at a time: 'dz endpoint release shop' sends it")
		if len(got.Owed) != 1 || got.Owed[0].State != api.ToldHeld {
			t.Errorf("owed %+v", got.Owed)
		}
	})
}
