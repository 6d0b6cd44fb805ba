package managed

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

func TestTooMany(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		guard, above uint64
		losses       tracking.Losses
		unowed       uint64
		want         bool
	}{
		{"nothing", 20, 50, tracking.Losses{Tracked: 2676}, 0, false},
		{"all", 20, 50, tracking.Losses{Tracked: 2676, Pending: 2676}, 0, true},
		{"exactly 20 %", 20, 50, tracking.Losses{Tracked: 1000, Pending: 200}, 0, false},
		{"one more", 20, 50, tracking.Losses{Tracked: 1000, Pending: 201}, 0, true},
		{"20 %, some of them done", 20, 50, tracking.Losses{Tracked: 900, Recent: 100, Pending: 100}, 0, false},
		{"more, some of them done", 20, 50, tracking.Losses{Tracked: 900, Recent: 100, Pending: 101}, 0, true},
		{"20 %, that nobody owed", 20, 50, tracking.Losses{Tracked: 1000}, 200, false},
		{"more, that nobody owed", 20, 50, tracking.Losses{Tracked: 1000}, 201, true},
		{"of each some", 20, 50, tracking.Losses{Tracked: 900, Recent: 100, Pending: 50}, 51, true},
		{"exactly 50", 20, 50, tracking.Losses{Tracked: 60, Pending: 50}, 0, false},
		{"51", 20, 50, tracking.Losses{Tracked: 60, Pending: 51}, 0, true},
		{"all of a few", 20, 50, tracking.Losses{Tracked: 10, Pending: 10}, 0, false},
		{"all of a few, with a bound of none", 20, 0, tracking.Losses{Tracked: 10, Pending: 10}, 0, true},
		{"one while others are held", 20, 50, tracking.Losses{Tracked: 2676, Pending: 1, Held: 1}, 0, true},
		{"all, the guard off", 0, 50, tracking.Losses{Tracked: 2676, Pending: 2676, Held: 9}, 0, false},
		{"all, at 100 %", 100, 50, tracking.Losses{Tracked: 2676, Pending: 2676}, 0, false},
		{"half, at 50 %", 50, 50, tracking.Losses{Tracked: 200, Pending: 100}, 0, false},
		{"more than half, at 50 %", 50, 50, tracking.Losses{Tracked: 200, Pending: 101}, 0, true},
	} {
		s := settings{guard: tt.guard, above: tt.above}
		if got := s.tooMany(tt.losses, deletions{unowed: tt.unowed}); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// losing tracks assets 1 to n, all of which are hidden, and owes a change of each.
func losing(t *testing.T, n int, typ string) *rig {
	t.Helper()
	r := newRig(t, "{}")
	for i := range n {
		asset := fmt.Sprint(i + 1)
		r.memory.tracked[asset] = tracking.Asset{ID: id(t, asset)}
		r.owe(typ, asset, "")
	}
	r.memory.losses.Tracked = uint64(n)
	return r
}

// heldBy counts what a message holds and tells.
func heldBy(m style.Message, debts int) (held, sent int) {
	for i := range debts {
		switch {
		case m.Apart == nil, m.Apart[i].Verdict == 0:
			sent++
		case m.Apart[i].Verdict == attempt.Held && m.Apart[i].Reason == attempt.TooManyDeletions:
			held++
		}
	}
	return held, sent
}

func TestTheGuardHoldsDeletionsAlone(t *testing.T) {
	t.Parallel()
	r := losing(t, 60, "AssetDeleted")
	r.memory.losses.Pending = 60
	r.assets["61"] = shows(`{}`)
	r.owe("AssetCreated", "61", "")
	if held, sent := heldBy(r.compose(), 61); held != 60 || sent != 1 {
		t.Errorf("%d held and %d sent", held, sent)
	}
	// What a person has released or wants again goes.
	r.debts[0].Held = true
	r.debts[0].Release(told)
	r.debts[1].Force(told)
	m := r.compose()
	if held, sent := heldBy(m, 61); held != 58 || sent != 3 || m.Passage != nil {
		t.Errorf("%d held and %d sent", held, sent)
	}
	for i := range r.debts {
		r.debts[i].WasHeld = true
	}
	r.memory.losses = tracking.Losses{Tracked: 1000}
	m = r.compose()
	if held, sent := heldBy(m, 61); held != 58 || sent != 3 || m.Passage != nil {
		t.Errorf("when they would be few: %d held and %d sent, though nobody has released them", held, sent)
	}
	r.ep.Options["guard"] = json.RawMessage("0")
	r.ep.Updated = told
	if held, sent := heldBy(r.compose(), 61); held != 0 || sent != 61 {
		t.Errorf("without a guard: %d held and %d sent", held, sent)
	}
}

// Deletions that no event has owed count as long as they are under way.
func TestTheGuardCountsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	r := losing(t, 40, "AssetMetadataUpdated")
	r.memory.losses.Tracked = 200
	first := r.compose()
	if held, _ := heldBy(first, 40); held != 0 || first.Passage == nil {
		t.Fatalf("%d of 40 are held", held)
	}
	if held, _ := heldBy(r.compose(), 40); held != 40 {
		t.Errorf("beside 40 under way, %d of 40 are held", held)
	}
	first.Passage.End()
	second := r.compose()
	if held, _ := heldBy(second, 40); held != 0 {
		t.Errorf("after them, %d of 40 are held", held)
	}
	second.Passage.End()
	if len(r.gates.byEndpoint) > 0 {
		t.Errorf("after all has ended, deletions of %d endpoints are under way", len(r.gates.byEndpoint))
	}
}

