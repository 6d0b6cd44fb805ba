package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// cell keeps text in its cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// markdown writes the results that have a goal as a table for a page, with what it
// takes to check it: the date, the commit, the machine and the command. What was
// measured beside them, and the notes, are in the other forms.
func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "`%s` on %s at commit %s, %s; %s.\n\n", r.Command, r.Date.Format(time.DateOnly),
		cmp.Or(r.Commit, "(none)"), r.form(), &r.Machine)
	fmt.Fprint(w, "| row | what | measured | beside | ratio | goal | verdict |\n|---|---|---:|---:|---:|---|---|\n")
	for _, l := range r.Results {
		if l.Goal == "" {
			continue
		}
		beside, ratio := l.yardstick()
		for _, text := range []string{l.Row, strings.TrimSpace(l.What), l.measured(), beside, ratio, l.Goal, l.Verdict} {
			fmt.Fprint(w, strings.TrimRight("| "+cell(text), " "), " ")
		}
		fmt.Fprintln(w, "|")
	}
	for _, wrong := range r.Wrong {
		fmt.Fprintf(w, "\n**Wrong:** %s\n", wrong)
	}
}

// saveMarkdown writes the report as Markdown.
func (r *report) saveMarkdown(path string) error {
	var text strings.Builder
	r.markdown(&text)
	return os.WriteFile(path, []byte(text.String()), 0o644) //nolint:gosec // it is for others to read
}
