package managed

import (
	"slices"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// An asset that is gone and was never acknowledged is deleted if the endpoint may
// have been told of it all the same.
func TestAnAssetThatTheEndpointMayHaveBeenTold(t *testing.T) {
	t.Parallel()
	unclear := func(d *debt.Debt) { d.Unclear = true }
	restored := func(d *debt.Debt) { d.Restored = true }
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
		{"from before a restore", "AssetDeleted", "", hidden, restored, deletes},
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

// It is told to forget what it has, without a state.
func TestADeletionOfWhatIsNotTracked(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
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

// What the endpoint may have been told, it may lose. After a restore that may be
// anything, most of which it never had: that is no loss.
func TestTheGuardCountsWhatTheEndpointMayHaveBeenTold(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"AssetDeleted", "AssetMetadataUpdated"} {
		r := losing(t, 60, typ)
		r.memory.tracked = nil
		r.memory.losses.Tracked = 200
		for i := range r.debts {
			r.debts[i].Unclear = true
		}
		if held, sent := heldBy(r.compose(), 60); held != 60 {
			t.Errorf("%s, unclear: %d held and %d sent", typ, held, sent)
		}
		for i := range r.debts {
			r.debts[i].Restored = true
		}
		if held, sent := heldBy(r.compose(), 60); sent != 60 {
			t.Errorf("%s, restored: %d held and %d sent", typ, held, sent)
		}
		for i := range r.debts {
			r.debts[i].WasHeld = true
		}
		if held, sent := heldBy(r.compose(), 60); held != 60 {
			t.Errorf("%s, held before the restore: %d held and %d sent", typ, held, sent)
		}
	}
}
