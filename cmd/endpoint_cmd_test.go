package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func shop() api.Endpoint {
	return api.Endpoint{
		Name: "shop", Style: "notify", URL: "https://shop.example/", State: "healthy", Enabled: true,
		ChangeTypes: event.AssetChanged, Created: now, Updated: now,
	}
}

func TestAddSendsWhatTheFlagsSay(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"POST /endpoints": shop()})
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("Bearer s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, "from stdin\n", nil, "endpoint", "add", "shop", "--url", "https://shop.example/", "--style", "notify",
		"--change-types", "AssetChanged,MetafieldChanged", "--change-types", "TreeValueChanged",
		"--events", "AssetMetadataUpdated, MetafieldCreated", "--fields", "title,keywords", "--formats", `50036,web,"7"`,
		"--channels", "42", "--reasons", "metadata,delete", "--filter", `event.kind == "asset"`,
		"-H", "Authorization: @"+secret, "--header", "X-In: @-", "--header", "X-At: @@home", "--header", "X-Plain: a:b ",
		"--debounce", "00:00:07", "--max-wait", "1m", "--retry", "5s,5m", "--timeout", "20s", "--connect-timeout", "2s",
		"--concurrency", "4", "--rate", "2.5", "--ca-file", "/etc/ca.pem", "--client-cert", "/c.pem", "--client-key", "/k.pem",
		"--id-name", "specific", "--disabled", "--description", "the shop",
	).wants(t, ExitDone, "endpoint shop added", "")
	asked := d.asked()
	if len(asked) != 1 {
		t.Fatalf("asked %v, want one request", d.lines())
	}
	sameJSON(t, asked[0].Body, `{
		"name": "shop", "url": "https://shop.example/", "style": "notify", "description": "the shop", "enabled": false,
		"changeTypes": ["AssetChanged", "MetafieldChanged", "TreeValueChanged"],
		"events": ["AssetMetadataUpdated", "MetafieldCreated"], "fields": ["title", "keywords"],
		"formats": [50036, "web", "7"], "channels": [42], "reasons": ["metadata", "delete"],
		"filter": "event.kind == \"asset\"",
		"headers": {"Authorization": "Bearer s3cret", "X-In": "from stdin", "X-At": "@home", "X-Plain": "a:b"},
		"debounce": "00:00:07", "maxWait": "1m", "retry": "5s,5m", "timeout": "20s", "connectTimeout": "2s",
		"concurrency": 4, "rate": 2.5, "caFile": "/etc/ca.pem", "clientCert": "/c.pem", "clientKey": "/k.pem",
		"idName": "specific"}`)
}

func TestUpdateSendsOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"one setting", []string{"--url", "http://other.example"}, `{"url": "http://other.example"}`},
		{
			"empty values are defaults",
			[]string{"--fields", "", "--formats", "", "--debounce", "", "--retry", "", "--concurrency", "", "--rate", "", "--timeout", "", "--filter", "", "--id-name", "", "--ca-file", ""},
			`{"fields": null, "formats": null, "debounce": null, "retry": null, "concurrency": null, "rate": null, "timeout": null, "filter": null, "idName": null, "caFile": null}`,
		},
		{"a list begins anew after an empty value", []string{"--events", "AssetDeleted", "--events", "", "--events", "AssetCreated"}, `{"events": ["AssetCreated"]}`},
		{"a header without a value goes", []string{"--header", "X-Old:", "--header", "X-New: 1"}, `{"headers": {"X-Old": null, "X-New": "1"}}`},
		{"switched on", []string{"--disabled=false"}, `{"enabled": true}`},
		{"half of a certificate", []string{"--client-key", "/k.pem"}, `{"clientKey": "/k.pem"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newFakeDaemon(t, map[string]any{"PATCH /endpoints/shop": shop()})
			d.run(t, "", nil, append([]string{"endpoint", "update", "shop"}, tt.args...)...).wants(t, ExitDone, "endpoint shop updated", "")
			if asked := d.asked(); len(asked) == 1 {
				sameJSON(t, asked[0].Body, tt.want)
			}
		})
	}
}

func TestPathsAreMadeAbsolute(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"PATCH /endpoints/shop": shop()})
	d.run(t, "", nil, "endpoint", "update", "shop", "--ca-file", "ca.pem").wants(t, ExitDone, "updated", "")
	here, err := filepath.Abs("ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, d.asked()[0].Body, `{"caFile": "`+here+`"}`)
}

func TestWhatCanBeSeenToBeWrongIsSaidWithoutTheDaemon(t *testing.T) {
	t.Parallel()
	add := []string{"endpoint", "add", "shop", "--url", "https://shop.example", "--change-types", "AssetChanged"}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no scheme", []string{"--url", "shop.example"}, "has no scheme: write https:// or http://"},
		{"no host", []string{"--url", "https://"}, "has no host"},
		{"no change type", []string{"--change-types", ""}, "no change type: subscribe to at least one"},
		{"unknown change type", []string{"--change-types", "AsetChanged"}, "--change-types: unknown change type \"AsetChanged\"; did you mean AssetChanged?"},
		{"unknown event", []string{"--events", "AssetCreatd"}, "--events: unknown event \"AssetCreatd\"; did you mean AssetCreated?"},
		{"event of another change type", []string{"--events", "MetafieldCreated"}, "belongs to change type MetafieldChanged, which is not subscribed"},
		{"unknown reason", []string{"--reasons", "metdata"}, "--reasons: unknown reason \"metdata\"; did you mean metadata?"},
		{"unknown style", []string{"--style", "notfy"}, "unknown style \"notfy\"; did you mean notify?"},
		{"unknown style without what the others need", []string{"--change-types", "", "--style", "manged"}, "dz: unknown style \"manged\"; did you mean managed? (styles: gateway, managed, notify)\n"},
		{"unknown option value", []string{"--id-name", "bse"}, "--id-name: unknown value \"bse\"; did you mean base?"},
		{"header with a newline", []string{"--header", "X-A: one\ntwo"}, "header X-A has a newline in its value"},
		{"header without a name", []string{"--header", "s3cret"}, "--header: a header has no name"},
		{"header without a value", []string{"--header", "X-A:"}, "--header: X-A has no value"},
		{"header of dz", []string{"--header", "Webhook-Id: 1"}, "made by dz itself"},
		{"header from no file", []string{"--header", "X-A: @/does/not/exist"}, "X-A: read value: open /does/not/exist"},
		{"negative debounce", []string{"--debounce", "-5s"}, `--debounce: duration "-5s" is negative`},
		{"debounce without a unit", []string{"--debounce", "5"}, `--debounce: duration "5" has no unit: write "5s"`},
		{"max wait below debounce", []string{"--debounce", "5s", "--max-wait", "1s"}, "max wait 1s is less than debounce 5s"},
		{"retry", []string{"--retry", "5s,soon"}, `--retry: retry schedule: duration "soon" can't be read`},
		{"concurrency", []string{"--concurrency", "many"}, `--concurrency: "many" is not a whole number from 1 to 1024`},
		{"no concurrency", []string{"--concurrency", "0"}, `--concurrency: "0" is not a whole number`},
		{"rate", []string{"--rate", "fast"}, `--rate: "fast" is not a number`},
		{"filter", []string{"--filter", "event.knd == 1"}, "filter:"},
		{"certificate without its key", []string{"--client-cert", "/c.pem"}, "needs both its file and its key"},
		{"fields both ways", []string{"--fields", "a", "--exclude-fields", "b"}, "give one of them"},
		{"empty id", []string{"--formats", `""`}, "--formats:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, "", nil, append(slices.Clone(add), tt.args...)...)
			got.wants(t, ExitUsage, "", tt.want)
		})
	}
}

func TestAHeaderIsNeverRepeatedInAnError(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"s3cret", ":s3cret", "X-A: s3cret\nb", "bad name: s3cret"} {
		got := run(t, "", nil, "endpoint", "add", "shop", "--url", "https://shop.example", "--change-types", "AssetChanged", "-H", header)
		if got.code != ExitUsage {
			t.Errorf("%q: exit code %d, want 2", header, got.code)
		}
		if contains(got.stderr, "s3cret") {
			t.Errorf("the error shows the secret: %s", got.stderr)
		}
	}
}

