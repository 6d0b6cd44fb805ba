package cmd

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

func resyncJob(phase string, dry bool) api.Resync {
	return api.Resync{
		Endpoint: "shop", Number: 1, Phase: phase, DryRun: dry,
		Found: api.ResyncFound{Seen: 69_205, Create: 12, Update: 69_190, Delete: 3},
	}
}

func remaining(job api.Resync, n uint64) api.Resync {
	job.Remaining = n
	return job
}

func TestAFullResyncAsksWithTheNumbersOfADryRun(t *testing.T) {
	t.Parallel()
	const question = "shop: 12 to create, 69,190 to update, 3 to delete, 0 unchanged\nsynchronise all of it again? [y/N] "
	for _, c := range []struct {
		name, answer string
		code         int
		stdout       string
		stderr       string
		bodies       []string
	}{
		{"no", "\n", ExitFailed, "", question + "dz: nothing was done", []string{`{"dryRun":true}`}},
		{"yes", "y\n", ExitDone, "synchronising shop again", question, []string{`{"dryRun":true}`, `{}`}},
	} {
		d := newFakeDaemon(t, map[string]any{"POST /endpoints/shop/resync": resyncJob(api.ResyncDone, true)})
		d.run(t, c.answer, interactive, "resync", "shop").wants(t, c.code, c.stdout, c.stderr)
		var bodies []string
		for _, r := range d.asked() {
			bodies = append(bodies, strings.TrimSpace(r.Body))
		}
		if !slices.Equal(bodies, c.bodies) {
			t.Errorf("%s: the daemon was asked %q", c.name, bodies)
		}
	}
}

func TestWaitingForAResyncSaysWhatCameOfIt(t *testing.T) {
	t.Parallel()
	began := resyncJob(api.ResyncListing, false)
	for _, c := range []struct {
		name   string
		state  api.ResyncState
		code   int
		stdout string
		stderr string
	}{
		{
			"all is well",
			api.ResyncState{Resync: resyncJob(api.ResyncDone, false)},
			ExitDone,
			"shop synchronised again: 12 created, 69,190 updated, 3 deleted, 0 unchanged\n", "",
		},
		{
			"some failed, and deletions are held",
			api.ResyncState{Resync: resyncJob(api.ResyncDone, false), Failed: 2, Held: 2676},
			ExitFailed,
			"; 2 failed: dz failures list --endpoint shop; 2,676 deletions held: dz endpoint release shop\n", "",
		},
		{
			"what failed is retried by itself, for days",
			api.ResyncState{Resync: remaining(resyncJob(api.ResyncDone, false), 1), Retrying: 1},
			ExitFailed,
			"12 to create, 69,190 to update, 3 to delete, 0 unchanged; 1 is being retried: dz failures list --retrying --endpoint shop\n", "",
		},
		{
			"a filter can't be applied",
			api.ResyncState{Resync: api.Resync{
				Endpoint: "shop", Number: 1, Phase: api.ResyncDone,
				Found: api.ResyncFound{Seen: 3, Update: 1, Unread: 1, Unjudged: 1_000, Fault: "asset 7: the filter can't be applied: why"},
			}},
			ExitFailed,
			"shop synchronised again: 0 created, 1 updated, 0 deleted, 0 unchanged, 1 that can't be read, 1,000 that can't be judged; " +
				"the first of these: asset 7: the filter can't be applied: why\n", "",
		},
		{
			"it ended early",
			api.ResyncState{Resync: api.Resync{Endpoint: "shop", Number: 1, Phase: api.ResyncStopped, Error: "the catalogue refuses"}},
			ExitFailed,
			"synchronisation of shop ended before it was done: the catalogue refuses\n", "",
		},
		{
			"somebody stopped it",
			api.ResyncState{Resync: api.Resync{Endpoint: "shop", Number: 1, Phase: api.ResyncStopped}},
			ExitFailed,
			"synchronisation of shop was stopped\n", "",
		},
		{
			"another has begun",
			api.ResyncState{Resync: api.Resync{Endpoint: "shop", Number: 2, Phase: api.ResyncListing}},
			ExitFailed,
			"", "dz: another synchronisation of shop has begun",
		},
	} {
		d := newFakeDaemon(t, map[string]any{
			"POST /endpoints/shop/resync": began, "GET /endpoints/shop/resync": c.state,
			"GET /endpoints/shop": api.Endpoint{Name: "shop", State: "healthy"},
		})
		t.Log(c.name)
		d.run(t, "", nil, "resync", "shop", "--yes", "--wait").wants(t, c.code, c.stdout, c.stderr)
	}
}

