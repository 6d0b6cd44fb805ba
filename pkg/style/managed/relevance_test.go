package managed

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/style"
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

// What Judge says goes for synchronisations, which know of no change.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		now     string
		tracked bool
		want    style.Action
	}{
		{"new", before, false, style.Create},
		{"the same", before, true, style.Unchanged},
		{"the same but for a URL", resign, true, style.Unchanged},
		{"another", retitle, true, style.Update},
		{"left out", leaves, true, style.Delete},
		{"left out, and not tracked", leaves, false, style.Nothing},
		{"gone", hidden, true, style.Delete},
		{"gone, and not tracked", hidden, false, style.Nothing},
	} {
		r := newRig(t, "")
		r.ep.Subscription.Filter = "inChannel(42)"
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		var known *tracking.Asset
		if a := r.memory.tracked["1"]; tt.tracked {
			known = &a
		}
		shown := shows(tt.now)
		shown.Asset.Deleted = tt.now == hidden
		got, err := r.Judge(r.ep, shown, known)
		if err != nil || got != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, got, err, tt.want)
		}
	}
	r := newRig(t, "")
	if _, err := r.Judge(r.ep, catalogue.Answer{Err: errDisk}, nil); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// A synchronisation owes what a change would, and merges with changes.
func TestAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		whatever bool
		now      string
		want     string
	}{
		{"all, the same", true, before, updates},
		{"what differs, the same", false, before, unchanged},
		{"what differs, another", false, retitle, updates},
	} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		r.assets["1"] = shows(tt.now)
		again := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, tt.whatever, false)
		d := r.owe("AssetMetadataUpdated", "1", fields("colour").more)
		if d.Key != again.Key || !again.Background {
			t.Fatalf("key %q and %q", d.Key, again.Key)
		}
		d.Merge(again, told)
		if got := r.becomes(); got != tt.want || d.Background {
			t.Errorf("%s: %s, want %s; in the background %v", tt.name, got, tt.want, d.Background)
		}
	}
	r := newRig(t, "")
	if gone := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, false, true); !gone.Event.IsDelete() {
		t.Errorf("%+v is no deletion", gone.Event)
	}
}

// An asset that is gone and was never acknowledged is deleted if the endpoint may
// have been told of it all the same.
func TestAnAssetThatTheEndpointMayHaveBeenTold(t *testing.T) {
	t.Parallel()
	unclear := func(d *debt.Debt) { d.Unclear = true }
	attempted := func(d *debt.Debt) { d.Attempts = maxLooks }
	for _, tt := range []struct {
		name   string
		typ    string
		filter string
		now    string
		change func(*debt.Debt)
		want   string
	}{
		{"never told", "AssetDeleted", "", hidden, nil, notTracked},
		{"tried, and never sent", "AssetDeleted", "", hidden, attempted, notTracked},
		{"sent, and not acknowledged", "AssetDeleted", "", hidden, unclear, deletes},
		{"sent, and hidden since", "AssetMetadataUpdated", "", hidden, unclear, deletes},
		{"sent, and out of the filter since", "AssetMetadataUpdated", "inChannel(42)", leaves, unclear, deletes},
		{"sent, and wanted still", "AssetMetadataUpdated", "inChannel(42)", before, unclear, create},
		{"never told, and out of the filter", "AssetMetadataUpdated", "inChannel(42)", leaves, nil, filtered},
		{"sent, and still shown", "AssetDeleted", "", before, unclear, unavailable},
	} {
		r := newRig(t, "")
		r.ep.Subscription.Filter = tt.filter
		if tt.now != hidden {
			r.assets["1"] = shows(tt.now)
		}
		if d := r.owe(tt.typ, "1", ""); tt.change != nil {
			tt.change(d)
		}
		if got := r.becomes(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What is created is named, so that it can be foretold; what is known to be there, or
// goes, or is not told, is not.
func TestWhatIsCreatedIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for _, asset := range []string{"1", "2", "3", "4"} {
		r.assets[asset] = shows(before)
	}
	r.track("1", tracking.State{})
	r.track("5", tracking.State{})
	r.owe("AssetMetadataUpdated", "1", "").Forced = true
	r.owe("AssetCreated", "2", "")
	r.owe("AssetDeleted", "5", "")
	r.owe("AssetDeleted", "6", "")
	r.owe("AssetMetadataUpdated", "4", "")
	if m := r.compose(); !slices.Equal(m.Creates, []int{1, 4}) {
		t.Errorf("creates %v, apart %v", m.Creates, m.Apart)
	}
}

// It is told to forget what it has, without a state, and that is no loss.
func TestADeletionOfWhatIsNotTracked(t *testing.T) {
	t.Parallel()
	r := newRig(t, `{"guard":1,"guardAbove":0}`)
	r.memory.losses = tracking.Losses{Tracked: 1, Held: 1}
	r.owe("AssetDeleted", "1", "").Unclear = true
	m := r.compose()
	const want = `{"type":"delete","asset":null,"integrationState":null,"assetStateHash":null,"assetId":1}`
	if !strings.Contains(string(m.Request.Body), want) {
		t.Errorf("told %s, want %s", m.Request.Body, want)
	}
	ack := r.answered(200, `{"Items":[{"AssetId":1}]}`).Debts[0].Acknowledged
	if ack == nil || !ack.Delete {
		t.Errorf("acknowledged %+v", ack)
	}
}

// What an event said is told of as that event's, also after a synchronisation: the
// catalogue may lag behind it. That an asset is gone is news, of the same item.
func TestAgainLeavesWhatAnEventSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, typ, now, want, id string }{
		{"deleted, and still shown", "AssetDeleted", before, unavailable, "e"},
		{"changed", "AssetMetadataUpdated", retitle, updates, "e"},
		{"deleted, and not shown any more", "AssetDeleted", hidden, deletes, ""},
	} {
		r := newRig(t, "")
		r.assets["1"] = shows(before)
		r.track("1", tracking.State{})
		if delete(r.assets, "1"); tt.now != hidden {
			r.assets["1"] = shows(tt.now)
		}
		d := r.owe(tt.typ, "5000001", `,"baseId":1`)
		d.Merge(r.Again(r.ep, &catalogue.Asset{ID: id(t, "1")}, told, true, tt.now == hidden), told)
		if got := r.becomes(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if d.Object.ItemID != id(t, "5000001") || d.EventType != tt.typ || d.EventID != tt.id {
			t.Errorf("%s: the debt is of item %s, %s %q", tt.name, d.Object.ItemID, d.EventType, d.EventID)
		}
	}
}

// Without an event, what is owed is of the item that the catalogue shows.
func TestAgainNamesTheItemThatIsShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	again := r.Again(r.ep, &catalogue.Asset{ID: id(t, "1"), ItemID: id(t, "5000001")}, told, true, false)
	if again.Event.Object.ItemID != id(t, "5000001") || again.Event.Object.BaseID != id(t, "1") || again.Key != r.AssetKey(id(t, "1")) {
		t.Errorf("key %q, %+v", again.Key, again.Event.Object)
	}
}
