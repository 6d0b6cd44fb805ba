package daemon

import (
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestAssetsAreFoundByTheirIDs(t *testing.T) {
	inBubble(t, func(b *bubble) {
		ctx := b.Context()
		older, err := b.service().ImportAssets(ctx, []catalogue.Asset{
			{ID: event.IntID(16), ItemID: event.IntID(9588), Data: []byte(`{"title":"sixteen"}`)},
			{ID: event.StringID("7"), Data: []byte(`{"general":{"title":"seven"}}`)},
			{ID: event.StringID("a/b"), Data: []byte(`{}`)},
		})
		if err != nil || older != 0 {
			b.Fatalf("%d older, %v", older, err)
		}
		for id, title := range map[string]string{"16": "sixteen", "7": "seven", `"7"`: "seven", "a/b": ""} {
			a, err := b.service().GetAsset(ctx, id)
			if err != nil || a.Title != title || a.Size != len(a.Data) || a.Size == 0 {
				b.Errorf("%s: %+v, %v", id, a, err)
			}
		}
		_, err = b.service().GetAsset(ctx, "9588") // the item's
		wantCode(b.T, err, api.CodeNotFound)
		_, err = b.service().GetAsset(ctx, `"`)
		wantCode(b.T, err, api.CodeInvalid)

		page, err := b.service().ListAssets(ctx, api.Page{Limit: 2})
		if err != nil || len(page.Assets) != 2 || page.Assets[0].Data != nil || page.Assets[0].Title != "sixteen" || page.Assets[0].Size == 0 {
			b.Fatalf("a page is %+v, %v", page, err)
		}
		page, err = b.service().ListAssets(ctx, api.Page{Limit: 2, Cursor: page.Next})
		if err != nil || len(page.Assets) != 1 || page.Next != "" {
			b.Errorf("the last page is %+v, %v", page, err)
		}
		_, err = b.service().ListAssets(ctx, api.Page{Limit: 2, Cursor: "?"})
		wantCode(b.T, err, api.CodeInvalid)
	})
}
