package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// conclude is how a run with such a report ends.
func conclude(r *report) int {
	return exitCode(r.publish(io.Discard, options{}), io.Discard)
}

func TestAMissedGoalEndsWithZero(t *testing.T) {
	t.Parallel()
	var r report
	r.add(
		measured("tail", "POST", 1, "/s").beside("bare client", 30_000).ratioAtLeast(0.6),
		measured("latency", "p99", 900, "ms").atMost(10),
		measured("idle", "processor", 90, "%").judged("0 %", false),
	)
	for _, l := range r.Results {
		if l.Verdict != missed {
			t.Errorf("%s: verdict %s", l.Row, l.Verdict)
		}
	}
	if code := conclude(&r); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// benchAt is a bench whose receiver is one of this process.
func benchAt(t *testing.T, r *receiver) *bench {
	t.Helper()
	hook, control := httptest.NewServer(http.HandlerFunc(r.hook)), httptest.NewServer(r.control())
	t.Cleanup(hook.Close)
	t.Cleanup(control.Close)
	return &bench{
		sink: &sink{addresses: addresses{Hook: hook.URL, Control: control.URL}},
		tell: func(string, ...any) {},
	}
}

func TestAWrongDeliveryEndsWithOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		items []int // that are delivered, of 3 objects
		want  []string
	}{
		"all once":     {items: []int{0, 1, 2}},
		"lost":         {items: []int{0, 2}, want: []string{"tail: 1 of 3 objects were never delivered"}},
		"repeated":     {items: []int{0, 1, 2, 1}, want: []string{"tail: 1 deliveries were repeated"}},
		"about no one": {items: []int{0, 1, 2, 3}, want: []string{"tail: 1 deliveries were of no object there is"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &receiver{}
			b := benchAt(t, r)
			if err := b.sink.reset(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			for _, item := range c.items {
				send(r, item)
			}
			if err := b.checkTally(t.Context(), "tail", 3); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.report.Wrong); diff != "" {
				t.Errorf("wrong (-want +got):\n%s", diff)
			}
			if code, wrong := conclude(&b.report), len(c.want) > 0; (code == 1) != wrong || (code == 0) == wrong {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestMemoryThatGrowsWithTheBacklogEndsWithOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start start
		want  []string
	}{
		"bounded": {start{debts: 1000, wanted: 1000, ready: maxStarted, later: maxStarted}, nil},
		"at once": {start{debts: 1000, wanted: 1000, ready: 300 << 20}, []string{"300 MiB of memory when ready, more than 100 MiB"}},
		"later":   {start{debts: 1000, wanted: 1000, later: 200 << 20}, []string{"200 MiB of memory later, more than 100 MiB"}},
		"lost":    {start{debts: 999, wanted: 1000}, []string{"999 debts after a restart, not 1000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.start.faults()); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			var r report
			for _, fault := range c.start.faults() {
				r.wrong("start: %s", fault)
			}
			if code := conclude(&r); code != min(1, len(c.want)) {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestASoakWithAFaultEndsWithOne(t *testing.T) {
	t.Parallel()
	whole, lost := survived(), survived()
	lost.tally.Distinct--
	for name, c := range map[string]struct {
		outage outage
		err    error
		code   int
		says   string
	}{
		"none":    {whole, nil, 0, "soak: passed"},
		"lost":    {lost, nil, 1, "FAILED: 1 of 10 objects were never delivered"},
		"never":   {whole, fmt.Errorf("9 events are in the store: %w after 5m0s", process.ErrNotSo), 1, "FAILED: 9 events"},
		"no disk": {whole, errors.New("no space left on device"), 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if code := exitCode(c.outage.judge(&out, c.err), io.Discard); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(out.String(), c.says) {
				t.Errorf("it says %q, want %q in it", out.String(), c.says)
			}
		})
	}
}

func TestWhatNeverComesAboutIsWrongAndTheOtherRowsGoOn(t *testing.T) {
	t.Parallel()
	b := benchAt(t, &receiver{})
	hang := row{"tail", func(*bench, context.Context) error {
		return fmt.Errorf("3 objects have arrived: %w after 5m0s (2 have)", process.ErrNotSo)
	}}
	if err := b.perform(t.Context(), hang); err != nil {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"tail: 3 objects have arrived: not so after 5m0s (2 have)"}, b.report.Wrong); diff != "" {
		t.Errorf("wrong (-want +got):\n%s", diff)
	}
	if code := conclude(&b.report); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestARunWithoutAResultEndsWithTwo(t *testing.T) {
	t.Parallel()
	b := benchAt(t, &receiver{})
	broken := errors.New("no space left on device")
	err := b.perform(t.Context(), row{"tail", func(*bench, context.Context) error { return broken }})
	var said strings.Builder
	if code := exitCode(err, &said); code != 2 || !strings.Contains(said.String(), "no space left") {
		t.Errorf("exit code %d, %q", code, said.String())
	}
	if code := exitCode(flag.ErrHelp, io.Discard); code != 0 {
		t.Errorf("exit code %d of --help", code)
	}
}
