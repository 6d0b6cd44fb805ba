package endpoint

import (
	"testing"

	"github.com/dam-delivery/dz/pkg/event"
)

// BenchmarkMatch asks whether an endpoint wants an event, which it does: for its
// lists, or for an expression over the asset.
func BenchmarkMatch(b *testing.B) {
	e := decode(b, "AssetMetadataUpdated", `,"changedFields":["title"],"asset":{"title":"Sea","metadata":{"keywords":"sea, sky"}}`)
	for _, c := range []struct {
		wants string
		sub   Subscription
	}{
		{"lists", Subscription{ChangeTypes: event.AllChanges, Fields: []string{"description", "title"}}},
		{"filter", Subscription{ChangeTypes: event.AllChanges, Filter: `asset.metadata.keywords contains "sky"`}},
	} {
		matcher := compile(b, c.sub)
		b.Run("wants="+c.wants, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if wanted, why := matcher.Match(e); !wanted {
					b.Fatal(why)
				}
			}
		})
	}
}
