package main

import "testing"

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
