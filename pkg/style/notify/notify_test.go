package notify

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

func endpointWith(idName string) *endpoint.Endpoint {
	ep := &endpoint.Endpoint{Name: "shop", Style: Name, URL: "https://shop.example/"}
	if idName != "" {
		ep.Options = map[string]json.RawMessage{"idName": json.RawMessage(`"` + idName + `"`)}
	}
	return ep
}

func debtOf(changeType event.ChangeType, kind event.Kind, itemID, baseID event.ID) debt.Debt {
	return debt.Debt{
		ID:         debt.NewID(time.Unix(1_795_255_200, 0), 1, 2),
		ChangeType: changeType, Object: event.Object{Kind: kind, ItemID: itemID, BaseID: baseID}, Generation: 3,
	}
}

// The bodies are those of Digizuite's documentation, byte for byte.
func TestBodies(t *testing.T) {
	t.Parallel()
	item, base := event.IntID(9588), event.IntID(16)
	for _, c := range []struct {
		idName     string
		changeType event.ChangeType
		kind       event.Kind
		itemID     event.ID
		baseID     event.ID
		want       string
	}{
		{"", event.AssetChanged, event.Asset, item, base, `{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"", event.MetafieldChanged, event.Metafield, item, base, `{"ChangeType":2,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"", event.TreeValueChanged, event.TreeValue, item, base, `{"ChangeType":4,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"", event.ComboValueChanged, event.ComboValue, item, base, `{"ChangeType":8,"Data":{"ItemId":9588,"BaseId":16}}`},

		{"base", event.AssetChanged, event.Asset, item, base, `{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"base", event.MetafieldChanged, event.Metafield, item, base, `{"ChangeType":2,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"base", event.TreeValueChanged, event.TreeValue, item, base, `{"ChangeType":4,"Data":{"ItemId":9588,"BaseId":16}}`},
		{"base", event.ComboValueChanged, event.ComboValue, item, base, `{"ChangeType":8,"Data":{"ItemId":9588,"BaseId":16}}`},

		{"specific", event.AssetChanged, event.Asset, item, base, `{"ChangeType":1,"Data":{"ItemId":9588,"AssetId":16}}`},
		{"specific", event.MetafieldChanged, event.Metafield, item, base, `{"ChangeType":2,"Data":{"ItemId":9588,"MetafieldId":16}}`},
		{"specific", event.TreeValueChanged, event.TreeValue, item, base, `{"ChangeType":4,"Data":{"ItemId":9588,"TreeValueId":16}}`},
		{"specific", event.ComboValueChanged, event.ComboValue, item, base, `{"ChangeType":8,"Data":{"ItemId":9588,"ComboValueId":16}}`},

		// An option that is spelled in another way.
		{`\u0073pecific`, event.AssetChanged, event.Asset, item, base, `{"ChangeType":1,"Data":{"ItemId":9588,"AssetId":16}}`},
		{`\u0062ase`, event.AssetChanged, event.Asset, item, base, `{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`},

		// Ids go out as they came in.
		{
			"specific", event.AssetChanged, event.Asset, event.StringID("9588"), event.StringID("a-1"),
			`{"ChangeType":1,"Data":{"ItemId":"9588","AssetId":"a-1"}}`,
		},
		{
			"base", event.ComboValueChanged, event.ComboValue, event.StringID(`say "hi" \ <b>&`), event.StringID("Å/日本"),
			`{"ChangeType":8,"Data":{"ItemId":"say \"hi\" \\ <b>&","BaseId":"Å/日本"}}`,
		},
		{"base", event.AssetChanged, event.Asset, event.IntID(-7), event.IntID(9223372036854775807), `{"ChangeType":1,"Data":{"ItemId":-7,"BaseId":9223372036854775807}}`},
	} {
		d := debtOf(c.changeType, c.kind, c.itemID, c.baseID)
		got, err := Style{}.Compose(t.Context(), endpointWith(c.idName), []debt.Debt{d}, time.Now())
		if err != nil {
			t.Errorf("%s: %v", c.want, err)
			continue
		}
		want := attempt.Request{ID: d.MessageID(), ContentType: "application/json", Body: []byte(c.want)}
		if diff := cmp.Diff(want, got.Request, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("idName %q (-want +got):\n%s", c.idName, diff)
		}
	}
}

func TestAnIDOfTheDAMsOwnSpellingIsNotRewritten(t *testing.T) {
	t.Parallel()
	line := `{"id":"1","source":"s","type":"AssetCreated","data":{"itemId":123456789012345678901234567890,"baseId":"x/y"}}`
	e, err := event.Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	d := debtOf(e.ChangeType, e.Object.Kind, e.Object.ItemID, e.Object.BaseID)
	got, err := Style{}.Compose(t.Context(), endpointWith(""), []debt.Debt{d}, time.Now())
	want := `{"ChangeType":1,"Data":{"ItemId":123456789012345678901234567890,"BaseId":"x/y"}}`
	if err != nil || string(got.Request.Body) != want {
		t.Errorf("%s, %v; want %s", got.Request.Body, err, want)
	}
}

func TestComposeTakesOneDebt(t *testing.T) {
	t.Parallel()
	d := debtOf(event.AssetChanged, event.Asset, event.IntID(1), event.IntID(1))
	for _, debts := range [][]debt.Debt{nil, {d, d}} {
		if _, err := (Style{}).Compose(t.Context(), endpointWith(""), debts, time.Now()); err == nil {
			t.Errorf("%d debts made a request", len(debts))
		}
	}
	if limits := (Style{}).Limits(endpointWith("")); limits.Batch != 1 || limits.Answer != 64<<10 || limits.Timeout != 30*time.Second {
		t.Errorf("limits %+v", limits)
	}
}

func TestEveryBodyIsJSONThatHoldsTheIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		item := rapid.StringN(1, 100, 300).Draw(rt, "item")
		base := rapid.Int64().Draw(rt, "base")
		d := debtOf(event.AssetChanged, event.Asset, event.StringID(item), event.IntID(base))
		got, err := Style{}.Compose(t.Context(), endpointWith(""), []debt.Debt{d}, time.Now())
		if err != nil {
			rt.Fatal(err)
		}
		var read struct {
			Data struct {
				ItemId string //nolint:revive // as the DAM spells it
				BaseId int64  //nolint:revive // as the DAM spells it
			}
		}
		if err := json.Unmarshal(got.Request.Body, &read); err != nil || read.Data.ItemId != item || read.Data.BaseId != base {
			rt.Fatalf("%s: %+v, %v", got.Request.Body, read, err)
		}
	})
}

func TestKeysMergeByChangeTypeAndItem(t *testing.T) {
	t.Parallel()
	key := func(typeName, data string) debt.Key {
		t.Helper()
		e, err := event.Decode([]byte(`{"id":"1","source":"s","type":"` + typeName + `","data":{` + data + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		k, note, ok := Style{}.Key(&e)
		if !ok || note != nil || k == "" {
			t.Fatalf("%s: key %q, note %q, %v", typeName, k, note, ok)
		}
		return k
	}
	asset := key("AssetCreated", `"itemId":5`)
	for _, same := range []debt.Key{key("AssetDeleted", `"itemId":5`), key("thumb", `"itemId":5,"baseId":9`)} {
		if same != asset {
			t.Errorf("%q and %q are of one change type and item", same, asset)
		}
	}
	seen := map[debt.Key]bool{asset: true}
	for _, other := range []debt.Key{
		key("AssetCreated", `"itemId":"5"`), key("AssetCreated", `"itemId":6`), key("MetafieldCreated", `"itemId":5`),
		key("TreeValueCreated", `"itemId":5`), key("ComboValueCreated", `"itemId":5`), key("MetafieldCreated", `"itemId":6`),
	} {
		if seen[other] {
			t.Errorf("%q is the key of two things", other)
		}
		seen[other] = true
	}
}

func TestASampleIsMarkedAndMeansNothing(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_255_200, 5)
	for idName, body := range map[string]string{
		"base":     `{"ChangeType":1,"Data":{"ItemId":0,"BaseId":0}}`,
		"specific": `{"ChangeType":1,"Data":{"ItemId":0,"AssetId":0}}`,
	} {
		got, err := Style{}.Sample(endpointWith(idName), now)
		if err != nil {
			t.Fatal(err)
		}
		want := attempt.Request{
			ID: "msg_test_1795255200000000005", ContentType: "application/json", Body: []byte(body),
			Header: http.Header{"Dz-Test": {"1"}},
		}
		if diff := cmp.Diff(want, got.Request); diff != "" {
			t.Errorf("%s (-want +got):\n%s", idName, diff)
		}
	}
}
