package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// What becomes of a goal.
const (
	met    = "met"
	missed = "MISSED" // shown, never a failure: it may be the machine
	shown  = "-"      // there is no goal
)

// result is one line of the table.
type result struct {
	Row     string  `json:"row"`
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Beside  string  `json:"beside,omitempty"` // the yardstick, in the same run and unit
	Than    float64 `json:"than,omitempty"`   // what the yardstick measured
	Ratio   float64 `json:"ratio,omitempty"`  // Value / Than
	Goal    string  `json:"goal,omitempty"`
	Verdict string  `json:"verdict"`
	Note    string  `json:"note,omitempty"`
}

// measured makes a result without yardstick and goal.
func measured(row, what string, value float64, unit string) result {
	return result{Row: row, What: what, Value: value, Unit: unit, Verdict: shown}
}

// beside gives a result a yardstick.
func (r result) beside(name string, value float64) result {
	r.Beside, r.Than = name, value
	if value > 0 {
		r.Ratio = r.Value / value
	}
	return r
}

func (r result) atMost(bound float64) result {
	return r.judged(fmt.Sprintf("≤ %s %s", number(bound), r.Unit), r.Value <= bound)
}

func (r result) atLeast(bound float64) result {
	return r.judged(fmt.Sprintf("≥ %s %s", number(bound), r.Unit), r.Value >= bound)
}

func (r result) ratioAtLeast(bound float64) result {
	return r.judged(fmt.Sprintf("ratio ≥ %.1f", bound), r.Ratio >= bound)
}

func (r result) judged(goal string, ok bool) result {
	r.Goal, r.Verdict = goal, missed
	if ok {
		r.Verdict = met
	}
	return r
}

func (r result) noted(format string, args ...any) result {
	r.Note = fmt.Sprintf(format, args...)
	return r
}

// report is what a run has found.
type report struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Short   bool      `json:"short"`
	Machine machine   `json:"machine"`
	Results []result  `json:"results"`
	Wrong   []string  `json:"wrong"` // what must never be, on any machine
}

// machine is what the numbers depend on.
type machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	System    string  `json:"system"`
	Go        string  `json:"go"`
	FlushMS   float64 `json:"flushMs"` // one flush to the disk
}

func (r *report) add(results ...result) { r.Results = append(r.Results, results...) }

func (r *report) wrong(format string, args ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
}

// describe notes when, where and of what the results are.
func (r *report) describe(ctx context.Context, b *bench) error {
	version, err := b.version(ctx)
	if err != nil {
		return err
	}
	flush, err := flushTime(b.dir)
	if err != nil {
		return err
	}
	r.Date, r.Commit = time.Now().UTC().Truncate(time.Second), version.Commit
	if r.Wrong == nil {
		r.Wrong = []string{}
	}
	r.Machine = machine{
		Processor: after("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH + " " + first("/proc/sys/kernel/osrelease"),
		Go:     version.Go, FlushMS: float64(flush.Microseconds()) / 1000,
	}
	return nil
}

// flushTime measures what a commit costs at least: a small write and its flush
// to the disk.
func flushTime(dir string) (took time.Duration, err error) {
	file, err := os.Create(filepath.Join(dir, "flush"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const times = 50
	page := make([]byte, 4<<10)
	begun := time.Now()
	for range times {
		if _, err := file.WriteAt(page, 0); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
	}
	return time.Since(begun) / times, nil
}

// first returns a file's first line, "" if there is none.
func first(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// after returns what follows a name and a colon in a file.
func after(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(line, "\t :")
}

// print writes the table.
func (r *report) print(w io.Writer) error {
	form := "long form"
	if r.Short {
		form = "short form"
	}
	fmt.Fprintf(w, "dz %s, %s, %s\n%s × %d, %s, %s, one flush to disk %s ms\n\n", cmp.Or(r.Commit, "(no commit)"),
		r.Date.Format(time.DateOnly), form, cmp.Or(r.Machine.Processor, "unknown processor"), r.Machine.Cores,
		r.Machine.System, r.Machine.Go, number(r.Machine.FlushMS))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROW\tWHAT\tMEASURED\tBESIDE\tRATIO\tGOAL\tVERDICT\tNOTE")
	for _, l := range r.Results {
		beside, ratio := "", ""
		if l.Beside != "" {
			beside, ratio = number(l.Than)+" "+l.Beside, fmt.Sprintf("%.2f", l.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n",
			l.Row, l.What, number(l.Value), l.Unit, beside, ratio, l.Goal, l.Verdict, l.Note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, wrong := range r.Wrong {
		fmt.Fprintf(w, "\nWRONG: %s\n", wrong)
	}
	return nil
}

// number writes three significant digits, or all of a large whole number.
func number(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int64(v + 0.5))
	case v >= 100 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return trim(fmt.Sprintf("%.1f", v))
	default:
		return trim(fmt.Sprintf("%.2f", v))
	}
}

func trim(digits string) string { return strings.TrimSuffix(strings.TrimRight(digits, "0"), ".") }

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// save writes the report as JSON.
func (r *report) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // it is for others to read
}
