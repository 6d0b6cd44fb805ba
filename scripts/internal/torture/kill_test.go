package main

import (
	"testing"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// However few the rounds are, no phase is left out by chance.
func TestEveryPhaseIsDealt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		k := &killing{random: chance(seed, "kill", "killer")}
		dealt := make(map[phase]int)
		for range 4 * len(phases()) {
			dealt[k.deal()]++
		}
		for _, p := range phases() {
			if dealt[p] != 4 {
				t.Fatalf("seed %d: phase %s is dealt %d times of %d", seed, p, dealt[p], 4*len(phases()))
			}
		}
	}
}

// As many rounds as are halted for compare, whatever the seed.
func TestAShareOfTheRoundsCompares(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		k := &killing{random: chance(seed, "kill", "killer"), halts: halts{compare: 8}}
		dealt := 0
		for range 32 {
			if k.dealComparison() {
				dealt++
			}
		}
		if dealt != 4 {
			t.Fatalf("seed %d: %d of 32 rounds compare, want 4", seed, dealt)
		}
	}
}

func TestARunThatComparesNothingBetweenKillsIsFaulty(t *testing.T) {
	t.Parallel()
	k := &killing{rig: newTestRig(t)}
	m := &member{name: "shop", inbox: &inbox{account: k.ledger.Open("shop", ledger.Terms{Concurrency: 1})}}
	k.describeComparison()
	k.wantFault(t, "no endpoint was compared")

	k.faults = nil
	m.inbox.account.Changed(asset)
	k.compare([]*member{m})
	k.describeComparison()
	k.wantFault(t, "")

	if err := k.spool.burst(10); err != nil {
		t.Fatal(err)
	}
	k.compare([]*member{m})
	k.wantFault(t, "dz owes it nothing, and")
	if k.counts.Lost == 0 {
		t.Error("nothing counts as lost")
	}
}
