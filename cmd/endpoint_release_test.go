package cmd

import (
	"slices"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// heldShop is a daemon whose endpoint shop holds so many deletions, two of them listed.
func heldShop(t *testing.T, held uint64) *fakeDaemon {
	t.Helper()
	listed := []api.HeldDeletion{
		{AssetID: event.IntID(16), EventType: "AssetDeleted", FirstSeen: now.Add(-time.Hour), LastSeen: now.Add(-time.Minute)},
		{AssetID: event.IntID(17), EventType: "AssetDeleted", FirstSeen: now.Add(-time.Hour), LastSeen: now.Add(-time.Minute)},
	}
	return newFakeDaemon(t, map[string]any{
		"GET /endpoints/shop/held":     api.HeldPage{Endpoint: "shop", Held: held, Deletions: listed[:min(held, 2)]},
		"POST /endpoints/shop/release": api.Released{Endpoint: "shop", Released: held},
	})
}

const (
	askedHeld     = "GET /endpoints/shop/held?limit=1"
	askedToSend   = "POST /endpoints/shop/release"
	releaseAsksOf = "send 2,676 deletions to shop? [y/N] "
)

func TestAReleaseAsksWithTheNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		change       func(*Env)
		args         []string
		held         uint64
		code         int
		stdout       string
		stderr       string
		asked        []string
	}{
		{"no", "\n", interactive, nil, 2676, ExitFailed, "", releaseAsksOf + "dz: nothing was done", []string{askedHeld}},
		{"yes", "y\n", interactive, nil, 2676, ExitDone, "2,676 deletions released", releaseAsksOf, []string{askedHeld, askedToSend}},
		{"told before", "", interactive, []string{"--yes"}, 2676, ExitDone, "2,676 deletions released", "", []string{askedToSend}},
		{"in a script", "", nil, []string{"--yes"}, 2676, ExitDone, "2,676 deletions released", "", []string{askedToSend}},
		{
			"nobody is there", "", nil, nil, 2676, ExitUsage, "",
			"dz: dz endpoint release asks first, and there is nobody to ask: add --yes\n", nil,
		},
		// Some may be judged anew, and nobody was asked whether to send them.
		{"none is held", "", interactive, nil, 0, ExitDone, "no deletions are held", "", []string{askedHeld}},
		{"none is held, told before", "", interactive, []string{"--yes"}, 0, ExitDone, "no deletions are held", "", []string{askedToSend}},
	} {
		t.Log(c.name)
		d := heldShop(t, c.held)
		d.run(t, c.answer, c.change, append([]string{"endpoint", "release", "shop"}, c.args...)...).wants(t, c.code, c.stdout, c.stderr)
		if got := d.lines(); !slices.Equal(got, c.asked) {
			t.Errorf("%s: the daemon was asked %q, want %q", c.name, got, c.asked)
		}
	}
}

func TestADryRunOfAReleaseListsWhatIsHeld(t *testing.T) {
	t.Parallel()
	d := heldShop(t, 2)
	dry := func(args ...string) result {
		return d.run(t, "", nil, append([]string{"endpoint", "release", "shop"}, args...)...)
	}
	dry("--dry-run").wants(t, ExitDone, "shop: 2 deletions would be sent\n\nASSET", "")
	dry("--dry-run", "-o", "name").wants(t, ExitDone, "16\n17\n", "")
	dry("--dry-run", "-o", "json").wants(t, ExitDone, `"held": 2`, "")
	dry("--dry-run", "--limit", "1", "-o", "name").wants(t, ExitDone, "16\n", "there are more than 1: --limit 0 lists them all\n")
	dry("--dry-run", "--limit", "-1").wants(t, ExitUsage, "", "--limit: -1 is negative")
	dry("--limit", "1", "--yes").wants(t, ExitUsage, "", "dz: --limit goes with --dry-run: all that is held is released")
	if slices.Contains(d.lines(), askedToSend) {
		t.Errorf("the daemon was asked %q", d.lines())
	}
}

// Who turns the guard off may think that this sends what it holds.
func TestAChangeOfTheGuardSaysWhatStaysHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		held uint64
		flag string
		want string
	}{
		{80, "--guard=0", "endpoint shop updated; 80 deletions stay held until 'dz endpoint release shop'\n"},
		{80, "--guard-above=", "endpoint shop updated; 80 deletions stay held until 'dz endpoint release shop'\n"},
		{1, "--guard=0", "endpoint shop updated; 1 deletion stays held until 'dz endpoint release shop'\n"},
		{80, "--description=x", "endpoint shop updated\n"},
		{0, "--guard=0", "endpoint shop updated\n"},
	} {
		d := newFakeDaemon(t, map[string]any{
			"GET /endpoints/shop":   api.Endpoint{Name: "shop", Style: "managed", Held: c.held},
			"PATCH /endpoints/shop": api.Endpoint{Name: "shop", Style: "managed"},
		})
		d.run(t, "", nil, "endpoint", "update", "shop", c.flag).wants(t, ExitDone, c.want, "")
	}
}
