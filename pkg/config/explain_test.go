package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func explained(t *testing.T) Config {
	t.Helper()
	h := user().with("/c/dz.yaml", text(
		"store: {path: /x.db, max_size: 1GiB, events: {max_size: 0}}",
		"network:",
		"  deny: [10.0.0.0/8, 192.0.2.1]",
		"socket: {group: '100'}",
		"catalogue: {type: rest, preset: nexx, url: 'https://api.test', rate: 2.5, variables: [domain=484], auth: {token_file: t}}",
		"sources:",
		"  - name: 'true'",
		"    type: file",
		"    path: ./a # b",
	))
	h.env = []string{"DZ_LOG_LEVEL=debug", "DZ_METRICS_LISTEN=:9464"}
	h.socket = "/x.sock"
	return h.load(t)
}

func TestExplainSaysWhereEachSettingComesFrom(t *testing.T) {
	t.Parallel()
	want := []Setting{
		{"store.path", "/x.db", "/c/dz.yaml:1"},
		{"store.max_size", "1GiB", "/c/dz.yaml:1"},
		{"store.compact", "auto", Default},
		{"store.events.keep", "168h", Default},
		{"store.events.max_size", "0", "/c/dz.yaml:1"},
		{"secrets.key_file", "/x.db.key", Default},
		{"socket.path", "/x.sock", "--socket"},
		{"socket.group", "100", "/c/dz.yaml:4"},
		{"socket.view_group", "", Default},
		{"debouncing.interval", "5s", Default},
		{"debouncing.max_wait", "1m", Default},
		{"network.deny", "[10.0.0.0/8, 192.0.2.1/32]", "/c/dz.yaml:3"},
		{"network.allow", "[]", Default},
		{"catalogue.type", "rest", "/c/dz.yaml:5"},
		{"catalogue.preset", "nexx", "/c/dz.yaml:5"},
		{"catalogue.variables", "[domain=484]", "/c/dz.yaml:5"},
		{"catalogue.url", "https://api.test", "/c/dz.yaml:5"},
		{"catalogue.ca_file", "", Default},
		{"catalogue.language", "", Default},
		{"catalogue.timeout", "30s", Default},
		{"catalogue.concurrency", "4", Default},
		{"catalogue.rate", "2.5", "/c/dz.yaml:5"},
		{"catalogue.auth.username", "", Default},
		{"catalogue.auth.password_file", "", Default},
		{"catalogue.auth.token_file", "/c/t", "/c/dz.yaml:5"},
		{"log.level", "debug", "DZ_LOG_LEVEL"},
		{"log.format", "auto", Default},
		{"metrics.listen", ":9464", "DZ_METRICS_LISTEN"},
		{"sources[0].name", "true", "/c/dz.yaml:7"},
		{"sources[0].type", "file", "/c/dz.yaml:8"},
		{"sources[0].path", "/c/a", "/c/dz.yaml:9"},
	}
	c := explained(t)
	if diff := cmp.Diff(want, c.Explain()); diff != "" {
		t.Error(diff)
	}
	c = user().load(t)
	settings := c.Explain()
	if got, want := settings[len(settings)-1], (Setting{"sources", "[]", Default}); got != want {
		t.Errorf("without sources: %v, want %v", got, want)
	}
}

func TestYAMLPrintsAFileThatSetsTheSame(t *testing.T) {
	t.Parallel()
	c := explained(t)
	printed, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	want := `store:
  path: /x.db # /c/dz.yaml:1
  max_size: 1GiB # /c/dz.yaml:1
  compact: auto # default
  events:
    keep: 168h # default
    max_size: 0 # /c/dz.yaml:1
secrets:
  key_file: /x.db.key # default
socket:
  path: /x.sock # --socket
  group: "100" # /c/dz.yaml:4
  view_group: "" # default
debouncing:
  interval: 5s # default
  max_wait: 1m # default
network:
  deny: [10.0.0.0/8, 192.0.2.1/32] # /c/dz.yaml:3
  allow: [] # default
catalogue:
  type: rest # /c/dz.yaml:5
  preset: nexx # /c/dz.yaml:5
  variables: [domain=484] # /c/dz.yaml:5
  url: https://api.test # /c/dz.yaml:5
  ca_file: "" # default
  language: "" # default
  timeout: 30s # default
  concurrency: 4 # default
  rate: 2.5 # /c/dz.yaml:5
  auth:
    username: "" # default
    password_file: "" # default
    token_file: /c/t # /c/dz.yaml:5
log:
  level: debug # DZ_LOG_LEVEL
  format: auto # default
metrics:
  listen: :9464 # DZ_METRICS_LISTEN
sources:
  - name: "true" # /c/dz.yaml:7
    type: file # /c/dz.yaml:8
    path: /c/a # /c/dz.yaml:9
`
	if diff := cmp.Diff(want, string(printed)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(c, user().with("/other.yaml", string(printed)).load(t), settingsOnly()); diff != "" {
		t.Error(diff)
	}
}
