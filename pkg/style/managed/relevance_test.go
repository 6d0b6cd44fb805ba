package managed

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// What a debt comes to, in a word.
const (
	create      = "create"
	updates     = "update"
	deletes     = "delete"
	unchanged   = "skipped: unchanged"
	irrelevant  = "skipped: irrelevant"
	filtered    = "skipped: filter"
	notTracked  = "skipped: not-tracked"
	unavailable = "refused: compose"
)

// becomes says what a message makes of its only debt.
func (r *rig) becomes() string {
	r.Helper()
	m := r.compose()
	if m.Apart != nil {
		return m.Apart[0].Verdict.String() + ": " + string(m.Apart[0].Reason)
	}
	switch a := read(r.TB, m.Request.Body).Actions[0]; {
	case a.Type == "delete":
		return deletes
	case r.memory.tracked[string(a.AssetID)].Syncs == 0:
		return create
	default:
		return updates
	}
}

// Before and after of an asset: what was acknowledged, and what is shown now.
const (
	before  = `{"assetId":1,"title":"a","thumbnailUrl":"https://x/1?sig=a","metadata":{"keywords":["x"],"colour":"red"},"channels":[42]}`
	retitle = `{"assetId":1,"title":"b","thumbnailUrl":"https://x/1?sig=a","metadata":{"keywords":["x"],"colour":"red"},"channels":[42]}`
	rekey   = `{"assetId":1,"title":"a","thumbnailUrl":"https://x/1?sig=a","metadata":{"keywords":["y"],"colour":"red"},"channels":[42]}`
	recolor = `{"assetId":1,"title":"a","thumbnailUrl":"https://x/1?sig=a","metadata":{"keywords":["x"],"colour":"blue"},"channels":[42]}`
	resign  = `{"assetId":1,"title":"a","thumbnailUrl":"https://x/1?sig=b","metadata":{"keywords":["x"],"colour":"red"},"channels":[42]}`
	leaves  = `{"assetId":1,"title":"a","thumbnailUrl":"https://x/1?sig=a","metadata":{"keywords":["x"],"colour":"red"},"channels":[7]}`
	hidden  = ""
)

// change is an event: its type, and more of its data.
type change struct{ typ, more string }

func fields(names ...string) change {
	return change{"AssetMetadataUpdated", `,"changedFields":["` + strings.Join(names, `","`) + `"]`}
}

func published(formats string) change {
	return change{"AssetProfilePublished", `,"formats":[` + formats + `]`}
}

