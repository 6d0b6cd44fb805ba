package managed

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ options, filter, want string }{
		{`{}`, "", ""},
		{`{"resyncEvery":"24h","guard":0,"ignoreFields":["*Url"]}`, `asset.type == "image"`, ""},
		{`{"ignoreFields":["[a"]}`, "", "ignoreFields: "},
		{`{"resyncEvery":"59s"}`, "", "resyncEvery: "},
		{`{}`, "asset.(", "filter: "},
		{`{"configuration":{"retries":"3"},"configurationSchema":{"properties":{"retries":{"type":"integer"}}}}`, "", "/retries"},
	} {
		r := newRig(t, tt.options)
		r.ep.Subscription.Filter = tt.filter
		err := r.Validate(r.ep)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.options, tt.filter, err, tt.want)
		}
	}
	r := newRig(t, "")
	r.ep.Subscription.ChangeTypes = event.MetafieldChanged
	if err := r.Validate(r.ep); err == nil {
		t.Error("an endpoint that is told nothing is taken")
	}
}

// What the filter goes by must be had from the catalogue too, and is not sent.
func TestHowAssetsAreLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"additionalFields":["keywords"],"language":"da","apiUser":"7"}`)
	r.ep.Subscription.Filter = `meta("colour") == "red" and "x" in meta("keywords")`
	view := r.View(r.ep)
	if view.Language != "da" || view.User != "7" || !slices.Equal(view.Fields, []string{"keywords", "colour"}) {
		t.Errorf("%+v", view)
	}
	if sift := r.SiftView(r.ep); sift.Part != catalogue.Whole || sift.Language != "da" {
		t.Errorf("to be sifted: %+v, and the filter needs the data", sift)
	}
	for _, part := range []struct {
		options    string
		view, sift catalogue.Part
	}{{"", catalogue.Outline, catalogue.Bare}, {`{"additionalFields":["keywords"]}`, catalogue.Whole, catalogue.Bare}} {
		r := newRig(t, part.options)
		if r.View(r.ep).Part != part.view || r.SiftView(r.ep).Part != part.sift {
			t.Errorf("%s: with %+v, and to be sifted %+v", part.options, r.View(r.ep), r.SiftView(r.ep))
		}
		r.ep.Subscription.Filter = `meta("colour") == "red"`
		if r.View(r.ep).Part != catalogue.Whole || r.SiftView(r.ep).Part != catalogue.Whole {
			t.Errorf("%s: the filter needs the data", part.options)
		}
	}
	r.assets["1"] = shows(`{"metadata":{"colour":"red","keywords":["x"]}}`)
	r.owe("AssetCreated", "1", "")
	if got := string(read(t, r.compose().Request.Body).Actions[0].Asset); got != `{"metadata":{"keywords":["x"]}}` {
		t.Error(got)
	}
}

func TestSettingsHoldFromTheNextRequestOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"tenantId":"a"}`)
	r.assets["1"] = shows(`{}`)
	r.owe("AssetCreated", "1", "")
	for _, tenant := range []string{"a", "b", "c"} {
		r.ep.Options["tenantId"] = json.RawMessage(`"` + tenant + `"`)
		r.ep.Updated = r.ep.Updated.Add(time.Nanosecond)
		if got := read(t, r.compose().Request.Body).TenantID; *got != tenant {
			t.Errorf("tenant %q, want %q", *got, tenant)
		}
	}
}

// embedded is a store that holds one asset.
type embedded struct{ catalogue.Asset }

func (e embedded) AssetParts(context.Context, catalogue.Part, []event.ID) ([]catalogue.Asset, error) {
	return []catalogue.Asset{e.Asset}, nil
}

func (e embedded) ListAssetParts(context.Context, catalogue.Part, string, int) ([]catalogue.Asset, string, error) {
	return []catalogue.Asset{e.Asset}, "", nil
}

// An integration is told in its language, and changes of other languages are none.
func TestLanguages(t *testing.T) {
	t.Parallel()
	const data = `{"assetId":1,"metadata":{"title":{"en":"Chair","da":"Stol"},"colour":"red"}}`
	for _, tt := range []struct{ language, want string }{
		{"da", `{"assetId":1,"metadata":{"title":"Stol"}}`},
		{"en", `{"assetId":1,"metadata":{"title":"Chair"}}`},
		{"", `{"assetId":1,"metadata":{"title":{"en":"Chair","da":"Stol"}}}`},
	} {
		r := newRig(t, `{"additionalFields":["title"],"language":"`+tt.language+`"}`)
		shown := catalogue.Asset{ID: id(t, "1"), Data: json.RawMessage(data), Changed: noon}
		r.Style = New(catalogue.NewEmbedded(embedded{shown}), r.memory)
		r.owe("AssetCreated", "1", "")
		if got := string(read(t, r.compose().Request.Body).Actions[0].Asset); got != tt.want {
			t.Errorf("in %q: %s, want %s", tt.language, got, tt.want)
		}
	}
}
