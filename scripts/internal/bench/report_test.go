package main

import (
	"strings"
	"testing"

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
	if err := r.print(&out); err != nil {
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
