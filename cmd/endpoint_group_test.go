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
	).wants(t, ExitDone, "endpoints sites-1, sites-2 added: try it with 'dz endpoint test sites-1'", "")
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
