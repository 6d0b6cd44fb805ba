package cmd

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
)

// sites are the endpoints of a group.
func sites() api.EndpointList {
	one, two := shop(), shop()
	one.Name, two.Name = "sites-1", "sites-2"
	one.Group, two.Group = "sites", "sites"
	return api.EndpointList{Endpoints: []api.Endpoint{one, two}}
}

func TestSeveralURLsMakeAGroup(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /groups": sites()})
	d.run(t, "", nil, "endpoint", "add", "sites", "--url", "https://a.example/", "--url", "https://b.example/",
		"--change-types", "AssetChanged", "--style", "gateway", "--gateway-secret", "s3cret",
	).wants(t, ExitDone, "endpoints sites-1, sites-2 added: try it with 'dz endpoint test sites'", "")
	asked := d.asked()
	if len(asked) != 1 {
		t.Fatalf("asked %v, want one request", d.lines())
	}
	sameJSON(t, asked[0].Body, `{"name": "sites", "urls": ["https://a.example/", "https://b.example/"], "style": "gateway",
		"changeTypes": ["AssetChanged"], "gatewaySecret": "s3cret"}`)
}

func TestAGroupIsAskedForWhereThereIsNoEndpoint(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /groups/sites": sites(), "PATCH /groups/sites": sites(), "POST /groups/sites/enable": sites(), "POST /groups/sites/disable": sites(),
		"DELETE /groups/sites": api.RemovedList{Removed: []api.Removed{{Name: "sites-1", Debts: 2}, {Name: "sites-2", Failures: 1}}},
		"GET /status": api.Status{Endpoints: []api.EndpointStatus{
			{Name: "sites", Debts: 99}, {Name: "sites-1", Debts: 2}, {Name: "sites-2", Failures: 1},
		}},
	})
	d.run(t, "", nil, "endpoint", "update", "sites", "--debounce", "1s").wants(t, ExitDone, "endpoints sites-1, sites-2 updated", "")
	d.run(t, "", nil, "endpoint", "enable", "sites", "-o", "name").wants(t, ExitDone, "sites-1\nsites-2\n", "")
	d.run(t, "", nil, "endpoint", "disable", "sites").wants(t, ExitDone, "endpoints sites-1, sites-2 disabled", "")
	d.run(t, "y\n", interactive, "endpoint", "remove", "sites").wants(t, ExitDone,
		"endpoints sites-1, sites-2 removed, with 2 debts and 1 failure",
		"remove endpoints sites-1, sites-2? 2 debts and 1 failure go with them [y/N]")
	want := []string{
		"PATCH /endpoints/sites", "PATCH /groups/sites",
		"POST /endpoints/sites/enable", "POST /groups/sites/enable",
		"POST /endpoints/sites/disable", "POST /groups/sites/disable",
		"GET /endpoints/sites", "GET /groups/sites", "GET /status", "DELETE /endpoints/sites", "DELETE /groups/sites",
	}
	if diff := cmp.Diff(want, d.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	// The daemon's first answer names what is near.
	none := newFakeDaemon(t, map[string]any{
		"POST /endpoints/sits/enable": &api.Error{Code: api.CodeNotFound, Message: `there is no endpoint "sits"; did you mean sites?`},
	})
	none.run(t, "", nil, "endpoint", "enable", "sits").wants(t, ExitNotFound, "", "did you mean sites?")
	refused := newFakeDaemon(t, map[string]any{
		"POST /endpoints/sites/enable": &api.Error{Code: api.CodeForbidden, Message: "not yours"},
	})
	refused.run(t, "", nil, "endpoint", "enable", "sites").wants(t, ExitForbidden, "", "not yours")
	if n := len(refused.asked()); n != 1 {
		t.Errorf("asked %v after a refusal", refused.lines())
	}
}

func TestAGroupIsAskedAboutAsAWhole(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /groups/sites":               sites(),
		"POST /endpoints/sites-1/resync":  resyncJob(api.ResyncDone, true),
		"POST /endpoints/sites-2/resync":  resyncJob(api.ResyncDone, true),
		"GET /endpoints/sites-1/held":     api.HeldPage{Endpoint: "sites-1", Held: 3},
		"GET /endpoints/sites-2/held":     api.HeldPage{Endpoint: "sites-2"},
		"POST /endpoints/sites-1/release": api.Released{Endpoint: "sites-1", Released: 3},
		"GET /endpoints/sites-1/tracked":  api.TrackedPage{},
		"GET /endpoints/sites-2/tracked":  api.TrackedPage{},
		"POST /endpoints/sites-1/reset":   api.Reset{Endpoint: "sites-1", Forgotten: 7},
		"POST /endpoints/sites-2/reset":   api.Reset{Endpoint: "sites-2", Forgotten: 8},
		"GET /status":                     api.Status{Endpoints: []api.EndpointStatus{{Name: "sites-1", Tracked: 7}, {Name: "sites-2", Tracked: 8}}},
	})
	const found = "12 to create, 69,190 to update, 3 to delete, 0 unchanged\n"
	d.run(t, "y\n", interactive, "resync", "sites").wants(t, ExitDone,
		"synchronising sites-1 again: 'dz status' shows how far it is\nsynchronising sites-2 again",
		"sites-1: "+found+"sites-2: "+found+"synchronise all of it again? [y/N] ")
	d.run(t, "y\n", interactive, "endpoint", "release", "sites").wants(t, ExitDone,
		"sites-1: 3 deletions released\nsites-2: no deletions are held\n", "send 3 deletions to sites-1? [y/N] ")
	d.run(t, "y\n", interactive, "endpoint", "reset", "sites").wants(t, ExitDone,
		"sites-1: 7 assets forgotten: 'dz resync sites-1' sends everything\nsites-2: 8 assets forgotten",
		"forget what sites-1, sites-2 have acknowledged of 15 assets, with their integration states? [y/N] ")
}

// That one fails is no reason to leave the others out.
func TestWhatGoesWrongWithOneOfAGroupIsSaidBesideWhatWasDone(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{
		"GET /groups/sites":              sites(),
		"POST /endpoints/sites-1/resync": &api.Error{Code: api.CodeConflict, Message: "a synchronisation of sites-1 is running", Hint: "wait"},
		"POST /endpoints/sites-2/resync": resyncJob(api.ResyncListing, false),
	})
	d.run(t, "", nil, "resync", "sites", "--changed").wants(t, ExitConflict,
		"synchronising sites-2 again", "dz: a synchronisation of sites-1 is running: wait\n")
}

// 'dz resync' takes the group's name, too.
func TestAChangeOfAGroupNamesWhatTellsAllOfIt(t *testing.T) {
	t.Parallel()
	managed := sites()
	for i := range managed.Endpoints {
		managed.Endpoints[i].Style = "managed"
	}
	d := newFakeDaemon(t, map[string]any{"PATCH /groups/sites": managed})
	d.run(t, "", nil, "endpoint", "update", "sites", "--language", "en").wants(t, ExitDone,
		"endpoints sites-1, sites-2 updated; what that changes of what they have, 'dz resync sites --changed' tells them\n", "")
}
