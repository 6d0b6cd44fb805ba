package admin

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

// managed registers an endpoint with a configuration, or without.
func (r *running) managed(t *testing.T, configuration string) {
	t.Helper()
	create := newShop()
	create.Style = api.Set("managed")
	if configuration != "" {
		create.Options = map[string]any{"configuration": json.RawMessage(configuration)}
	}
	if _, err := r.CreateEndpoint(t.Context(), create); err != nil {
		t.Fatal(err)
	}
}

func (r *running) configuration(t *testing.T) string {
	t.Helper()
	ep, err := r.Endpoint(t.Context(), "shop", true)
	if err != nil {
		t.Fatal(err)
	}
	return string(ep.Options["configuration"])
}

func TestSingleValuesOfAConfigurationAreChanged(t *testing.T) {
	t.Parallel()
	const before = `{"apiKey":"` + secret + `","at":{"retries":3}}`
	for _, tt := range []struct{ name, stored, patch, want, err string }{
		{"a value", before, `{"configurationChanges":[{"path":"/at/retries","value":5}]}`, `{"apiKey":"` + secret + `","at":{"retries":5}}`, ""},
		{"several, in order", before, `{"configurationChanges":[{"path":"/at","remove":true},{"path":"/at/on","value":null},{"path":"/b","value":[1]}]}`, `{"apiKey":"` + secret + `","at":{"on":null},"b":[1]}`, ""},
		{"a first value", "", `{"configurationChanges":[{"path":"/apiKey","value":"k"}]}`, `{"apiKey":"k"}`, ""},
		{"behind a new whole", before, `{"configurationChanges":[{"path":"/b","value":2}],"configuration":{"a":1}}`, `{"a":1,"b":2}`, ""},
		{"nothing", before, `{"configurationChanges":null}`, before, ""},
		{"a mask for what is stored", before, `{"configurationChanges":[{"path":"/apiKey","value":"***"},{"path":"/at","value":{"retries":"***","new":1}}]}`, `{"apiKey":"` + secret + `","at":{"new":1,"retries":3}}`, ""},
		{"a mask for nothing", before, `{"configurationChanges":[{"path":"/apikey","value":"***"}]}`, before, "configuration: /apikey has the value ***"},
		{"what is not there", before, `{"configurationChanges":[{"path":"/apikey","remove":true}]}`, before, "configuration: there is no /apikey; did you mean apiKey?"},
		{"into a value", before, `{"configurationChanges":[{"path":"/apiKey/of","value":"x"}]}`, before, "configuration: /apiKey is a value of its own"},
		{"no value", before, `{"configurationChanges":[{"path":"/apiKey"}]}`, before, "change 1 has neither a value nor remove"},
		{"both", before, `{"configurationChanges":[{"path":"/apiKey","value":1,"remove":true}]}`, before, "change 1 has neither a value nor remove, or both"},
		{"no list", before, `{"configurationChanges":{"path":"/apiKey"}}`, before, "member configurationChanges is a JSON object where an array is due"},
		{"nor else", before, `{"configurationChange":[]}`, before, "unknown member"},
		{"another style", before, `{"style":"slow","configurationChanges":[{"path":"/a","value":1}]}`, before, "style slow of endpoint shop has no configuration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			server.managed(t, tt.stored)
			got := server.raw(t, "PATCH", "/api/v1/endpoints/shop", "application/json", tt.patch)
			if tt.err == "" && got.status != 200 || tt.err != "" && (got.status != 422 || !strings.Contains(got.body, tt.err)) {
				t.Errorf("%d %s, want %s", got.status, got.body, tt.err)
			}
			if holdsSecret(got.body) {
				t.Errorf("the answer holds the secret: %s", got.body)
			}
			if now := server.configuration(t); now != tt.want {
				t.Errorf("it became %s, want %s", now, tt.want)
			}
		})
	}
}

// Who changes one value and who changes another do not undo each other.
func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	server := start(t)
	server.managed(t, "")
	var group sync.WaitGroup
	for _, name := range strings.Split("abcdefgh", "") {
		group.Go(func() {
			_, err := server.UpdateEndpoint(t.Context(), "shop", api.EndpointUpdate{
				ConfigurationChanges: []api.ConfigurationChange{{Path: "/" + name, Value: json.RawMessage("1")}},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, want := server.configuration(t), `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
