package cmd

import (
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

func TestAFullResyncAsksWithTheNumbersOfADryRun(t *testing.T) {
	t.Parallel()
	const question = "are you sure to synchronise all of shop again? 12 to create, 69,190 to update, 3 to delete, 0 unchanged [y/N] "
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

func TestAResyncShowsHowFarItIs(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	env := newEnv("", &out, &out)
	env.ErrTerminal = true
	at := now
	env.Now = func() (t0 time.Time) { t0 = at; at = at.Add(meterEvery); return t0 }
	m := (&app{env: env}).newCounter()
	state := api.ResyncState{Resync: resyncJob(api.ResyncListing, false), Failed: 1}
	state.Remaining = 69_205 - 200
	for range 3 {
		showResync(m, state, false)
	}
	showResync(m, state, true)
	m.finish()
	if text := out.String(); !strings.Contains(text, "200 of 69,205") || !strings.Contains(text, "69,205 assets looked at, 1 failed") ||
		!strings.Contains(text, "/s") || !strings.Contains(text, " left") || strings.Count(text, "1 failed, shop is sick") != 1 {
		t.Errorf("drawn: %q", text)
	}
}
