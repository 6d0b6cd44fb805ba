package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// command is what a person types to repeat the run.
func (o options) command() string {
	words := []string{"scripts/torture"}
	if o.short {
		words = append(words, "--short")
	}
	if o.scenarios != "" {
		words = append(words, "--scenario", o.scenarios)
	}
	if o.duration > 0 {
		words = append(words, "--duration", o.duration.String())
	}
	return strings.Join(append(words, "--seed", fmt.Sprint(o.seed)), " ")
}

// processor is the machine's, as Linux calls it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(line, "\t :")
}

// markdown writes the results as a table for a page, with what it takes to check
// them: the date, the commit, the machine and the command.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "`%s` on %s at commit %s; %s, %d cores, %s, %s.\n\n", r.Command, r.Date.Format(time.DateOnly),
		cmp.Or(r.Commit, "(none)"), cmp.Or(r.Processor, "processor unknown"), r.Cores, r.System, r.Go)
	fmt.Fprint(w, "| scenario | what happens | kills | stops | events | owed | requests | lost | stale | at a time | twice | early | repeated | under way | at worst | verdict |\n"+
		"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	var sum ledger.Counts
	for _, o := range r.Results {
		sum.Add(o.Counts)
		verdict := o.Verdict
		if verdict == notRun {
			verdict += ": " + strings.Join(o.Notes, "; ")
		}
		markdownRow(w, o.Scenario, o.What, o.Counts, verdict)
	}
	markdownRow(w, "**sum**", "", sum, "")
}

func markdownRow(w io.Writer, name, what string, c ledger.Counts, verdict string) {
	fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s | %s |\n", name, what, c.Kills, c.Stops,
		c.Events, c.Owed, c.Requests, c.Lost, c.Stale, c.Overlaps, c.Doubled, c.Early, c.Repeated, c.UnderWay, worst(c),
		strings.ReplaceAll(verdict, "|", `\|`))
}

// saveMarkdown writes the results as Markdown.
func (r *report) saveMarkdown(path string) error {
	var text strings.Builder
	r.markdown(&text)
	return os.WriteFile(path, []byte(text.String()), 0o644) //nolint:gosec // it is for others to read
}
