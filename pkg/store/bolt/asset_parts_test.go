package bolt

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// anySizes are those of texts that are read together: many small ones, and some that are
// compressed, or too large to share anything.
func anySizes() *rapid.Generator[[]int] {
	size := rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 2*minPacked), rapid.IntRange(1, 2*slabSize))
	return rapid.SliceOfN(size, 1, 60)
}

// textOf has that many bytes. A varied one can't be compressed.
func textOf(n, size int, varied bool) string {
	text := strings.Repeat(fmt.Sprint(n%10), size)
	for i := 0; varied && i < size; i += 64 {
		text = text[:i] + fmt.Sprintf("%x", (i+n)*2654435761) + text[i:]
	}
	return text
}

// Assets that are read together may lie in one allocation: none knows of the others.
func TestAssetsThatAreReadTogetherShareNothingThatShows(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(memoryDir(t), "dz.db"))
	rapid.Check(t, func(t *rapid.T) {
		sizes, varied := anySizes().Draw(t, "sizes"), rapid.Bool().Draw(t, "varied")
		var ids []event.ID
		var all []catalogue.Asset
		base := rapid.IntRange(0, 1_000_000).Draw(t, "base") * 100
		for i, size := range sizes {
			ids = append(ids, event.IntID(int64(base+i)))
			data := fmt.Sprintf(`{"t":%q,"metadata":{"m":%q}}`, textOf(i, size, varied), strings.Repeat("m", size))
			all = append(all, catalogue.Asset{ID: ids[i], Changed: noon, Data: json.RawMessage(data)})
		}
		if _, err := db.ImportAssets(t.Context(), all, noon); err != nil {
			t.Fatal(err)
		}
		for _, part := range []catalogue.Part{catalogue.Whole, catalogue.Outline} {
			found, err := db.AssetParts(t.Context(), part, ids)
			if err != nil || len(found) != len(ids) {
				t.Fatalf("%d assets of %d, %v", len(found), len(ids), err)
			}
			for i := range found {
				_ = append(found[i].Data, "overwritten"...)
			}
			for i, a := range found {
				outline, inside, _ := catalogue.Split(all[i].Data)
				if got := string(a.Data); got != string(all[i].Data) && (part == catalogue.Whole || len(inside) < minSplit || got != string(outline)) {
					t.Fatalf("asset %d, part %d: %q, want %q", i, part, got, all[i].Data)
				}
			}
		}
	})
}

// Likewise states, of which some are not given.
func TestStatesThatAreReadTogetherAreTheirOwn(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(memoryDir(t), "dz.db"))
	id, _ := addEndpoint(t, db, "shop")
	rapid.Check(t, func(t *rapid.T) {
		sizes, varied := anySizes().Draw(t, "sizes"), rapid.Bool().Draw(t, "varied")
		a := ended(noon, attempt.Delivered)
		var ids []event.ID
		base := rapid.IntRange(0, 1_000_000).Draw(t, "base") * 100
		for i, size := range sizes {
			ids = append(ids, event.IntID(int64(base+i)))
			ack := &tracking.Acknowledgement{ID: ids[i]}
			if rapid.IntRange(0, 4).Draw(t, "given") > 0 {
				ack.State = tracking.State{Text: textOf(i, size, varied), Given: true}
			}
			a.Debts = append(a.Debts, debt.Settlement{Key: debt.Key(ids[i].JSON()), Outcome: a.Outcome, Acknowledged: ack})
		}
		if _, err := db.Settle(t.Context(), id, []store.Attempt{a}); err != nil {
			t.Fatal(err)
		}
		found, err := db.Tracked(t.Context(), id, append([]event.ID{event.IntID(-1)}, ids...))
		if err != nil || len(found) != len(ids) {
			t.Fatalf("%d tracked of %d, %v", len(found), len(ids), err)
		}
		for i, got := range found {
			if want := a.Debts[i].Acknowledged.State; got.ID != ids[i] || got.State != want {
				t.Fatalf("asset %s has the state %+v, want %+v", got.ID, got.State, want)
			}
		}
	})
}
