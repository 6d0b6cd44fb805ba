package bolt

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// What a DAM reports takes a byte each.
func TestTheWordsOfEventsHaveNumbers(t *testing.T) {
	t.Parallel()
	want := append(event.TypeNames(event.AllChanges), "asset", "metafield", "treeValue", "comboValue")
	for _, word := range want {
		if buf := appendWord(nil, word); len(buf) != 1 {
			t.Errorf("%q takes %d bytes", word, len(buf))
		}
	}
	for i, word := range words {
		if slices.Index(words[:], word) != i {
			t.Errorf("%q has two numbers", word)
		}
	}
}

// A record of this format stays readable, whatever becomes of the code: the
// numbers of its words too.
func TestARecordOfThisFormatStaysReadable(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 21, 12, 0, 0, 5, time.UTC)
	s := &stored{
		Filed: nanos(first.Add(5 * time.Second)), Troubled: true,
		Debt: debt.Debt{
			ID: debt.NewID(first, 513, 300), Endpoint: 7, Key: "key", Generation: 3, Count: 2, Attempts: 1, Tries: 1,
			Object:     event.Object{Kind: event.Asset, ItemID: event.IntID(5_000_001), BaseID: event.StringID("b")},
			ChangeType: event.AssetChanged, EventType: "AssetMetadataUpdated", EventID: "9b1c", Reason: "exportdeleted",
			ChangeTime: first.Add(-time.Hour), Note: []byte("note"),
			FirstSeen: first, LastSeen: first.Add(time.Second), Since: first, Due: first.Add(6 * time.Second),
			LastAttempt: first.Add(-time.Second), Fields: []string{"title"}, Formats: nil, Channels: []event.ID{event.IntID(42)},
		},
	}
	const golden = "02148a80ece983e986ea3181a8d6b9070181f085da2cffa7d6b90780a8d6b907000201ac0203020101010182ade20405226222010a04396231632fe0e68bb00d06046e6f746501057469746c6500010154"
	record, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeDebt(7, "key", record)
	if err != nil {
		t.Fatalf("%v; it is written as %x", err, encodeDebt(s))
	}
	if diff := cmp.Diff(s, back, sameID); diff != "" {
		t.Errorf("-written +read:\n%s", diff)
	}
}