func TestAResetAsksWithWhatWouldBeForgotten(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /endpoints/shop/tracked": api.TrackedPage{},
		"GET /status":                 api.Status{Endpoints: []api.EndpointStatus{{Name: "shop", Tracked: 69_202}}},
		"POST /endpoints/shop/reset":  api.Reset{Endpoint: "shop", Forgotten: 69_202},
	})
	d.run(t, "n\n", interactive, "endpoint", "reset", "shop").wants(t, ExitFailed, "",
		"forget what shop has acknowledged of 69,202 assets, with its integration states? [y/N] ")
	d.run(t, "y\n", interactive, "endpoint", "reset", "shop").wants(t, ExitDone,
		"69,202 assets forgotten: 'dz resync shop' sends everything", "[y/N]")
}

// What is not found yet can't be told apart from what there is not: no share and no
// time is shown until all is found, or where it was counted for the question.
func TestAResyncShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		phase    string
		found    uint64
		expected uint64
		want     string
	}{
		{"counted before", api.ResyncListing, 11_000, 69_205, "[==                       ]   8%  5,800 of 69,205  told, 11,000 assets looked at, 2 failed  58,000/s  1s left"},
		{"not counted", api.ResyncListing, 11_000, 0, "5,800  told, 11,000 assets looked at, 2 failed  58,000/s"},
		{"listed", api.ResyncCounting, 69_205, 0, "64,005  told, looking for assets that are gone, 2 failed  640,050/s"},
		{"found", api.ResyncDone, 69_205, 0, "[===========================   ]  92%  64,005 of 69,205  assets, 2 failed  640,050/s"},
	} {
		var out strings.Builder
		env := newEnv("", &out, &out)
		env.ErrTerminal = true
		env.Width = func() int { return 110 }
		at := now
		env.Now = func() (t0 time.Time) { t0 = at; at = at.Add(meterEvery); return t0 }
		state := api.ResyncState{Failed: 1, Retrying: 1}
		state.Endpoint, state.Phase, state.Remaining = "shop", c.phase, 5200
		state.Found = api.ResyncFound{Seen: c.found, Update: c.found}
		m := (&app{env: env}).newCounter()
		showResync(m, state, c.expected, false)
		if got := strings.TrimPrefix(out.String(), "\r"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
		showResync(m, state, c.expected, true)
		if m.finish(); strings.Count(out.String(), "2 failed, shop is sick") != 1 {
			t.Errorf("%s: drawn: %q", c.name, out.String())
		}
	}
}

// To count a large catalogue takes seconds, in which something is to be seen.
func TestCountingForTheQuestionIsShown(t *testing.T) {
	t.Parallel()
	drawn := make(chan string, 100)
	env := newEnv("", io.Discard, writes(func(text string) { drawn <- text }))
	env.ErrTerminal, env.Now = true, time.Now
	finish := (&app{env: env}).newCounter().busy("counting what is to be told")
	if text := <-drawn; !strings.Contains(text, "\rcounting what is to be told") {
		t.Errorf("drawn: %q", text)
	}
	finish()
}

// writes is a writer that hands on what is written.
type writes func(text string)

func (w writes) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func TestWhoStopsWaitingForAResyncIsToldThatItGoesOn(t *testing.T) {
	t.Parallel()
	err := describe(goesOn(resyncJob(api.ResyncListing, false), fmt.Errorf("ask: %w", context.Canceled)))
	if got := err.Message + ": " + err.Hint; got !=
		"interrupted; the synchronisation of shop goes on: 'dz resync shop --join' waits for it, and --stop stops it" {
		t.Error(got)
	}
}