func TestRemoveSaysWhatGoesAndAsks(t *testing.T) {
	t.Parallel()
	daemon := func(t *testing.T) *fakeDaemon {
		t.Helper()
		return newFakeDaemon(t, map[string]any{
			"GET /endpoints/shop": shop(),
			"GET /status": api.Status{Endpoints: []api.EndpointStatus{
				{Name: "other", Debts: 99}, {Name: "shop", Debts: 12, Failures: 1},
			}},
			"DELETE /endpoints/shop": api.Removed{Name: "shop", Debts: 12, Failures: 1},
		})
	}
	const removal = "DELETE /endpoints/shop"
	t.Run("yes", func(t *testing.T) {
		t.Parallel()
		d := daemon(t)
		d.run(t, "y\n", interactive, "endpoint", "rm", "shop").wants(t, ExitDone,
			"endpoint shop removed, with 12 debts and 1 failure", "remove endpoint shop? 12 debts and 1 failure go with it [y/N]")
		if !slices.Contains(d.lines(), removal) {
			t.Error("nothing was removed")
		}
	})
	t.Run("managed", func(t *testing.T) {
		t.Parallel()
		d := newFakeDaemon(t, map[string]any{
			"GET /endpoints/pim": api.Endpoint{Name: "pim"},
			"GET /status":        api.Status{Endpoints: []api.EndpointStatus{{Name: "pim", Debts: 2, Held: 90, Tracked: 176}}},
		})
		d.run(t, "n\n", interactive, "endpoint", "remove", "pim").wants(t, ExitFailed, "",
			"remove endpoint pim? 92 debts and 0 failures go with it, and what was acknowledged of 176 assets [y/N]")
	})
	for name, c := range map[string]struct{ answer, says string }{
		"no": {"n\n", "[y/N] dz: nothing was done"}, "enter": {"\n", "[y/N] dz: nothing was done"},
		"end of input": {"", "[y/N] \ndz: nothing was done"}, // no key has ended the line
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemon(t)
			d.run(t, c.answer, interactive, "endpoint", "remove", "shop").wants(t, ExitFailed, "", c.says)
			if slices.Contains(d.lines(), removal) {
				t.Error("it was removed all the same")
			}
		})
	}
	t.Run("nobody to ask", func(t *testing.T) {
		t.Parallel()
		d := daemon(t)
		d.run(t, "y\n", nil, "endpoint", "remove", "shop").wants(t, ExitUsage, "", "add --yes")
		if len(d.lines()) > 0 {
			t.Errorf("asked the daemon %v", d.lines())
		}
	})
	t.Run("--yes", func(t *testing.T) {
		t.Parallel()
		d := daemon(t)
		d.run(t, "", nil, "endpoint", "remove", "shop", "--yes", "-o", "name").wants(t, ExitDone, "shop\n", "")
		if diff := cmp.Diff([]string{removal}, d.lines()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestTestShowsTheExchangeAndFailsIfItFailed(t *testing.T) {
	t.Parallel()
	exchange := api.Exchange{
		Delivered: true, Reason: "ok", Request: api.ExchangeRequest{Method: "POST", URL: "https://shop.example/", Body: "{}"},
		Response: &api.ExchangeResponse{Status: 204},
	}
	d := newFakeDaemon(t, map[string]any{"POST /endpoints/shop/test": exchange})
	d.run(t, "", nil, "endpoint", "test", "shop").wants(t, ExitDone, "> POST https://shop.example/", "")
	exchange.Delivered, exchange.Reason, exchange.Error = false, "timeout", "no answer within 30s"
	d = newFakeDaemon(t, map[string]any{"POST /endpoints/shop/test": exchange})
	d.run(t, "", nil, "endpoint", "test", "shop").wants(t, ExitFailed, "not delivered (timeout)", "")
}

func TestListAndShow(t *testing.T) {
	t.Parallel()
	search := shop()
	search.Name, search.Headers = "search", map[string]string{"Authorization": "s3cret"}
	d := newFakeDaemon(t, map[string]any{
		"GET /endpoints":                    api.EndpointList{Endpoints: []api.Endpoint{search, shop()}},
		"GET /endpoints/search":             shop(),
		"GET /endpoints/search?reveal=true": search,
		"GET /status":                       api.Status{Endpoints: []api.EndpointStatus{{Name: "search", Failures: 41}}},
		"POST /endpoints/search/enable":     search,
		"POST /endpoints/search/disable":    search,
	})
	d.run(t, "", nil, "endpoint", "ls", "-o", "name").wants(t, ExitDone, "search\nshop\n", "")
	d.run(t, "", nil, "endpoints", "list").wants(t, ExitDone, "NAME    STATE    STYLE", "")
	d.run(t, "", nil, "endpoint", "show", "search", "--reveal").wants(t, ExitDone, "Authorization: s3cret", "")
	d.run(t, "", nil, "endpoint", "show", "search", "--reveal").wants(t, ExitDone, "Failures   41", "")
	d.run(t, "", nil, "endpoint", "show", "search", "-o", "json").wants(t, ExitDone, `"events": []`, "")
	d.run(t, "", nil, "endpoint", "enable", "search").wants(t, ExitDone, "endpoint search enabled", "")
	d.run(t, "", nil, "endpoint", "disable", "search").wants(t, ExitDone, "endpoint search disabled", "")
	empty := newFakeDaemon(t, map[string]any{"GET /endpoints": api.EndpointList{}})
	empty.run(t, "", nil, "endpoint", "list").wants(t, ExitDone, "", "no endpoints: register one")
	empty.run(t, "", nil, "endpoint", "list", "-o", "json").wants(t, ExitDone, "[]\n", "")
}

// A managed integration keeps what it is not told to delete.
func TestWhoLeavesDeletionsOutIsWarned(t *testing.T) {
	t.Parallel()
	const warning = "dz: warning: the events or reasons of pim leave deletions out: an asset that is deleted stays with it " +
		"until a 'dz resync pim --changed', or one by --resync-every\n"
	for _, c := range []struct {
		args []string
		ep   api.Endpoint
		want string
	}{
		{[]string{"--reasons=metadata"}, api.Endpoint{Style: "managed", Reasons: []string{"metadata"}}, warning},
		{[]string{"--reasons=metadata,delete"}, api.Endpoint{Style: "managed", Reasons: []string{"metadata", "delete"}}, ""},
		{[]string{"--events=AssetCreated"}, api.Endpoint{Style: "managed", Events: []string{"AssetCreated"}}, warning},
		{[]string{"--events=AssetCreated,AssetDeleted"}, api.Endpoint{Style: "managed", Events: []string{"AssetCreated", "AssetDeleted"}}, ""},
		{[]string{"--description=x"}, api.Endpoint{Style: "managed", Events: []string{"AssetCreated"}}, ""},
		{[]string{"--events="}, api.Endpoint{Style: "managed"}, ""},
		{[]string{"--events=AssetCreated"}, api.Endpoint{Style: "notify", Events: []string{"AssetCreated"}}, ""},
		{[]string{"--style=managed"}, api.Endpoint{Style: "managed", Events: []string{"AssetCreated"}}, warning},
	} {
		c.ep.Name = "pim"
		d := newFakeDaemon(t, map[string]any{"PATCH /endpoints/pim": c.ep, "POST /endpoints": c.ep})
		t.Log(c.args)
		d.run(t, "", nil, append([]string{"endpoint", "update", "pim"}, c.args...)...).wants(t, ExitDone, "endpoint pim updated\n", c.want)
		if c.ep.Style == "managed" && c.args[0] != "--description=x" {
			add := append([]string{"endpoint", "add", "pim", "--url=https://pim.example", "--style=managed"}, c.args...)
			d.run(t, "", nil, add...).wants(t, ExitDone, "endpoint pim added", c.want)
		}
	}
}
