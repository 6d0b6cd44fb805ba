package admin

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

const integrationsPath = api.Root + "/managed-integrations"

// pim is an integration with every setting, as it is sent.
const pim = `{
	"name":"pim","enabled":false,"endpointUrl":"https://user:` + secret + `@pim.example/dam",
	"additionalMetadataFields":["title","keywords"],"triggerOnFormatChange":[50036,"web"],"alwaysTrigger":true,
	"assetFilter":"event.itemId == 5","customHeaders":{"x-key":"` + secret + `"},"language":"da","maxBatchSize":50,
	"requestTimeout":2.5,"apiUser":"dam-reader","integrationConfigurationSchema":{"type":"object"},
	"integrationConfiguration":{"apiKey":"` + secret + `","at":[1]}}`

// shownPIM is how it is shown.
const shownPIM = `{"id":"pim","name":"pim","enabled":false,"endpointUrl":"https://***@pim.example/dam",` +
	`"additionalMetadataFields":["title","keywords"],"triggerOnFormatChange":[50036,"web"],"alwaysTrigger":true,` +
	`"assetFilter":"event.itemId == 5","customHeaders":{"X-Key":"***"},"language":"da","maxBatchSize":50,` +
	`"requestTimeout":2.5,"apiUser":"dam-reader","integrationConfigurationSchema":{"type":"object"},` +
	`"integrationConfiguration":{"apiKey":"***","at":["***"]}}`

// ask makes a request and wants its status.
func (r *running) ask(t *testing.T, method, path, body string, status int) string {
	t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	got := r.raw(t, method, path, contentType, body)
	if got.status != status {
		t.Errorf("%s %s: %d %s, want %d", method, path, got.status, got.body, status)
	}
	return strings.TrimSpace(got.body)
}

func startWithPIM(t *testing.T) *running {
	t.Helper()
	server := start(t)
	server.ask(t, "POST", integrationsPath, pim, 201)
	return server
}

