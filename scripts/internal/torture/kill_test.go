package main

import (
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
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
	k.compare(api.Status{}, []*member{m})
	k.describeComparison()
	k.wantFault(t, "")

	var events []ledger.Event
	for item := range uint64(10) {
		events = append(events, ledger.Event{Key: ledger.Key{Type: asset, Item: item}})
	}
	if err := k.spool.write(events); err != nil {
		t.Fatal(err)
	}
	k.compare(api.Status{Endpoints: []api.EndpointStatus{{Name: "shop", Failures: 10}}}, []*member{m})
	k.wantFault(t, "")
	k.compare(api.Status{Endpoints: []api.EndpointStatus{{Name: "shop", Failures: 7}}}, []*member{m})
	k.wantFault(t, "dz owes it nothing but 7 failures, and 10 objects were not delivered")
	if k.counts.Lost != 3 {
		t.Errorf("%d count as lost, want 3", k.counts.Lost)
	}
}
