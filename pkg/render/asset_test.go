package render

import (
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func sampleAssets() []api.Asset {
	data := json.RawMessage("{\"assetId\":16,\"title\":\"River, <dusk>\",\"rate\":1.50,\"keywords\":[\"a\",\"\u009b31m\"]}")
	return []api.Asset{
		{ID: event.IntID(16), ItemID: event.IntID(9588), Title: "River, <dusk>", Changed: now.Add(-time.Hour), Size: len(data), Data: data},
		{
			ID: event.StringID("vänster/höger"), ItemID: event.IntID(5000001), Deleted: true, Changed: now.Add(-72 * time.Hour), Size: 74_000,
			Title: "The Preaching of Warning. Verso: An Old Man Enthroned\nBetween Two Groups of Figures\x1b[2J",
		},
		{ID: event.IntID(17), Deleted: true, Changed: now.Add(-2 * time.Minute)},
	}
}