// TestRelevance is the paragraph "Relevance", row by row.
func TestRelevance(t *testing.T) {
	t.Parallel()
	unnamed, created, removed := change{"AssetMetadataUpdated", ""}, change{"AssetCreated", ""}, change{"AssetDeleted", ""}
	many := make([]string, maxNoted+1)
	for i := range many {
		many[i] = fmt.Sprint("internal", i)
	}
	const keywords = `{"additionalFields":["Keywords"]}`
	for _, tt := range []struct {
		name    string
		options string
		filter  string
		tracked bool   // as before
		now     string // what is shown
		changes []change
		want    string
	}{
		{name: "always: another field", options: `{"alwaysTrigger":true}`, tracked: true, now: recolor, changes: []change{fields("colour")}, want: updates},
		{name: "always: nothing differs", options: `{"alwaysTrigger":true}`, tracked: true, now: before, changes: []change{unnamed}, want: updates},
		{name: "not always: another field", options: keywords, tracked: true, now: recolor, changes: []change{fields("colour")}, want: irrelevant},

		{name: "not tracked: new", now: before, changes: []change{created}, want: create},
		{name: "not tracked: whatever the field", now: before, changes: []change{fields("colour")}, want: create},
		{name: "not tracked: whatever the format", now: before, changes: []change{published("1")}, want: create},

		{name: "a standard field", tracked: true, now: retitle, changes: []change{fields("colour", "title")}, want: updates},
		{name: "a standard field, in another case", tracked: true, now: retitle, changes: []change{fields("TITLE")}, want: updates},
		{name: "a standard field that the asset lacks", tracked: true, now: before, changes: []change{fields("description")}, want: updates},
		{name: "a standard field by its guid", tracked: true, now: retitle, changes: []change{fields("5eb3eefc-a043-410f-89b0-29ed3ef37078")}, want: updates},
		{name: "a member of the object", tracked: true, now: leaves, changes: []change{fields("channels")}, want: updates},
		{name: "an additional field", options: keywords, tracked: true, now: rekey, changes: []change{fields("keywords")}, want: updates},
		{name: "a field that is not asked for", tracked: true, now: rekey, changes: []change{fields("keywords")}, want: irrelevant},
		{
			name: "an additional field by another of its names", options: `{"additionalFields":["Keywords"]}`, tracked: true,
			now:     `{"metadata":[{"name":"Keywords","guid":"0d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f","value":"y"},{"name":"colour","guid":"1d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f"}]}`,
			changes: []change{fields("0d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f")}, want: updates,
		},
		{
			name: "another field by another of its names", options: `{"additionalFields":["Keywords"]}`, tracked: true,
			now:     `{"metadata":[{"name":"Keywords","guid":"0d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f","value":"y"},{"name":"colour","guid":"1d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f"}]}`,
			changes: []change{fields("1d9a2a0e-6b1c-4e0e-9c5a-6a1c2b3d4e5f")}, want: irrelevant,
		},

		{name: "no fields named, equal", tracked: true, now: before, changes: []change{unnamed}, want: unchanged},
		{name: "no fields named, other than what is shown", tracked: true, now: recolor, changes: []change{unnamed}, want: unchanged},
		{name: "no fields named, different", tracked: true, now: retitle, changes: []change{unnamed}, want: updates},
		{name: "no fields named, an additional field differs", options: keywords, tracked: true, now: rekey, changes: []change{unnamed}, want: updates},
		{name: "no fields named, the preview's URL differs", tracked: true, now: resign, changes: []change{unnamed}, want: unchanged},
		{name: "no fields named, the preview's URL differs and decides", options: `{"ignoreFields":[""]}`, tracked: true, now: resign, changes: []change{unnamed}, want: updates},
		{name: "no fields named, the preview's URL differs and none is ignored", options: `{"ignoreFields":["none"]}`, tracked: true, now: resign, changes: []change{unnamed}, want: updates},
		{
			name: "no fields named, a member called none differs and none is ignored", options: `{"ignoreFields":["none"]}`, tracked: true,
			now: strings.Replace(before, `{`, `{"none":1,`, 1), changes: []change{unnamed}, want: updates,
		},
		{
			name: "no fields named, a member called none differs and is ignored", options: `{"ignoreFields":["none","*Url"]}`, tracked: true,
			now: strings.Replace(before, `{`, `{"none":1,`, 1), changes: []change{unnamed}, want: unchanged,
		},
		{name: "no fields named, the preview's URL differs and the list is empty", options: `{"ignoreFields":[]}`, tracked: true, now: resign, changes: []change{unnamed}, want: unchanged},
		{name: "the preview's URL, named", tracked: true, now: resign, changes: []change{fields("thumbnailUrl")}, want: irrelevant},
		{name: "a replaced file that differs", tracked: true, now: retitle, changes: []change{{"AssetUploadFinished", ""}}, want: updates},

		{name: "a listed format", options: `{"triggerFormats":[50036,50040]}`, tracked: true, now: before, changes: []change{published("50040")}, want: updates},
		{name: "a listed format, written as text", options: `{"triggerFormats":[50036]}`, tracked: true, now: before, changes: []change{published(`"50036"`)}, want: updates},
		{name: "a format that is not listed", options: `{"triggerFormats":[50036]}`, tracked: true, now: before, changes: []change{published("50040")}, want: irrelevant},
		{name: "no format is listed", tracked: true, now: before, changes: []change{published("50040")}, want: irrelevant},
		{name: "a format that is not known", options: `{"triggerFormats":[50036]}`, tracked: true, now: before, changes: []change{{"AssetProfilePublished", ""}}, want: updates},
		{name: "a format that is not known, and none is listed", tracked: true, now: before, changes: []change{{"AssetProfilePublished", ""}}, want: unchanged},
		{name: "a listed format beside another field", options: `{"triggerFormats":[50036]}`, tracked: true, now: before, changes: []change{{"AssetUploadFinished", `,"changedFields":["colour"],"formats":[50036]`}}, want: updates},

		{name: "in the filter", filter: "inChannel(42)", tracked: true, now: retitle, changes: []change{unnamed}, want: updates},
		{name: "enters the filter", filter: "inChannel(42)", now: before, changes: []change{fields("colour")}, want: create},
		{name: "leaves the filter, tracked", filter: "inChannel(42)", tracked: true, now: leaves, changes: []change{fields("colour")}, want: deletes},
		{name: "leaves the filter, not tracked", filter: "inChannel(42)", now: leaves, changes: []change{unnamed}, want: filtered},
		{name: "the filter goes by what is not shown", filter: `meta("colour") == "red"`, tracked: true, now: recolor, changes: []change{fields("colour")}, want: deletes},
		{name: "the filter can't be applied, tracked", filter: `asset.title > 1`, tracked: true, now: before, changes: []change{unnamed}, want: unavailable},
		{name: "the filter can't be applied, not tracked", filter: `asset.title > 1`, now: before, changes: []change{unnamed}, want: filtered},

		{name: "deleted, tracked", tracked: true, now: hidden, changes: []change{removed}, want: deletes},
		{name: "deleted, not tracked", now: hidden, changes: []change{removed}, want: notTracked},
		{name: "hidden, tracked", tracked: true, now: hidden, changes: []change{fields("colour")}, want: deletes},
		{name: "hidden, not tracked", now: hidden, changes: []change{{"AssetSecurityUpdated", ""}}, want: notTracked},
		{name: "hidden, not tracked, always", options: `{"alwaysTrigger":true}`, now: hidden, changes: []change{unnamed}, want: notTracked},

		{name: "relevant, then irrelevant", options: keywords, tracked: true, now: rekey, changes: []change{fields("keywords"), fields("colour")}, want: updates},
		{name: "irrelevant, then relevant", options: keywords, tracked: true, now: rekey, changes: []change{fields("colour"), fields("keywords")}, want: updates},
		{name: "irrelevant, then irrelevant", options: keywords, tracked: true, now: recolor, changes: []change{fields("colour"), fields("note"), published("1")}, want: irrelevant},
		{name: "irrelevant and unnamed, equal", tracked: true, now: recolor, changes: []change{fields("colour"), unnamed}, want: unchanged},
		{name: "irrelevant and unnamed, different", tracked: true, now: retitle, changes: []change{unnamed, fields("colour")}, want: updates},
		{name: "a format, then a field", options: `{"triggerFormats":[50036]}`, tracked: true, now: before, changes: []change{published("50036"), fields("colour")}, want: updates},
		{name: "too many fields to remember", tracked: true, now: before, changes: []change{fields(many[:100]...), fields(many[100:]...)}, want: updates},
		{name: "as many fields as are remembered", tracked: true, now: before, changes: []change{fields(many[:maxNoted]...)}, want: irrelevant},
		{name: "deleted and back, equal", tracked: true, now: before, changes: []change{removed, created}, want: unchanged},
		{name: "deleted and back, different", tracked: true, now: retitle, changes: []change{removed, created}, want: updates},
		{name: "made and deleted", now: hidden, changes: []change{created, fields("title"), removed}, want: notTracked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, tt.options)
			if tt.tracked {
				r.assets["1"] = shows(before)
				if strings.Contains(tt.now, `"metadata":[`) {
					r.assets["1"] = shows(tt.now)
				}
				r.track("1", tracking.State{Text: "s", Given: true})
			}
			delete(r.assets, "1")
			if tt.now != hidden {
				r.assets["1"] = shows(tt.now)
			}
			r.ep.Subscription.Filter = tt.filter
			for _, c := range tt.changes {
				r.owe(c.typ, "1", c.more)
			}
			if got := r.becomes(); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A person who asks for it gets it, whatever has changed; there must be something
// to tell.
func TestARetryIsToldWhateverHasChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"] = shows(before)
	r.track("1", tracking.State{})
	r.owe("AssetMetadataUpdated", "1", fields("colour").more).Force(told)
	if got := r.becomes(); got != updates {
		t.Error(got)
	}
	delete(r.assets, "1")
	delete(r.memory.tracked, "1")
	if got := r.becomes(); got != notTracked {
		t.Error(got)
	}
}

// What a filter can't judge says why, for those who ask.
func TestASkipSaysWhyTheFilterCouldNotBeApplied(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"] = shows(before)
	r.ep.Subscription.Filter = "asset.title > 1"
	r.owe("AssetCreated", "1", "")
	if o := r.compose().Apart[0]; !strings.Contains(o.Error, ">") || strings.Contains(o.Error, "\n") {
		t.Errorf("%+v", o)
	}
}

// Of an asset that nobody has told anything of there is nothing to compare: each
// change that names no field is told.
func TestAnAssetThatNothingIsKnownOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, filter string
		tracked      bool
		change       change
		want         string
	}{
		{"new", "", false, change{"AssetMetadataUpdated", ""}, create},
		{"tracked", "", true, change{"AssetMetadataUpdated", ""}, updates},
		{"tracked, a standard field", "", true, fields("title"), updates},
		{"tracked, another field", "", true, fields("colour"), irrelevant},
		{"new, with a filter", "inChannel(42)", false, change{"AssetMetadataUpdated", ""}, filtered},
		{"tracked, with a filter", "inChannel(42)", true, change{"AssetMetadataUpdated", ""}, updates},
	} {
		r := newRig(t, "")
		r.assets["1"] = catalogue.Answer{}
		if tt.tracked {
			r.track("1", tracking.State{})
		}
		r.ep.Subscription.Filter = tt.filter
		r.owe(tt.change.typ, "1", tt.change.more)
		if got := r.becomes(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A DAM may tell a change before its API shows it: then it is looked at again, a
// few times, and after that the API is right.
func TestACatalogueThatIsBehindTheEvent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		types    string // of its events
		now      string
		changed  time.Time // of what is shown
		tracked  bool
		attempts int
		want     string
	}{
		{"deleted, and still shown", "AssetDeleted", before, noon, true, 0, unavailable},
		{"deleted, and still shown without a time", "AssetDeleted", before, time.Time{}, true, 0, unavailable},
		{"deleted, and shown for long", "AssetDeleted", before, noon, true, maxLooks, unchanged},
		{"deleted, and made again since", "AssetDeleted", retitle, noon.Add(time.Second), true, 0, updates},
		{"deleted, and shown as gone", "AssetDeleted", hidden, time.Time{}, true, 0, deletes},
		{"made, and not shown yet", "AssetCreated", hidden, time.Time{}, false, 0, unavailable},
		{"made, and not shown for long", "AssetCreated", hidden, time.Time{}, false, maxLooks, notTracked},
		{"uploaded, and not shown yet", "AssetCreated AssetUploadFinished AssetMetadataUpdated", hidden, time.Time{}, false, 0, unavailable},
		{"made and deleted, and not shown", "AssetCreated AssetDeleted", hidden, time.Time{}, false, 0, notTracked},
		{"made, and shown", "AssetCreated", before, noon, false, 0, create},
		{"made, and known to be deleted since", "AssetCreated", hidden, noon.Add(time.Second), false, 0, notTracked},
		{"made again, and not shown", "AssetCreated", hidden, time.Time{}, true, 0, deletes},
		{"changed, and not shown", "AssetMetadataUpdated", hidden, time.Time{}, false, 0, notTracked},
	} {
		r := newRig(t, "")
		if tt.tracked {
			r.assets["1"] = shows(before)
			r.track("1", tracking.State{})
		}
		shown := shows(tt.now)
		if tt.now == hidden {
			shown = catalogue.Answer{Asset: catalogue.Asset{Deleted: true}}
		}
		shown.Asset.Changed = tt.changed
		r.assets["1"] = shown
		for typ := range strings.FieldsSeq(tt.types) {
			r.owe(typ, "1", "").Attempts = tt.attempts
		}
		if got := r.becomes(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The catalogue is not behind where nothing has said that the asset is deleted but a
// synchronisation, nor where a person has released the deletion.
func TestAnAssetThatIsBackIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, vanish := range map[string]func(r *rig){
		"found gone while it was owed": func(r *rig) {
			owed := r.owe("AssetMetadataUpdated", "1", `,"changedFields":["none"]`)
			owed.Merge(r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, noon, false, true), noon)
		},
		"released": func(r *rig) {
			owed := r.owe("AssetDeleted", "1", "")
			owed.Held = true
			owed.Release(told)
		},
	} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		vanish(r)
		if got := r.becomes(); got != unchanged {
			t.Errorf("%s: %s, want %s", name, got, unchanged)
		}
	}
}
