package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// give gives events to the daemon: members after id and source.
func (b *bubble) give(members ...string) {
	b.Helper()
	var events []event.Event
	for _, m := range members {
		e, err := event.Decode(fmt.Appendf(nil, `{"id":"e","source":"/dam",%s}`, m))
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, e)
	}
	if err := b.service().Emit(b.Context(), events, nil); err != nil {
		b.Fatal(err)
	}
}

// knows fails the test if another data is known of an asset, "" for none.
func (b *bubble) knows(id int64, data string, deleted bool) {
	b.Helper()
	assets, err := b.daemon.store.Assets(b.Context(), []event.ID{event.IntID(id)})
	if err != nil || len(assets) != 1 {
		b.Fatalf("of asset %d is known: %v, %v", id, assets, err)
	}
	if got := assets[0]; string(got.Data) != data || got.Deleted != deleted || got.ItemID.IsZero() {
		b.Errorf("of asset %d is known: %+v, data %s; want %s, deleted=%v", id, got, got.Data, data, deleted)
	}
}

func TestWhatEventsTellOfAssetsIsKnownAfterARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.give(
			`"type":"AssetCreated","data":{"itemId":11,"baseId":1,"asset":{"title":"one"}}`,
			`"type":"AssetCreated","data":{"itemId":22,"baseId":2,"asset":{"title":"two"}}`,
			`"type":"AssetMetadataUpdated","data":{"itemId":33,"baseId":3}`,
		)
		b.give(
			`"type":"AssetMetadataUpdated","data":{"itemId":11,"baseId":1,"asset":{"title":"one, anew"}}`,
			`"type":"AssetDeleted","data":{"itemId":22,"baseId":2}`,
		)
		b.stop()
		b.start()
		b.knows(1, `{"title":"one, anew"}`, false)
		b.knows(2, `{"title":"two"}`, true)
		if list, next, err := b.daemon.store.ListAssets(b.Context(), "", 10); err != nil || len(list) != 2 || next != "" {
			b.Errorf("known are %+v, %q, %v; want 2", list, next, err)
		}
	})
}

// Events that do not say when they happened would else seem to be news.
func TestAReplayTellsNothingOfAssets(t *testing.T) {
	inBubble(t, func(b *bubble) {
		begin := time.Now()
		b.give(`"type":"AssetCreated","data":{"itemId":11,"baseId":1,"asset":{"title":"one"}}`)
		b.wait(time.Minute)
		b.give(`"type":"AssetMetadataUpdated","data":{"itemId":11,"baseId":1,"asset":{"title":"one, anew"}}`)
		until := begin.Add(30 * time.Second)
		result, err := b.service().Replay(b.Context(), api.Replay{Since: begin, Until: &until})
		if err != nil || result.Events != 1 {
			b.Fatalf("replayed %+v, %v", result, err)
		}
		b.knows(1, `{"title":"one, anew"}`, false)
	})
}

// plainEvents are events that tell nothing of their assets.
func plainEvents(n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		id := event.IntID(int64(i))
		events[i] = event.Event{
			Type: "AssetMetadataUpdated", Reason: "metadata", ChangeType: event.AssetChanged,
			Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id},
		}
	}
	return events
}

// It counts what the whole process allocates, so nothing runs beside it.
func TestEventsWithoutSnapshotsCostNoMemory(t *testing.T) {
	events := plainEvents(1000)
	if n := testing.AllocsPerRun(10, func() { assetsOf(events, time.Time{}) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkAssetsOf(b *testing.B) {
	events := plainEvents(1000)
	b.ReportAllocs()
	for b.Loop() {
		assetsOf(events, time.Time{})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}
