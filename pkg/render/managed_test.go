package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// sampleManaged is a managed integration that had an accident.
func sampleManaged() (api.Endpoint, *api.EndpointStatus) {
	ep := sampleEndpoints()[0]
	ep.Name, ep.Style, ep.ChangeTypes = "pim", "managed", event.AssetChanged
	ep.Options = map[string]json.RawMessage{
		"ignoreFields":   json.RawMessage(`["` + strings.Repeat(`ignored*","`, 15) + `\u001b[2J"]`),
		"triggerFormats": json.RawMessage(`[50036,"web"]`),
		"guard":          json.RawMessage("20"), "guardAbove": json.RawMessage("7"), "configuration": json.RawMessage(`{"apiKey":"***"}`),
	}
	ep.Defaults, ep.Held = []string{"guard", "ignoreFields"}, 2676
	ep.Skips = map[string]uint64{"filter": 7, "unchanged": 12_000, "irrelevant": 7}
	return ep, &sampleManagedStatus().Endpoints[0]
}

func sampleManagedStatus() api.Status {
	ended := now.Add(-time.Minute)
	return api.Status{Version: "1.2.3", Endpoints: []api.EndpointStatus{
		{
			Name: "pim", Style: "managed", State: "healthy", Debts: 40, Delivered: 72_000, Tracked: 69_202, Skipped: 12_014, Held: 2676,
			Resync: &api.Resync{
				Endpoint: "pim", Number: 3, Changed: true, Phase: api.ResyncDone, Started: now.Add(-time.Hour), Ended: &ended,
				Found: api.ResyncFound{Seen: 69_300, Create: 98, Delete: 2676, Unchanged: 66_526}, Remaining: 40,
			},
		},
		{
			Name: "cms", Style: "managed", State: "healthy",
			Resync: &api.Resync{
				Endpoint: "cms", Number: 1, Phase: api.ResyncListing, Started: now.Add(-time.Second),
				Found: api.ResyncFound{Seen: 1200, Create: 1000, Skipped: 200}, Error: "the catalogue can't be read now: HTTP 503\x1b[2J",
			},
		},
	}}
}

func sampleHeld() api.HeldPage {
	return api.HeldPage{Endpoint: "pim", Held: 2676, Deletions: []api.HeldDeletion{
		{ID: "01KAK7Z3M0000000000000002A", AssetID: event.IntID(16), EventType: "AssetDeleted", FirstSeen: now.Add(-3 * time.Hour), LastSeen: now.Add(-time.Hour)},
		{ID: "01KAK7Z3M0000000000000002B", AssetID: event.StringID("0b1f\x1b[2J"), EventType: "AssetMetadataUpdated", FirstSeen: now, LastSeen: now},
	}}
}

func sampleTracked() []api.TrackedAsset {
	hash := strings.Repeat("0a", 32)
	return []api.TrackedAsset{
		{AssetID: event.IntID(16), StateHash: &hash, First: now.Add(-48 * time.Hour), Synced: now.Add(-time.Minute), Syncs: 12, Attempts: 1013},
		{AssetID: event.StringID("0b1f\x1b[2J"), First: now, Synced: now, Syncs: 1, Attempts: 1},
	}
}

func sampleTrackedDetail() api.TrackedDetail {
	asset, state := sampleTracked()[0], "{\"id\":\"x16\"}\x1b]0;gotcha\x07"
	asset.State = &state
	return api.TrackedDetail{
		AssetID: asset.AssetID, Tracked: &asset,
		Owed: &api.Owed{State: api.ToldHeld, Text: "it is one of too many deletions at a time: 'dz endpoint release pim' sends it"},
	}
}

func sampleTrial() api.FilterTrial {
	return api.FilterTrial{
		Endpoint: "pim", AssetID: event.IntID(16), Title: "Sea\x1b[2J", Filter: `asset.assetType == 4 and meta("keywords") == "sea"`,
		Values: []api.FilterValues{
			{Name: "assetType", Value: json.RawMessage("2")},
			{Name: "keywords", Field: true, Value: json.RawMessage(`"` + strings.Repeat("é", 300) + `"`)},
			{Name: "width"},
		},
	}
}

func TestAStatusCountsHeldDeletions(t *testing.T) {
	for n, want := range map[uint64]string{1: "  1 deletion held\n", 2: "  2 deletions held\n"} {
		var out bytes.Buffer
		status := api.Status{Debts: api.DebtCounts{HeldDeletions: n}}
		if err := (&Printer{Out: &out, Now: now}).Status(status); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v, want %q in:\n%s", err, want, out.String())
		}
	}
}
