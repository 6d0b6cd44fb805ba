package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// scenario is one idea of how to break dz.
type scenario struct {
	name string
	run  func(context.Context, *rig) error
	// long: not part of the short form unless it is asked for by name.
	long bool
}

// scenarios returns all there are. A new one is a file and a line here.
func scenarios() []scenario {
	return []scenario{
		{name: "kill", run: kill},
		{name: "points", run: points},
		{name: "backup", run: backup},
		{name: "restart", run: restart},
		{name: "receivers", run: receivers},
		{name: "sick30", run: sick30},
		{name: "outage", run: outage},
		{name: "full", run: full},
		{name: "readonly", run: readonly},
		{name: "damage", run: damage},
		{name: "change", run: change},
		{name: "endpoints10k", run: endpoints10k},
		{name: "million", run: million, long: true},
		{name: "clock", run: clock},
	}
}

func names() []string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return all
}

// choose returns the scenarios of these names; all, with none.
func choose(list string) ([]scenario, error) {
	if list == "" {
		return scenarios(), nil
	}
	var chosen []scenario
	for _, name := range strings.Split(list, ",") {
		i := slices.Index(names(), name)
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q; there are: %s", name, strings.Join(names(), ", "))
		}
		s := scenarios()[i]
		s.long = false // asked for
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// skipped is why a scenario can't run on this machine.
type skipped struct{ reason string }

func (s skipped) Error() string { return s.reason }

// outcome is what became of a scenario.
type outcome struct {
	Scenario string        `json:"scenario"`
	Verdict  string        `json:"verdict"` // ok, FAILED or skipped
	Took     time.Duration `json:"tookNanoseconds"`
	Counts   ledger.Counts `json:"counts"`
	Notes    []string      `json:"notes"`
	Faults   []string      `json:"faults"`
}

// The verdicts.
const (
	passed     = "ok"
	failed     = "FAILED"
	notRun     = "skipped"
	maxPrinted = 20 // faults
)

// perform runs a scenario in a folder of its own, and ends what it has started.
func perform(ctx context.Context, s scenario, opts options, stderr io.Writer) outcome {
	result := outcome{Scenario: s.name, Verdict: passed, Notes: []string{}, Faults: []string{}}
	if opts.short && s.long {
		result.Verdict, result.Notes = notRun, []string{"not in the short form"}
		return result
	}
	begun := time.Now()
	fmt.Fprintf(stderr, "%s …\n", s.name)
	r, err := newRig(s.name, opts, stderr)
	if err == nil {
		err = errors.Join(s.run(ctx, r), r.close(ctx))
	}
	var reason skipped
	switch {
	case errors.As(err, &reason):
		result.Verdict, result.Notes = notRun, []string{reason.reason}
	case err != nil:
		result.Faults = append(result.Faults, "it broke off: "+err.Error())
	}
	if r != nil {
		counts, faults := r.ledger.Reconcile()
		result.Counts = counts
		result.Notes = append(result.Notes, r.notes...)
		result.Faults = append(result.Faults, r.faults...)
		if result.Verdict != notRun {
			result.Faults = append(result.Faults, faults...)
		}
	}
	if len(result.Faults) > 0 {
		result.Verdict = failed
		for _, fault := range result.Faults[:min(len(result.Faults), maxPrinted)] {
			fmt.Fprintf(stderr, "%s: %s\n", s.name, fault)
		}
	}
	if r != nil {
		r.cleanUp(result.Verdict == failed)
	}
	result.Took = time.Since(begun)
	fmt.Fprintf(stderr, "%s: %s, %.0f s\n", s.name, result.Verdict, result.Took.Seconds())
	return result
}

// chance returns a source of chance that the seed and these names determine, so
// that what one part draws does not depend on how often another did.
func chance(seed uint64, names ...string) *rand.Rand {
	h := fnv.New64a()
	for _, name := range names {
		fmt.Fprintf(h, "%s/", name)
	}
	return rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // it must be repeatable
}

// newFolder makes the folder of a scenario. Its path is short, for a socket's
// path is limited.
func newFolder() (string, error) {
	dir, err := os.MkdirTemp("", "dz-torture-")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}
