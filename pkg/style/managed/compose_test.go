package managed

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// The id of a batch is the same as long as it tells the same.
func TestTheIDOfABatch(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.assets["1"], r.assets["2"] = shows(`{}`), shows(`{}`)
	r.owe("AssetCreated", "1", "")
	r.owe("AssetCreated", "2", "")
	first, again := r.compose().Request.ID, r.compose().Request.ID
	r.owe("AssetMetadataUpdated", "2", "")
	other := r.compose().Request.ID
	if first != again || first == other || !strings.HasPrefix(first, "msg_") {
		t.Errorf("ids %q, %q and after a change %q", first, again, other)
	}
}

// A later version makes the same ids of what is under way as it takes over.
func TestIDsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.ep.Updated = noon
	r.assets["1"], r.assets["2"] = shows(chair), shows(`{}`)
	r.track("2", tracking.State{Text: "two\n", Given: true})
	r.track("3", tracking.State{Given: true})
	r.owe("AssetCreated", "1", "")
	want := []string{"msg_01M81J18G0000G000000000001_1_5a76413257c20ac1", "msg_abd1de344bb3f30a76aa35a8aa2020c7"}
	got := []string{r.compose().Request.ID}
	r.owe("AssetMetadataUpdated", "2", `,"changedFields":["title"]`)
	r.owe("AssetDeleted", "3", "")
	got = append(got, r.compose().Request.ID)
	if !slices.Equal(got, want) {
		t.Errorf("ids %q, want %q", got, want)
	}
}

// A retry tells what the catalogue shows by then. A receiver that passes over ids which
// it has had must not pass over anything else than what it has had.
func TestARetryHasAnotherIDIfItTellsSomethingElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(r *rig)
		other  bool
	}{
		{"all as it was", func(*rig) {}, false},
		{"another attempt", func(r *rig) { r.debts[0].Attempts, r.debts[0].Unclear = 1, true }, false},
		{"a preview's new signature", func(r *rig) { r.assets["1"] = shows(resign) }, false},
		{"another title", func(r *rig) { r.assets["1"] = shows(retitle) }, true},
		{"gone, and the event comes later", func(r *rig) { r.debts[0].Unclear = true; delete(r.assets, "1") }, true},
		{"out of the filter", func(r *rig) { r.debts[0].Unclear = true; r.assets["1"] = shows(leaves) }, true},
		{"a state", func(r *rig) { r.track("1", tracking.State{Text: "1", Given: true}) }, true},
		{"an empty state", func(r *rig) { r.track("1", tracking.State{Given: true}) }, true},
		{"other settings", func(r *rig) { r.ep.Updated = noon }, true},
		{"a newer change", func(r *rig) { r.owe("AssetMetadataUpdated", "1", `,"changedFields":["title"]`) }, true},
	} {
		for _, batch := range []bool{false, true} {
			r := newRig(t, "")
			r.ep.Subscription.Filter = "inChannel(42)"
			r.assets["1"], r.assets["2"] = shows(before), shows(before)
			r.owe("AssetCreated", "1", "").Forced = true
			if batch {
				r.owe("AssetCreated", "2", "")
			}
			first := r.compose()
			tt.change(r)
			retry := r.compose()
			if first.Request.ID == "" || retry.Request.ID == "" || (first.Request.ID != retry.Request.ID) != tt.other {
				t.Errorf("%s, in a batch %v: id %q and then %q", tt.name, batch, first.Request.ID, retry.Request.ID)
			}
		}
	}
}

// What a request has no room for is still due, and one asset always goes.
func TestARequestIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	large := `{"title":"` + strings.Repeat("x", maxBody*2/5) + `"}`
	for _, asset := range []string{"1", "2", "3"} {
		r.assets[asset] = shows(large)
		r.owe("AssetCreated", asset, "")
	}
	m := r.compose()
	if len(m.Request.Body) > maxBody+1<<10 || len(read(t, m.Request.Body).Actions) != 2 {
		t.Errorf("a body of %d bytes", len(m.Request.Body))
	}
	if m.Apart[0].Verdict != 0 || m.Apart[1].Verdict != 0 || m.Apart[2].Verdict != attempt.Aborted {
		t.Errorf("apart %+v", m.Apart)
	}
	one := newRig(t, "")
	one.assets["1"] = shows(`{"title":"` + strings.Repeat("x", maxBody+1) + `"}`)
	one.owe("AssetCreated", "1", "")
	if m := one.compose(); m.Apart != nil || len(m.Request.Body) <= maxBody {
		t.Errorf("a large asset goes in %d bytes, apart %+v", len(m.Request.Body), m.Apart)
	}
}

