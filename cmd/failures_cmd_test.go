package cmd

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func failures(n int) []api.Failure {
	list := make([]api.Failure, n)
	for i := range list {
		list[i] = api.Failure{
			ID: fmt.Sprintf("01KAK7Z3M00000000000000%03d", i), Endpoint: "shop", State: "failed",
			Object: api.Object{Kind: event.Asset, ItemID: event.IntID(int64(i)), BaseID: event.IntID(int64(i))},
		}
	}
	return list
}

func TestSelectionsAreAskedForAsTyped(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /failures": api.FailurePage{Failures: failures(1)}})
	d.run(t, "", nil, "failures", "list", "--endpoint", "shop", "--object", "asset/16", "--reason", "timeout,tls", "--reason", "dns",
		"--status", "500", "--status", "503", "--since", "2h", "--until", "2026-11-21T09:30:00Z", "--retrying").
		wants(t, ExitDone, "asset/0", "")
	line := d.lines()[0]
	query, err := url.ParseQuery(line[strings.Index(line, "?")+1:])
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"endpoint": {"shop"}, "object": {"asset/16"}, "reason": {"timeout", "tls", "dns"}, "status": {"500", "503"},
		"since": {"2026-11-21T08:00:00Z"}, "until": {"2026-11-21T09:30:00Z"}, "retrying": {"true"}, "limit": {"101"},
	}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestAListSaysWhenThereIsMore(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /failures?limit=3":                api.FailurePage{Failures: failures(3), Next: "n"},
		"GET /failures?cursor=n&limit=3":       api.FailurePage{Failures: failures(1)},
		"GET /failures?limit=1000":             api.FailurePage{Failures: failures(3), Next: "n"},
		"GET /failures?cursor=n&limit=1000":    api.FailurePage{Failures: failures(1)},
		"GET /failures?endpoint=shop&limit=4":  api.FailurePage{Failures: failures(3)},
		"GET /failures?endpoint=other&limit=4": api.FailurePage{},
	})
	got := d.run(t, "", nil, "failures", "list", "--limit", "2", "-o", "name")
	got.wants(t, ExitDone, "01KAK7Z3M00000000000000001\n", "there are more than 2: --limit 0 shows them all")
	if n := strings.Count(got.stdout, "\n"); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
	got = d.run(t, "", nil, "failures", "ls", "--limit", "0", "-o", "name")
	got.wants(t, ExitDone, "01KAK7Z3M00000000000000002\n", "")
	if n := strings.Count(got.stdout, "\n"); n != 4 {
		t.Errorf("%d lines, want 4", n)
	}
	d.run(t, "", nil, "failures", "list", "--limit", "3", "--endpoint", "shop").wants(t, ExitDone, "asset/2", "")
	d.run(t, "", nil, "failures", "list", "--limit", "-1").wants(t, ExitUsage, "", "--limit: -1 is negative")
}

func TestAnEmptyListSaysWhatIsBeingRetried(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /failures": api.FailurePage{Failures: []api.Failure{}},
		"GET /status": api.Status{
			Debts:     api.DebtCounts{Retrying: 12},
			Endpoints: []api.EndpointStatus{{Name: "shop", Retrying: 1}, {Name: "calm"}},
		},
	})
	d.run(t, "", nil, "failures", "list").wants(t, ExitDone, "", "no failures; 12 debts are being retried: --retrying shows them")
	d.run(t, "", nil, "failures", "list", "--endpoint", "shop").wants(t, ExitDone, "", "no failures; 1 debt is being retried: --retrying shows it\n")
	d.run(t, "", nil, "failures", "list", "--endpoint", "calm").wants(t, ExitDone, "", "no failures\n")
	d.run(t, "", nil, "failures", "list", "-o", "json").wants(t, ExitDone, "[]\n", "")
}

// What is retried by itself fails too, and may have been meant.
func TestWhoSelectsNoFailuresIsToldWhatIsBeingRetried(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"POST /failures/retry": api.FailureResult{}, "POST /failures/purge": api.FailureResult{},
		"GET /status": api.Status{Debts: api.DebtCounts{Retrying: 7}, Endpoints: []api.EndpointStatus{{Name: "shop-1", Group: "shop", Retrying: 1}}},
	})
	const purges = "7 debts are being retried: --retrying purges them\n"
	d.run(t, "", nil, "failures", "retry", "--endpoint", "shop").wants(t, ExitDone, "0 failures retried\n", "1 debt is being retried: --retrying sends it\n")
	d.run(t, "", nil, "failures", "purge", "--all", "--yes").wants(t, ExitDone, "0 failures purged\n", purges)
	d.run(t, "", nil, "failures", "purge", "--all", "--dry-run").wants(t, ExitDone, "0 failures ", purges)
	d.run(t, "", nil, "failures", "purge", "--all", "--yes", "--retrying").wants(t, ExitDone, "0 failures purged\n", "")
}