func sameJSON(t *testing.T, what, got, want string) {
	t.Helper()
	var left, right any
	if err := json.Unmarshal([]byte(got), &left); err != nil {
		t.Fatalf("%s: %v: %s", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &right); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(right, left); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestLifeOfAManagedIntegration(t *testing.T) {
	t.Parallel()
	server := start(t)
	sameJSON(t, "none", server.ask(t, "GET", integrationsPath, "", 200), `{"integrations":[]}`)
	sameJSON(t, "created", server.ask(t, "POST", integrationsPath, pim, 201), shownPIM)
	sameJSON(t, "shown", server.ask(t, "GET", integrationsPath+"/pim", "", 200), shownPIM)
	sameJSON(t, "listed", server.ask(t, "GET", integrationsPath, "", 200), `{"integrations":[`+shownPIM+`]}`)
	server.ask(t, "POST", integrationsPath, pim, 409)

	// It is an endpoint like others.
	ep, err := server.Endpoint(t.Context(), "pim", true)
	if err != nil {
		t.Fatal(err)
	}
	if ep.Style != "managed" || ep.ChangeTypes != event.AssetChanged || ep.Timeout.String() != "2.5s" || ep.Filter != "event.itemId == 5" ||
		string(ep.Options["triggerFormats"]) != `[50036,"web"]` || ep.Headers["X-Key"] != secret {
		t.Errorf("as an endpoint: %+v", ep)
	}
	if revealed := server.ask(t, "GET", integrationsPath+"/pim?reveal=true", "", 200); strings.Count(revealed, secret) != 3 {
		t.Errorf("revealed: %s", revealed)
	}
	if got := server.ask(t, "DELETE", integrationsPath+"/pim", "", 200); !strings.Contains(got, `"name":"pim"`) {
		t.Errorf("removed: %s", got)
	}
	server.ask(t, "GET", integrationsPath+"/pim", "", 404)
}

func TestAnIntegrationOfDefaults(t *testing.T) {
	t.Parallel()
	server := start(t)
	sameJSON(t, "created", server.ask(t, "POST", integrationsPath, `{"id":"pim","endpointUrl":"https://pim.example/"}`, 201),
		`{"id":"pim","name":"pim","enabled":true,"endpointUrl":"https://pim.example/","additionalMetadataFields":[],
		"triggerOnFormatChange":[],"alwaysTrigger":false,"assetFilter":"","customHeaders":{},"language":"","maxBatchSize":200,
		"requestTimeout":100,"apiUser":"","integrationConfigurationSchema":null,"integrationConfiguration":null}`)
}

func TestAnIntegrationIsChanged(t *testing.T) {
	t.Parallel()
	edited := strings.NewReplacer(`"da"`, `"en"`, `"at":["***"]`, `"at":["***","b"]`)
	for _, tt := range []struct{ name, method, body, want string }{
		{"what is absent stays", "PATCH", `{"language":"en"}`, strings.Replace(shownPIM, `"da"`, `"en"`, 1)},
		{"headers merge", "PATCH", `{"customHeaders":{"X-New":"n"}}`, strings.Replace(shownPIM, `"X-Key":"***"`, `"X-Key":"***","X-New":"***"`, 1)},
		{"null is the default", "PATCH", `{"maxBatchSize":null,"requestTimeout":null,"integrationConfiguration":null}`, strings.NewReplacer(
			`"maxBatchSize":50`, `"maxBatchSize":200`, `"requestTimeout":2.5`, `"requestTimeout":100`,
			`{"apiKey":"***","at":["***"]}`, `null`).Replace(shownPIM)},
		{"what is shown can be sent back", "PUT", shownPIM, shownPIM},
		{"also to be merged", "PATCH", shownPIM, shownPIM},
		{
			"what is absent is the default", "PUT", `{"endpointUrl":"https://pim.example/","customHeaders":{"X-New":"n"}}`,
			`{"id":"pim","name":"pim","enabled":true,"endpointUrl":"https://pim.example/","additionalMetadataFields":[],
			"triggerOnFormatChange":[],"alwaysTrigger":false,"assetFilter":"","customHeaders":{"X-New":"***"},"language":"","maxBatchSize":200,
			"requestTimeout":100,"apiUser":"","integrationConfigurationSchema":null,"integrationConfiguration":null}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startWithPIM(t)
			sameJSON(t, "changed", server.ask(t, tt.method, integrationsPath+"/pim", tt.body, 200), tt.want)
			sameJSON(t, "shown", server.ask(t, "GET", integrationsPath+"/pim", "", 200), tt.want)
			revealed := server.ask(t, "GET", integrationsPath+"/pim?reveal=true", "", 200)
			if tt.want == shownPIM && strings.Count(revealed, secret) != 3 || strings.Contains(revealed, `"***"`) {
				t.Errorf("what was masked did not stay: %s", revealed)
			}
		})
	}
	server := startWithPIM(t)
	if got := server.ask(t, "PUT", integrationsPath+"/pim", edited.Replace(shownPIM), 422); !strings.Contains(got, "member integrationConfiguration: /at/0 has the value ***") {
		t.Errorf("a mask for nothing: %s", got)
	}
}

func TestAnIntegrationThatIsWrong(t *testing.T) {
	t.Parallel()
	server := startWithPIM(t)
	for body, want := range map[string]string{
		`{"endpointURL":"https://` + secret + `@x.example"}`: `unknown member \"endpointURL\"; did you mean endpointUrl?`,
		`{"url":"https://` + secret + `@x.example"}`:         `unknown member \"url\"; did you mean endpointUrl?`,
		`{"style":"notify"}`:                                 `unknown member \"style\"`,
		`{"tenantId":"` + secret + `"}`:                      `unknown member \"tenantId\"`,
		`{"requestTimeout":"` + secret + `"}`:                "member requestTimeout is a JSON string where a number is due",
		`{"requestTimeout":0}`:                               "requestTimeout is not a number of seconds above 0, at most 3600",
		`{"requestTimeout":1e300}`:                           "requestTimeout is not a number of seconds above 0",
		`{"endpointUrl":null,"maxBatchSize":null}`:           "endpointUrl is missing",
		`{"endpointUrl":"ftp://x.example"}`:                  `endpointUrl \"ftp://x.example\": scheme \"ftp\" is not http or https`,
		`{"endpointUrl":5}`:                                  "member endpointUrl is a JSON number where a string is due",
		`{"customHeaders":["` + secret + `"]}`:               "member customHeaders is a JSON array where an object is due",
		`{"integrationConfiguration":{"no":"***"}}`:          "member integrationConfiguration: /no has the value ***",
		`{"name":"other"}`:                                   "endpoint pim can't be renamed",
		`{"id":"other"}`:                                     "endpoint pim can't be renamed",
		`{"id":"other","name":"pim"}`:                        "an integration's id is its name",
		`[]`:                                                 "the body is a JSON array, not an object",
	} {
		for _, method := range []string{"PATCH", "PUT"} {
			got := server.raw(t, method, integrationsPath+"/pim", "application/json", body)
			if got.status < 400 || got.status > 499 || !strings.Contains(got.body, want) || holdsSecret(got.body) {
				t.Errorf("%s %s: %d %s, want %s", method, body, got.status, got.body, want)
			}
		}
	}
	if got := server.ask(t, "POST", integrationsPath, `{"endpointUrl":"https://x.example"}`, 422); !strings.Contains(got, "endpoint name") {
		t.Errorf("without a name: %s", got)
	}
	sameJSON(t, "nothing has changed", server.ask(t, "GET", integrationsPath+"/pim", "", 200), shownPIM)
}

func TestOtherEndpointsAreNoIntegrations(t *testing.T) {
	t.Parallel()
	server := startWithPIM(t)
	if _, err := server.CreateEndpoint(t.Context(), newShop()); err != nil {
		t.Fatal(err)
	}
	for method, body := range map[string]string{"GET": "", "DELETE": "", "PATCH": `{}`, "PUT": `{"endpointUrl":"https://x.example"}`} {
		got := server.ask(t, method, integrationsPath+"/shop", body, 404)
		if !strings.Contains(got, "endpoint shop is no managed integration") || !strings.Contains(got, "it is of style notify: see /api/v1/endpoints/shop") {
			t.Errorf("%s: %s", method, got)
		}
	}
	sameJSON(t, "listed", server.ask(t, "GET", integrationsPath, "", 200), `{"integrations":[`+shownPIM+`]}`)
	if _, err := server.Endpoint(t.Context(), "shop", false); err != nil {
		t.Errorf("it has gone: %v", err)
	}
	server.ask(t, "POST", integrationsPath+"/pim", `{}`, 405)
}
