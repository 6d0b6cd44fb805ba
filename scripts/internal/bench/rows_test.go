package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestChooseKeepsTheOrderAndRefusesWhatThereIsNot(t *testing.T) {
	t.Parallel()
	rows, err := choose([]string{"idle", "tail"})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[0].name != "tail" || rows[1].name != "idle" {
		t.Errorf("rows %v, want tail and idle", rows)
	}
	if _, err := choose([]string{"tails"}); err == nil || !strings.Contains(err.Error(), `"tails"`) {
		t.Errorf("error %v, want one that names the row", err)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for _, c := range []struct {
		sorted []float64
		share  float64
		want   float64
	}{
		{nil, 0.99, 0},
		{[]float64{7}, 0.5, 7},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{[]float64{1, 2, 3}, 0.99, 3},
	} {
		if got := quantile(c.sorted, c.share); got != c.want {
			t.Errorf("quantile(%d values, %v) = %v, want %v", len(c.sorted), c.share, got, c.want)
		}
	}
}

func TestARequestBeforeItsDebounceIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		delays []float64
		want   string
	}{
		{nil, ""},
		{[]float64{0, 1.5, 9}, ""},
		{[]float64{-998.2, -997, -0.1, 4}, "3 requests began up to 998 ms too early, at a debounce of 1s"},
	} {
		if got := early(c.delays, time.Second); got != c.want {
			t.Errorf("%v: %q, want %q", c.delays, got, c.want)
		}
	}
}

func TestFaultsOfIngesting(t *testing.T) {
	t.Parallel()
	in := intake{events: 100, objects: 10}
	for name, c := range map[string]struct {
		ingested, rejected, waiting uint64
		want                        []string
	}{
		"none":     {100, 0, 20, nil},
		"twice":    {101, 0, 20, []string{"101 events taken in and 0 lines rejected, of 100 events"}},
		"rejected": {99, 1, 20, []string{"99 events taken in and 1 lines rejected, of 100 events"}},
		"lost":     {100, 0, 19, []string{"19 debts of 10 objects at 2 endpoints, not 20"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var status api.Status
			status.Events.Ingested, status.Events.Rejected, status.Debts.Waiting = c.ingested, c.rejected, c.waiting
			if diff := cmp.Diff(c.want, in.faults(status, 2)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// survived is an outage without faults.
func survived() outage {
	return outage{
		size:  outageSize{events: 100, objects: 10, maxFile: 1e6, maxPeak: 1 << 20},
		debts: 10, file: 1e6, peak: 1 << 20, down: 10 * time.Second,
		whenDown: tally{Refused: 12, Probes: 3, Abreast: 1},
		tally:    tally{Delivered: 10, Distinct: 10},
	}
}

func TestFaultsOfAnOutage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*outage)
		want  []string
	}{
		"none":               {func(*outage) {}, nil},
		"a debt too many":    {func(o *outage) { o.debts++ }, []string{"11 debts while the receiver was down, not 10"}},
		"lost":               {func(o *outage) { o.tally.Distinct-- }, []string{"1 of 10 objects were never delivered"}},
		"repeated":           {func(o *outage) { o.tally.Repeated = 2 }, []string{"2 deliveries were repeated"}},
		"of nothing":         {func(o *outage) { o.tally.Strange = 1 }, []string{"1 deliveries were of no object there is"}},
		"left":               {func(o *outage) { o.left = 4 }, []string{"4 debts and failures were left"}},
		"two probes":         {func(o *outage) { o.whenDown.Abreast = 2 }, []string{"2 probes of the sick receiver at a time"}},
		"a probe for a debt": {func(o *outage) { o.whenDown.Probes = 100 }, []string{"100 probes of the sick receiver in 10 s"}},
		"the file":           {func(o *outage) { o.file = 2e6 }, []string{"the store's file has 2.0 MB, more than 1 MB"}},
		"memory":             {func(o *outage) { o.peak = 2 << 20 }, []string{"2 MiB of memory at most, more than 1 MiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := survived()
			c.spoil(&o)
			if diff := cmp.Diff(c.want, o.faults()); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
