package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersHaveThreeDigitsOrAll(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{
		0: "0", 0.004: "0", 0.126: "0.13", 1: "1", 2.5: "2.5", 23.45: "23.4", 60: "60", 123.4: "123",
		1234.5: "1,235", 60_000: "60,000", 1_000_000: "1,000,000",
	} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		result        result
		goal, verdict string
	}{
		{measured("r", "w", 5, "ms"), "", shown},
		{measured("r", "w", 5, "ms").atMost(5), "≤ 5 ms", met},
		{measured("r", "w", 5.1, "ms").atMost(5), "≤ 5 ms", missed},
		{measured("r", "w", 60_000, "/s").atLeast(60_000), "≥ 60,000 /s", met},
		{measured("r", "w", 59_999, "/s").atLeast(60_000), "≥ 60,000 /s", missed},
		{measured("r", "w", 6, "/s").beside("x", 10).ratioAtLeast(0.6), "ratio ≥ 0.6", met},
		{measured("r", "w", 5, "/s").beside("x", 10).ratioAtLeast(0.6), "ratio ≥ 0.6", missed},
		{measured("r", "w", 5, "/s").beside("x", 0).ratioAtLeast(0.6), "ratio ≥ 0.6", missed},
	} {
		if c.result.Goal != c.goal || c.result.Verdict != c.verdict {
			t.Errorf("%+v: want goal %q, verdict %q", c.result, c.goal, c.verdict)
		}
	}
}

func TestTableShowsYardstickAndWrongResults(t *testing.T) {
	t.Parallel()
	var r report
	r.add(measured("tail", "POST", 12_000, "/s").beside("bare client", 20_000).ratioAtLeast(0.6).noted("%d posts", 7))
	r.wrong("tail: %d lost", 3)
	var out strings.Builder
	if err := r.table(&out); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(out.String(), "\n\n")
	want := `ROW   WHAT  MEASURED   BESIDE              RATIO  GOAL         VERDICT  NOTE
tail  POST  12,000 /s  20,000 bare client  0.60   ratio ≥ 0.6  met      7 posts

WRONG: tail: 3 lost
`
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMarkdownNamesWhatItTakesToCheckIt(t *testing.T) {
	t.Parallel()
	r := report{
		Date: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Commit: "abc1234", Short: true, Command: "scripts/bench --short tail",
		Machine: machine{Processor: "Some CPU", Cores: 2, System: "linux/amd64 6.1", Go: "go1.26.8", FlushMS: 1.5},
	}
	r.add(
		measured("tail", "tail → POST", 12_000, "/s").beside("bare client", 20_000).ratioAtLeast(0.6).noted("7 posts"),
		measured("tail", "  processor time a post", 55, "µs").beside("bare client", 33),
		measured("outage", "  a|b", 3, "").judged("= 4", false),
	)
	r.wrong("tail: %d lost", 3)
	path := filepath.Join(t.TempDir(), "table.md")
	if err := r.publish(io.Discard, options{markdown: path}); !errors.Is(err, errWrong) {
		t.Errorf("error %v", err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "`scripts/bench --short tail` on 2026-11-22 at commit abc1234, short form; " +
		"Some CPU × 2, linux/amd64 6.1, go1.26.8, one flush to disk 1.5 ms." + `

| row | what | measured | beside | ratio | goal | verdict |
|---|---|---:|---:|---:|---|---|
| tail | tail → POST | 12,000 /s | 20,000 bare client | 0.60 | ratio ≥ 0.6 | met |
| outage | a\|b | 3 | | | = 4 | MISSED |

**Wrong:** tail: 3 lost
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCommandIsWhatAPersonTypes(t *testing.T) {
	t.Parallel()
	opts, err := parseBench([]string{"--dz", "built/dz", "--short", "--json", "a.json", "--markdown", "a.md", "tail", "idle"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := opts.command(), "scripts/bench --short tail idle"; got != want {
		t.Errorf("command %q, want %q", got, want)
	}
	for _, args := range [][]string{{"--json", "a", "--dz", "dz"}, {"--dz", "dz", "tail"}, {"--short"}} {
		if _, err := parseSoak(args, io.Discard); err == nil {
			t.Errorf("soak takes %q", args)
		}
	}
}
