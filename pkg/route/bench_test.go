package route

import (
	"fmt"
	"testing"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style/notify"
)

// BenchmarkChanges routes a batch of 1,000 events to a number of endpoints, all
// of which want them: for their lists, or for an expression over the asset.
func BenchmarkChanges(b *testing.B) {
	const batch = 1000
	events := make([]event.Event, batch)
	for i := range events {
		e, err := event.Decode(fmt.Appendf(nil, `{"id":"e%d","source":"/dam","type":"AssetMetadataUpdated",`+
			`"data":{"itemId":%d,"changedFields":["title"],"asset":{"title":"Sea","metadata":{"keywords":"sea, sky"}}}}`, i, 5_000_000+i))
		if err != nil {
			b.Fatal(err)
		}
		events[i] = e
	}
	for _, c := range []struct {
		wants     string
		sub       endpoint.Subscription
		endpoints []int
	}{
		{"lists", endpoint.Subscription{ChangeTypes: event.AssetChanged, Fields: []string{"description", "title"}}, []int{1, 10, 100}},
		{"filter", endpoint.Subscription{ChangeTypes: event.AssetChanged, Filter: `asset.metadata.keywords contains "sky"`}, []int{1, 10}},
	} {
		for _, endpoints := range c.endpoints {
			b.Run(fmt.Sprintf("wants=%s/endpoints=%d", c.wants, endpoints), func(b *testing.B) {
				routes := make([]*Route, endpoints)
				for i := range routes {
					ep := endpoint.Endpoint{ID: uint64(i + 1), Name: fmt.Sprintf("ep%d", i), Style: "notify", Subscription: c.sub}
					r, err := New(&ep, notify.Style{}, endpoint.DefaultWindow())
					if err != nil {
						b.Fatal(err)
					}
					routes[i] = r
				}
				table := NewTable(1, routes)
				b.ReportAllocs()
				for b.Loop() {
					if changes := table.Changes(events, 0); len(changes) != batch*endpoints {
						b.Fatalf("%d changes", len(changes))
					}
				}
			})
		}
	}
}
