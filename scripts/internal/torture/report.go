package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// report is what a run has found.
type report struct {
	Date      time.Time `json:"date"`
	Commit    string    `json:"commit"`
	Command   string    `json:"command"` // that repeats the run
	Seed      uint64    `json:"seed"`
	Short     bool      `json:"short"`
	Processor string    `json:"processor"`
	Cores     int       `json:"cores"`
	System    string    `json:"system"`
	Go        string    `json:"go"`
	Results   []outcome `json:"results"`
}

func newReport(ctx context.Context, opts options) (*report, error) {
	cmd := exec.CommandContext(ctx, opts.dz, "version", "-o", "json") //nolint:gosec // it is the program to test
	cmd.Env = process.Environment()
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ask dz for its version: %w", err)
	}
	var version api.Version
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("ask dz for its version: %w", err)
	}
	return &report{
		Date: time.Now().UTC().Truncate(time.Second), Commit: version.Commit, Command: opts.command(), Seed: opts.seed, Short: opts.short,
		Processor: processor(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: version.Go,
	}, nil
}

func (r *report) faulty() bool {
	return slices.ContainsFunc(r.Results, func(o outcome) bool { return o.Verdict == failed })
}

// print writes the table, the sums, and what else there is to say.
func (r *report) print(w io.Writer) error {
	form := "long form"
	if r.Short {
		form = "short form"
	}
	fmt.Fprintf(w, "dz %s, %s, %s, seed %d, %d cores, %s, %s\n\n", cmp.Or(r.Commit, "(no commit)"),
		r.Date.Format(time.DateOnly), form, r.Seed, r.Cores, r.System, r.Go)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SCENARIO\tKILLS\tSTOPS\tEVENTS\tENDPOINTS\tOWED\tREQUESTS\tLOST\tSTALE\tOVERLAP\tTWICE\tEARLY\tREPEATED\tUNDER WAY\tAT WORST\tTIME\tVERDICT\t")
	var sum ledger.Counts
	var took time.Duration
	for _, o := range r.Results {
		sum.Add(o.Counts)
		took += o.Took
		printRow(table, o.Scenario, o.Counts, o.Took, o.Verdict)
	}
	printRow(table, "sum", sum, took, "")
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, `
LOST: owed and not delivered in its latest form. STALE: an older change after a newer one. OVERLAP: two requests about
one object at a time. TWICE: one line owed twice. EARLY: before the debounce was over. REPEATED: begun on before a kill
and sent again after it, of an endpoint no more than its concurrency and %d that were answered at most %v before it, or
a little more if the machine is that slow. UNDER WAY: not answered yet at the kills. AT WORST: of one endpoint at one
kill. The answer that was forgotten with a kill and came longest before it came %v before.

`, ledger.Unsettled, ledger.DurableWithin, sum.Oldest.Round(time.Millisecond))
	for _, o := range r.Results {
		for _, note := range o.Notes {
			fmt.Fprintf(w, "%s: %s\n", o.Scenario, note)
		}
	}
	for _, o := range r.Results {
		for _, fault := range o.Faults[:min(len(o.Faults), maxPrinted)] {
			fmt.Fprintf(w, "FAULT %s: %s\n", o.Scenario, fault)
		}
	}
	return nil
}

func printRow(w io.Writer, name string, c ledger.Counts, took time.Duration, verdict string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%.0f s\t%s\t\n", name, c.Kills, c.Stops, c.Events,
		c.Endpoints, c.Owed, c.Requests, c.Lost, c.Stale, c.Overlaps, c.Doubled, c.Early, c.Repeated, c.UnderWay, worst(c),
		took.Seconds(), verdict)
}

// worst says how much the worst kill made an endpoint repeat, and how much it might.
func worst(c ledger.Counts) string {
	if c.Worst.Repeated == 0 {
		return "0"
	}
	return fmt.Sprintf("%d of %d", c.Worst.Repeated, c.Worst.Allowed)
}

// save writes the results as JSON.
func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
