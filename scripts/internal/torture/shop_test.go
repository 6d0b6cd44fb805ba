package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sync7 and deletion make actions about asset 7. "" is no state.
func sync7(version uint64, state string) action {
	a := action{Type: "sync", ID: 7}
	a.Asset = &struct {
		Version uint64 `json:"version"`
	}{version}
	if state != "" {
		a.State = &state
	}
	return a
}

func deletion(state string) action {
	a := action{Type: "delete", ID: 7}
	if state != "" {
		a.State = &state
	}
	return a
}

func TestWhatAShopFinds(t *testing.T) {
	t.Parallel()
	const (
		first  = `{"id":7,"given":1}`
		second = `{"id":7,"given":2}`
		third  = `{"id":7,"given":3}`
	)
	killed := action{Type: "killed"}
	for _, c := range []struct {
		name string
		do   []action
		want string // fault; "" is none
	}{
		{"states that come back", []action{sync7(1, ""), sync7(2, first), sync7(2, second)}, ""},
		{"a deletion, and a return", []action{sync7(1, ""), deletion(first), sync7(3, "")}, ""},
		{"an answer that was lost with a kill", []action{sync7(1, ""), sync7(2, first), killed, sync7(2, first)}, ""},
		{"an answer that was not lost with a kill", []action{sync7(1, ""), sync7(2, first), killed, sync7(2, second)}, ""},
		{"a creation that was lost with a kill", []action{sync7(1, ""), killed, sync7(1, "")}, ""},
		{"a deletion that was lost with a kill", []action{sync7(1, ""), deletion(first), killed, deletion(first)}, ""},
		{"an answer that was lost without a kill", []action{sync7(1, ""), sync7(2, first), sync7(2, first)}, "comes with the state"},
		{"an answer that was known before the kill", []action{sync7(1, ""), sync7(2, first), sync7(3, second), killed, sync7(3, first)}, "comes with the state"},
		{"one that was lost comes back", []action{sync7(1, ""), killed, sync7(1, ""), killed, sync7(1, first)}, "comes with the state"},
		{"a state that nobody gave", []action{sync7(1, ""), killed, sync7(2, third)}, "comes with the state"},
		{"no state, and one was given", []action{sync7(1, ""), sync7(2, "")}, "comes with the state"},
		{"an older version", []action{sync7(2, ""), sync7(1, first)}, "version 1 came after 2"},
		{"a deletion of what the shop does not have", []action{deletion("")}, "dz was not killed"},
		{"a deletion that may be needed after a kill", []action{killed, deletion("")}, ""},
		{"a deletion that is not needed again", []action{killed, deletion(""), deletion("")}, "dz was not killed"},
		{"a creation that was lost with a kill, and a deletion", []action{sync7(1, ""), killed, deletion("")}, ""},
		{"a creation that was not lost, and a deletion of what dz does not know", []action{sync7(1, ""), deletion("")}, "comes with the state"},
		{"an asset that is deleted", []action{{Type: "delete", ID: 7, Asset: sync7(1, "").Asset}}, "with an asset: true"},
	} {
		s := &shop{assets: make(map[uint64]*shelf)}
		for _, a := range c.do {
			if a == killed {
				s.killed(time.Now())
				continue
			}
			s.take([]action{a}, willing)
		}
		if got := strings.Join(s.told, "; "); (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatAShopHasIsCompared(t *testing.T) {
	t.Parallel()
	s := &shop{assets: make(map[uint64]*shelf)}
	s.take([]action{sync7(3, "")}, willing)
	for name, c := range map[string]struct {
		wanted map[uint64]uint64
		faults int
	}{
		"all":           {map[uint64]uint64{7: 3}, 0},
		"a newer one":   {map[uint64]uint64{7: 4}, 1},
		"one more":      {map[uint64]uint64{7: 3, 8: 1}, 1},
		"one less":      {map[uint64]uint64{}, 1},
		"quite another": {map[uint64]uint64{8: 1}, 2},
	} {
		if got := s.missing(c.wanted); len(got) != c.faults {
			t.Errorf("%s: %q", name, got)
		}
	}
	s.killed(time.Now())
	if got := s.missing(nil); len(got) != 1 {
		t.Errorf("a creation of which the answer was lost: %q", got)
	}
}

func TestWhatAShopIsSentAgainAfterAKillIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		repeated int
		waited   time.Duration // between the answer and the kill
		want     string        // fault; "" is none
	}{
		"as much as may be":             {repeated: 3},
		"more":                          {repeated: 4, want: "kill 2 made dz repeat 4 actions, 3 are allowed"},
		"what was answered long before": {repeated: 1, waited: time.Minute, want: "had been answered 1m0s before it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &shop{assets: make(map[uint64]*shelf)}
				actions := make([]action, c.repeated)
				for i := range actions {
					actions[i] = sync7(1, "")
					actions[i].ID = uint64(i)
				}
				s.killed(time.Now())
				s.take(actions, willing)
				<-time.After(c.waited)
				s.killed(time.Now())
				s.take(actions, willing)
				s.reconcile(3, time.Second)
				if got := strings.Join(s.told, "; "); (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
					t.Errorf("found %q, want %q", got, c.want)
				}
			})
		})
	}
}

// What the shop has taken, and dz was not told, may come again; but only that.
func TestAShopThatFailsMayBeToldAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   mood
		next action
		want string
	}{
		{"that breaks off", breaking, sync7(2, ""), ""},
		{"that leaves an item out", forgetful, sync7(2, ""), ""},
		{"that answers", willing, sync7(2, ""), "comes with the state"},
		{"that breaks off, and is told of a state that it never gave", breaking, sync7(2, "x"), "comes with the state"},
	} {
		s := &shop{assets: make(map[uint64]*shelf), moods: make(map[mood]int)}
		items := s.take([]action{sync7(1, "")}, c.in)
		if answered := len(items) == 1; answered != (c.in == willing) {
			t.Errorf("a shop %s has %d items", c.name, len(items))
		}
		s.take([]action{c.next}, willing)
		if got := strings.Join(s.told, "; "); (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("a shop %s: found %q, want %q", c.name, got, c.want)
		}
	}
}
