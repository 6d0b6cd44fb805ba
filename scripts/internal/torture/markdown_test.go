package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

func TestTheTableSaysWhatHappenedAndHowToRepeatIt(t *testing.T) {
	t.Parallel()
	opts := options{short: true, scenarios: "kill,clock", seed: 7}
	r := report{
		Date: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), Commit: "abc1234", Command: opts.command(),
		Processor: "A Processor", Cores: 2, System: "linux/amd64", Go: "go1.26",
		Results: []outcome{
			{Scenario: "kill", What: "killed", Verdict: passed, Counts: ledger.Counts{Kills: 40, Events: 1000, Owed: 500, Requests: 900, Repeated: 3, UnderWay: 5, Worst: ledger.Worst{Endpoint: "e", End: 7, Repeated: 2, Allowed: 80}}},
			{Scenario: "clock", What: "set", Verdict: notRun, Notes: []string{"no | clock"}},
		},
	}
	var text strings.Builder
	r.markdown(&text)
	for _, want := range []string{
		"`scripts/torture --short --scenario kill,clock --seed 7` on 2026-11-21 at commit abc1234; A Processor, 2 cores, linux/amd64, go1.26.\n",
		"| kill | killed | 40 | 0 | 1000 | 500 | 900 | 0 | 0 | 0 | 0 | 0 | 3 | 5 | 2 of 80 | ok |\n",
		"| clock | set | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | skipped: no \\| clock |\n",
		"| **sum** |  | 40 | 0 | 1000 | 500 | 900 | 0 | 0 | 0 | 0 | 0 | 3 | 5 | 2 of 80 |  |\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	columns := strings.Count(strings.Split(text.String(), "\n")[2], "|")
	for _, line := range strings.Split(strings.TrimSpace(text.String()), "\n")[2:] {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != columns {
			t.Errorf("%d columns, not %d: %s", n-1, columns-1, line)
		}
	}
}

func TestScenariosSayWhatTheyDo(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, s := range scenarios() {
		if s.what == "" || strings.Contains(s.what, "|") || seen[s.name] {
			t.Errorf("scenario %s: %q", s.name, s.what)
		}
		seen[s.name] = true
	}
	if _, err := choose("kill,nothing"); err == nil {
		t.Error("a scenario that there is not is chosen")
	}
}
