package main

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// form is which numbers the run had.
func (r *report) form() string {
	if r.Short {
		return "short form"
	}
	return "long form"
}

// measured is the value with its unit.
func (r *result) measured() string {
	if r.Unit == "" {
		return number(r.Value)
	}
	return number(r.Value) + " " + r.Unit
}

// yardstick is what the result is compared with, and how it compares.
func (r *result) yardstick() (beside, ratio string) {
	if r.Beside == "" {
		return "", ""
	}
	return number(r.Than) + " " + r.Beside, fmt.Sprintf("%.2f", r.Ratio)
}

// String is the machine in one line.
func (m *machine) String() string {
	return fmt.Sprintf("%s × %d, %s, %s, one flush to disk %s ms",
		cmp.Or(m.Processor, "unknown processor"), m.Cores, m.System, m.Go, number(m.FlushMS))
}

// table writes the report as a table for a terminal.
func (r *report) table(w io.Writer) error {
	fmt.Fprintf(w, "dz %s, %s, %s\n%s\n\n", cmp.Or(r.Commit, "(no commit)"), r.Date.Format(time.DateOnly), r.form(), &r.Machine)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROW\tWHAT\tMEASURED\tBESIDE\tRATIO\tGOAL\tVERDICT\tNOTE")
	for _, l := range r.Results {
		beside, ratio := l.yardstick()
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			l.Row, l.What, l.measured(), beside, ratio, l.Goal, l.Verdict, l.Note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, wrong := range r.Wrong {
		fmt.Fprintf(w, "\nWRONG: %s\n", wrong)
	}
	return nil
}