// counted is a catalogue that remembers how many assets and bytes it was asked for.
type counted struct {
	assets
	asked, most int
	bytes       int // the largest answer
}

func (c *counted) Look(ctx context.Context, view catalogue.View, ids []event.ID) ([]catalogue.Answer, error) {
	answers, err := c.assets.Look(ctx, view, ids)
	size := 0
	for i := range answers {
		size += len(answers[i].Asset.Data)
	}
	c.asked, c.most, c.bytes = c.asked+len(ids), max(c.most, len(ids)), max(c.bytes, size)
	return answers, err
}

// However many assets are to be told and however large they are, no more is read
// than goes into a request, and no more at a time than a few MiB.
func TestAssetsAreReadInParts(t *testing.T) {
	t.Parallel()
	const size = 480_000
	r := newRig(t, "")
	c := &counted{assets: r.assets}
	r.Style.assets = c
	for asset := range 1000 {
		r.assets[strconv.Itoa(asset)] = shows(`{"title":"` + strings.Repeat("x", size) + `"}`)
		r.owe("AssetCreated", strconv.Itoa(asset), "")
	}
	m := r.compose()
	told := len(read(t, m.Request.Body).Actions)
	if told < maxBody/size-1 || told > maxBody/size {
		t.Errorf("%d assets of %d bytes are told", told, size)
	}
	if c.asked > 2*told+firstPart {
		t.Errorf("%d assets are read, and %d told", c.asked, told)
	}
	aborted := 0
	for _, o := range m.Apart {
		if o.Verdict == attempt.Aborted {
			aborted++
		}
	}
	if aborted != 1000-told {
		t.Errorf("%d are given back, and %d told", aborted, told)
	}
	c.asked, c.bytes = 0, 0
	if r.compose(); c.bytes > partSize || c.asked > told+partSize/size {
		t.Errorf("when their size is known, %d are read, at most %d bytes at a time", c.asked, c.bytes)
	}
}

// Small assets are read together, as many as a request tells.
func TestSmallAssetsAreReadAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	c := &counted{assets: r.assets}
	r.Style.assets = c
	for asset := range 200 {
		r.assets[strconv.Itoa(asset)] = shows(`{"title":"` + strings.Repeat("x", 3000) + `"}`)
		r.owe("AssetCreated", strconv.Itoa(asset), "")
	}
	r.compose()
	if r.compose(); c.most != 200 {
		t.Errorf("at most %d are read at a time", c.most)
	}
}

// An asset that can't be told does not keep the others.
func TestAnAssetThatCantBeReadIsRefusedAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	unread := &catalogue.ReadError{Kind: catalogue.ErrUnreadable, Asset: id(t, "2"), Text: "no JSON"}
	r.assets["1"], r.assets["2"], r.assets["3"] = shows(`{}`), catalogue.Answer{Err: unread}, shows(`[1]`)
	for _, asset := range []string{"1", "2", "3"} {
		r.owe("AssetCreated", asset, "")
	}
	m := r.compose()
	if got := read(t, m.Request.Body).Actions; len(got) != 1 || !bytes.Equal(got[0].AssetID, []byte("1")) {
		t.Errorf("%s", m.Request.Body)
	}
	for i, text := range []string{"", "no JSON", "asset 3: "} {
		if o := m.Apart[i]; text != "" && (o.Verdict != attempt.Refused || o.Reason != attempt.Compose || !strings.Contains(o.Error, text)) {
			t.Errorf("debt %d: %+v", i, o)
		}
	}
}

func TestWhatCantBeReadAtAll(t *testing.T) {
	t.Parallel()
	for _, spoil := range []func(r *rig){
		func(r *rig) { r.ep.Options["apiUser"] = json.RawMessage(`"nobody"`) },
		func(r *rig) { r.memory.err = errDisk },
		func(r *rig) { r.ep.Subscription.Filter = "(" },
	} {
		r := newRig(t, `{}`)
		r.assets["1"] = shows(`{}`)
		r.owe("AssetCreated", "1", "")
		spoil(r)
		if m, err := r.Compose(t.Context(), r.ep, r.debts, told); err == nil {
			t.Errorf("composed %s", m.Request.Body)
		}
	}
}