func TestATryThatIsDueWaitsForASickEndpoint(t *testing.T) {
	t.Parallel()
	due, later := now.Add(-time.Hour), now.Add(time.Hour)
	failure := api.Failure{ID: "01KAK7Z3M0000000000000002A", Endpoint: "shop", State: "retrying", NextAttempt: &due}
	d := newFakeDaemon(t, map[string]any{
		"GET /failures": api.FailurePage{Failures: []api.Failure{failure}},
		"GET /status":   api.Status{Endpoints: []api.EndpointStatus{{Name: "shop", State: "sick"}}},
	})
	d.run(t, "", nil, "failures", "list", "--retrying").wants(t, ExitDone, "when it answers", "")
	failure.NextAttempt = &later
	d = newFakeDaemon(t, map[string]any{"GET /failures": api.FailurePage{Failures: []api.Failure{failure}}})
	d.run(t, "", nil, "failures", "list", "--retrying").wants(t, ExitDone, "in 1h", "")
	if len(d.lines()) != 1 {
		t.Errorf("asked %v, want the list alone", d.lines())
	}
}

func TestRetryAndPurgeNeedToKnowWhich(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"failures", "retry"},
		{"failures", "purge", "--yes"},
		{"failures", "retry", "--retrying"},
	} {
		run(t, "", nil, args...).wants(t, ExitUsage, "", "give IDs, a selection such as --endpoint, or --all")
	}
	run(t, "", nil, "failures", "retry", "--reason", "tmeout").wants(t, ExitUsage, "", "did you mean timeout?")
}

func TestRetrySaysHowMany(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		args   []string
		result api.FailureResult
		body   string
		code   int
		want   string
	}{
		{"all", []string{"--all"}, api.FailureResult{Matched: 12}, `{"all": true}`, 0, "12 failures retried\n"},
		{"dry", []string{"A", "B", "--dry-run"}, api.FailureResult{Matched: 2, DryRun: true}, `{"ids": ["A", "B"], "dryRun": true}`, 0, "2 failures would be retried\n"},
		{"delivered", []string{"--all", "--wait"}, api.FailureResult{Matched: 1, Delivered: 1}, `{"all": true, "wait": true}`, 0, "1 failure retried: 1 delivered, 0 failed\n"},
		{"failed again", []string{"--all", "--wait"}, api.FailureResult{Matched: 3, Delivered: 1, Failed: 1, Dropped: 1}, `{"all": true, "wait": true}`, 1, "3 failures retried: 1 delivered, 1 failed, 1 dropped\n"},
		{"not needed any more", []string{"--all", "--wait"}, api.FailureResult{Matched: 3, Delivered: 1, Skipped: 2}, `{"all": true, "wait": true}`, 0, "3 failures retried: 1 delivered, 0 failed, 2 skipped\n"},
		{"held", []string{"--all", "--wait"}, api.FailureResult{Matched: 1, Held: 1}, `{"all": true, "wait": true}`, 1, "1 failure retried: 0 delivered, 0 failed, 1 held\n"},
		{"for scripts", []string{"--all", "-o", "name"}, api.FailureResult{Matched: 12}, `{"all": true}`, 0, "12\n"},
		{"with retrying", []string{"--status", "500", "--retrying"}, api.FailureResult{}, `{"statuses": [500], "retrying": true}`, 0, "0 failures retried\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newFakeDaemon(t, map[string]any{"POST /failures/retry": tt.result})
			d.run(t, "", nil, append([]string{"failures", "retry"}, tt.args...)...).wants(t, tt.code, tt.want, "")
			sameJSON(t, d.asked()[0].Body, tt.body)
		})
	}
}

func TestPurgeCountsAndAsksFirst(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /failures/purge": api.FailureResult{Matched: 12}})
	d.run(t, "yes\n", interactive, "failures", "purge", "--all").wants(t, ExitDone, "12 failures purged", "purge 12 failures? [y/N]")
	bodies := []string{}
	for _, r := range d.asked() {
		bodies = append(bodies, r.Body)
	}
	if len(bodies) != 2 {
		t.Fatalf("asked %q, want a dry run and a purge", bodies)
	}
	sameJSON(t, bodies[0], `{"all": true, "dryRun": true}`)
	sameJSON(t, bodies[1], `{"all": true}`)

	d.run(t, "n\n", interactive, "failures", "purge", "--all").wants(t, ExitFailed, "", "nothing was done")
	d.run(t, "", nil, "failures", "purge", "--all").wants(t, ExitUsage, "", "add --yes")
	if n := len(d.asked()); n != 3 {
		t.Errorf("%d requests, want 3: what is refused purges nothing", n)
	}
	dry := newFakeDaemon(t, map[string]any{"POST /failures/purge": api.FailureResult{Matched: 12, DryRun: true}})
	dry.run(t, "", nil, "failures", "purge", "--all", "--dry-run").wants(t, ExitDone, "12 failures would be purged", "")
	none := newFakeDaemon(t, map[string]any{"POST /failures/purge": api.FailureResult{}, "GET /status": api.Status{}})
	none.run(t, "", interactive, "failures", "purge", "--all").wants(t, ExitDone, "0 failures purged", "")
}

func TestShowShowsOneFailure(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /failures/X": failures(1)[0]})
	d.run(t, "", nil, "failure", "show", "X").wants(t, ExitDone, "Endpoint      shop", "")
}

func TestIDsComplete(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /failures": api.FailurePage{Failures: failures(2)}})
	got := d.run(t, "", nil, "__complete", "failures", "retry", "")
	if !slices.Contains(strings.Fields(got.stdout), "01KAK7Z3M00000000000000001") {
		t.Errorf("completes to %q", got.stdout)
	}
}
