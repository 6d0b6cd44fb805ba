package managed

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// What was acknowledged byte for byte has the digest that it had then, whatever that
// was; it is made anew as soon as anything that decides it may differ.
func TestWhatIsSentAgainIsNotDigestedAgain(t *testing.T) {
	t.Parallel()
	const (
		options = `{"additionalFields":["title"],"language":"da"}`
		data    = `{"assetId":1,"metadata":{"title":{"en":"Chair","da":"Stol"}}}`
	)
	acknowledged := tracking.Digest{1: 7}
	for _, tt := range []struct {
		name, options, data string
		forgotten           bool
		want                style.Action
	}{
		{name: "the same", want: style.Unchanged},
		{name: "another field, of another language", data: `{"assetId":1,"metadata":{"title":{"en":"Seat","da":"Stol"}}}`, want: style.Unchanged},
		{name: "other white space", data: data + " ", want: style.Unchanged},
		{name: "another title", data: `{"assetId":1,"metadata":{"title":{"en":"Chair","da":"Bord"}}}`, want: style.Update},
		{name: "other members", data: `{"metadata":{"title":{"en":"Chair","da":"Stol"}},"assetId":1}`, want: style.Update},
		{name: "another language", options: `{"additionalFields":["title"],"language":"en"}`, want: style.Update},
		{name: "another ignored field", options: `{"additionalFields":["title"],"language":"da","ignoreFields":["x"]}`, want: style.Update},
		{name: "another additional field", options: `{"additionalFields":["title","x"],"language":"da"}`, want: style.Update},
		{name: "a record without a print", forgotten: true, want: style.Update},
	} {
		r := newRig(t, options)
		known := &tracking.Asset{Digest: acknowledged, Print: r.judged(data, nil).print}
		if tt.options != "" {
			r.ep.Options = nil
			if err := json.Unmarshal([]byte(tt.options), &r.ep.Options); err != nil {
				t.Fatal(err)
			}
			r.ep.Updated = r.ep.Updated.Add(time.Nanosecond)
		}
		if tt.data == "" {
			tt.data = data
		}
		if tt.forgotten {
			known.Print = 0
		}
		got := r.judged(tt.data, known)
		if got.action != tt.want || (got.digest == acknowledged) != (tt.want == style.Unchanged) {
			t.Errorf("%s: %d with the digest %x, want %d", tt.name, got.action, got.digest, tt.want)
		}
	}
}

// judged is an asset with that data, as the endpoint is shown it.
func (r *rig) judged(data string, known *tracking.Asset) judgement {
	r.Helper()
	set, err := r.settings.of(r.ep)
	if err != nil {
		r.Fatal(err)
	}
	asset := id(r.TB, "1")
	shows := catalogue.NewEmbedded(embedded{catalogue.Asset{ID: asset, Data: json.RawMessage(data), Changed: noon}})
	shown, err := shows.Look(r.Context(), set.view, []event.ID{asset})
	if err != nil {
		r.Fatal(err)
	}
	j, err := set.judge(&shown[0], known)
	if err != nil {
		r.Fatal(err)
	}
	return j
}

// An endpoint that acknowledges an asset, known or not, gets its print kept.
func TestAnAcknowledgementHasThePrint(t *testing.T) {
	t.Parallel()
	for _, tracked := range []bool{false, true} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		if tracked {
			r.track("1", tracking.State{})
		}
		r.assets["1"] = shows(retitle)
		r.owe("AssetMetadataUpdated", "1", "")
		j := r.answered(200, `{"Items":[{"AssetId":1}]}`).Debts[0].Acknowledged
		if want := r.judged(retitle, nil); j == nil || j.Print != want.print || j.Digest != want.digest || j.Print == 0 {
			t.Errorf("tracked %v: %+v, want print %x", tracked, j, want.print)
		}
	}
}
