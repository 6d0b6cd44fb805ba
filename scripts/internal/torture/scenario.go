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
	what string // happens, for a table
	run  func(context.Context, *rig) error
	// long: not part of the short form unless it is asked for by name.
	long bool
}

// scenarios returns all there are. A new one is a file and a line here.
func scenarios() []scenario {
	return []scenario{
		{name: "kill", what: "SIGKILL at random moments of ingest, commit, delivery, settle, endpoint changes, replays, failures seen to, rotation and start", run: kill},
		{name: "points", what: "SIGKILL and SIGSTOP at chosen points between two steps that belong together", run: points},
		{name: "backup", what: "SIGKILL during backups and compactions; a hot backup goes on in another place", run: backup},
		{name: "resync", what: "SIGKILL while a managed integration that fails now and then is synchronised again, and assets change and go", run: resync},
		{name: "restart", what: "SIGTERM under load and with a receiver that hangs; files rotated and compressed during downtimes", run: restart},
		{name: "receivers", what: "receivers that fail in every way there is, beside healthy ones", run: receivers},
		{name: "sick30", what: "30 of 100 endpoints fall sick", run: sick30},
		{name: "outage", what: "a receiver is down for many events about fewer objects, with kills meanwhile", run: outage},
		{name: "full", what: "the store reaches its limit, and its disk is full, with kills meanwhile", run: full},
		{name: "readonly", what: "the disk of the store turns read-only", run: readonly},
		{name: "damage", what: "pages of the store are overwritten, at rest and while it is open", run: damage},
		{name: "change", what: "endpoints are removed and changed with requests under way", run: change},
		{name: "endpoints10k", what: "ten thousand endpoints", run: endpoints10k},
		{name: "million", what: "a receiver is down until it is owed a million objects", run: million, long: true},
		{name: "clock", what: "the clock is set an hour forth and back", run: clock},
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
	What     string        `json:"what"`
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
	result := outcome{Scenario: s.name, What: s.what, Verdict: passed, Notes: []string{}, Faults: []string{}}
	if opts.short && s.long {
		result.Verdict, result.Notes = notRun, []string{"not in the short form"}
		return result
	}
	begun := time.Now()
	fmt.Fprintf(stderr, "%s …\n", s.name)
	r, err := newRig(s.name, opts, stderr)
	if err == nil {
		err = errors.Join(s.run(ctx, r), r.close(ctx), r.searchSecrets())
	}
	var reason skipped
	switch {
	case errors.As(err, &reason):
		result.Verdict, result.Notes = notRun, []string{reason.reason}
	case err != nil:
		result.Faults = append(result.Faults, "it broke off: "+err.Error())
	}
	if r != nil {
		r.judgeMemory()
		counts, faults := r.ledger.Reconcile()
		counts.Add(r.counts)
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