// Between two counts, what is made durable is in neither, or in both: nobody is
// judged then.
func TestTheGuardWaitsForWhatIsMadeDurable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before int // deletions of a first message and, if they pass, of another that fails
		pass   int // of 20 more, where 40 are allowed
	}{{40, 0}, {20, 20}} {
		synctest.Test(t, func(t *testing.T) {
			r := losing(t, 40, "AssetMetadataUpdated")
			r.memory.losses.Tracked = 200
			all := r.debts
			r.ep.Options["guardAbove"] = json.RawMessage("0")
			r.debts = all[:tt.before]
			first, other := r.compose(), r.compose()
			if first.Passage == nil || (other.Passage == nil) != (tt.before == 40) {
				t.Fatalf("of %d each: %+v and %+v", tt.before, first.Apart, other.Apart)
			}
			if other.Passage != nil {
				other.Passage.Settle()
				other.Passage.Settle() // it is tried again
			}
			first.Passage.Settle()
			r.debts = all[20:]
			judged := make(chan style.Message)
			go func() { judged <- r.compose() }()
			synctest.Wait()
			if other.Passage != nil {
				other.Passage.End()
				synctest.Wait()
			}
			select {
			case <-judged:
				t.Error("it is judged while the first is made durable")
			default:
			}
			r.memory.losses = tracking.Losses{Tracked: uint64(200 - tt.before), Recent: uint64(tt.before)}
			first.Passage.End()
			if held, sent := heldBy(<-judged, 20); sent != tt.pass {
				t.Errorf("beside %d deletions of late, %d are held and %d sent, want %d", tt.before, held, sent, tt.pass)
			}
		})
	}
}

func TestTheGuardNeedsToKnow(t *testing.T) {
	t.Parallel()
	r := losing(t, 1, "AssetDeleted")
	r.Style = New(r.assets, lossless{r.memory})
	if m, err := r.Compose(t.Context(), r.ep, r.debts, told); err == nil {
		t.Errorf("composed %s", m.Request.Body)
	}
}

// A deletion that is under way is one, also if its asset has changed again since: it
// is not owed any more then, nor one of late yet.
func TestTheGuardCountsWhatIsNoLongerOwed(t *testing.T) {
	t.Parallel()
	r := losing(t, 60, "AssetDeleted")
	r.memory.losses = tracking.Losses{Tracked: 300, Pending: 60}
	first := r.compose()
	if held, _ := heldBy(first, 60); held != 0 {
		t.Fatalf("%d of 60 are held, of 300 assets", held)
	}
	r.memory.losses.Pending = 0
	other := losing(t, 61, "AssetMetadataUpdated")
	r.memory.tracked["61"], r.debts = other.memory.tracked["61"], other.debts[60:]
	if held, _ := heldBy(r.compose(), 1); held != 1 {
		t.Error("one more than a fifth passes")
	}
	first.Passage.End() // and they failed
	if held, _ := heldBy(r.compose(), 1); held != 0 {
		t.Error("the only one is held")
	}
}