// Nothing is begun for an endpoint that nothing is sent to, where it would be waited for.
func TestAResyncThatCanNotBeWaitedForIsNotBegun(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /endpoints/shop": api.Endpoint{Name: "shop", State: "disabled"}})
	d.run(t, "", nil, "resync", "shop", "--changed", "--wait").wants(t, ExitConflict, "", "and nothing was begun")
	for _, r := range d.asked() {
		if strings.HasPrefix(r.Line, "POST ") {
			t.Errorf("the daemon was asked to begin: %+v", r)
		}
	}
}

// Without a terminal there is no meter: that a sick endpoint holds it up is said once,
// and that it goes on.
func TestWaitingForASickEndpointIsSaid(t *testing.T) {
	t.Parallel()
	probe := now.Add(5 * time.Minute)
	waits := api.ResyncState{Resync: resyncJob(api.ResyncDone, false), Untried: 3}
	const sick = "shop is sick: waiting until it answers; the receiver answered 503; it is probed next 2026-11-21T10:05:00Z (in 5m)\n"
	for name, c := range map[string]struct {
		change func(*Env)
		want   string
	}{
		"in a script":   {nil, sick + "shop answers again: going on\n"},
		"at a terminal": {func(env *Env) { env.ErrTerminal = true }, ""},
	} {
		d := newFakeDaemon(t, map[string]any{
			"GET /endpoints/shop/resync": &inTurn{list: []any{waits, waits, waits, waits, waits, api.ResyncState{Resync: waits.Resync}}},
			"GET /endpoints/shop": &inTurn{list: []any{
				api.Endpoint{Name: "shop", State: "healthy"},
				api.Endpoint{Name: "shop", State: "sick"},
				api.Endpoint{Name: "shop", State: "sick"},
				api.Endpoint{Name: "shop", State: "healthy"},
			}},
			"GET /status": api.Status{Endpoints: []api.EndpointStatus{
				{Name: "shop", State: "sick", LastError: "the receiver answered 503", NextAttempt: &probe},
			}},
		})
		got := d.run(t, "", c.change, "resync", "shop", "--join")
		if got.code != ExitDone || name == "in a script" && got.stderr != c.want || strings.Contains(got.stderr, "answers") != (c.want != "") {
			t.Errorf("%s: exit code %d, stderr %q, want %q", name, got.code, got.stderr, c.want)
		}
	}
}

// Whoever comes later waits for a synchronisation that has begun.
func TestAResyncIsJoined(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /endpoints/shop/resync": api.ResyncState{Resync: resyncJob(api.ResyncDone, false)},
		"GET /endpoints/shop":        api.Endpoint{Name: "shop", State: "healthy"},
	})
	d.run(t, "", nil, "resync", "shop", "--join").wants(t, ExitDone, "shop synchronised again: 12 created", "")
	d.run(t, "", nil, "resync", "shop", "--join", "--changed").wants(t, ExitUsage, "", "--join stands alone")
}

// What is being retried by itself has failed too.
func TestAResyncOfWhatFailedIsOfWhatIsBeingRetriedToo(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /failures/retry": api.FailureResult{Matched: 3, Failed: 3}})
	d.run(t, "", nil, "resync", "shop", "--failed", "--wait").wants(t, ExitFailed, "3 failures retried: 0 delivered, 3 failed", "")
	if body := d.asked()[0].Body; !strings.Contains(body, `"retrying":true`) {
		t.Errorf("the daemon was asked for %s", body)
	}
}

func TestAssetsOfAResyncAreSeparatedByCommas(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /endpoints/shop/resync": resyncJob(api.ResyncListing, false)})
	for arg, want := range map[string]string{
		"--asset=1,2":              `[1,2]`,
		`--asset=a, "7",8`:         `["a","7",8]`,
		`--asset="one, of a kind"`: `["one, of a kind"]`,
	} {
		d.run(t, "", nil, "resync", "shop", arg).wants(t, ExitDone, "synchronising shop again", "")
		asked := d.asked()
		sameJSON(t, asked[len(asked)-1].Body, `{"assets":`+want+`}`)
	}
	d.run(t, "", nil, "resync", "shop", "--asset=,").wants(t, ExitUsage, "", "--asset: an id is empty")
}
