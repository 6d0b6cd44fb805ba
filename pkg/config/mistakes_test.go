package config

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file    string // its name; /c/dz.yaml if empty
		content string
		want    string
	}{
		"an unknown section": {
			content: "# 1\n# 2\n\ndebounce:\n  interval: 5s",
			want:    `/c/dz.yaml:4: unknown key "debounce"; did you mean debouncing?`,
		},
		"an unknown key of a section": {
			content: "store:\n  path: /x\n  max_sise: 5",
			want:    `/c/dz.yaml:3: unknown key "store.max_sise"; did you mean store.max_size?`,
		},
		"a key of another section": {
			content: "interval: 5s\nlog: {listen: ':1'}",
			want: text(`/c/dz.yaml:1: unknown key "interval"; did you mean debouncing.interval?`,
				`/c/dz.yaml:2: unknown key "log.listen"; did you mean metrics.listen?`),
		},
		"a key of several sections": {
			content: "max_size: 5",
			want:    `/c/dz.yaml:1: unknown key "max_size"; did you mean store.max_size or store.events.max_size?`,
		},
		"a dotted key": {
			content: "store.pat: /x",
			want:    `/c/dz.yaml:1: unknown key "store.pat"; did you mean store.path?`,
		},
		"a key like no other": {
			content: "events:\n  zebra: 1\nmetrics: {zebra: 1}",
			want: text(`/c/dz.yaml:1: unknown key "events"; did you mean store.events?`,
				`/c/dz.yaml:3: unknown key "metrics.zebra"; known here: listen`),
		},
		"a key of a source": {
			content: "sources:\n  - name: a\n    type: file\n    path: /a\n    pth: /b",
			want:    `/c/dz.yaml:5: unknown key "sources[0].pth"; did you mean sources[0].path?`,
		},
		"a merge key": {
			content: "store: &s {path: /x}\nsocket: {<<: *s}",
			want:    `/c/dz.yaml:2: unknown key "socket.<<"; known here: path, group, view_group`,
		},
		"a key that is a list": {
			content: "? [a]\n: b",
			want:    `/c/dz.yaml:1: unknown key "?"; known here: store, secrets, socket, debouncing, network, catalogue, log, metrics, sources`,
		},
		"a key twice": {
			content: "log:\n  level: info\nLog:\n  level: warn\nstore: {path: /a, path: /b}",
			want: text(`/c/dz.yaml:3: "Log" is there twice; first on line 1`,
				`/c/dz.yaml:5: "store.path" is there twice; first on line 5`),
		},
		"a section that is none": {
			content: "store: /var/lib/dz\nlog: [debug]",
			want: text(`/c/dz.yaml:1: store is a text where a section is due (with path, max_size, compact, events)`,
				`/c/dz.yaml:2: log is a list where a section is due (with level, format)`),
		},
		"a value of another kind": {
			content: "store:\n  path: 5\n  max_size: true\nlog:\n  level: [info]\n  format: {a: b}",
			want: text(`/c/dz.yaml:2: store.path is a number where a text is due`,
				`/c/dz.yaml:3: store.max_size is true or false where a text is due`,
				`/c/dz.yaml:5: log.level is a list where a text is due`,
				`/c/dz.yaml:6: log.format is a section where a text is due`),
		},
		"a list that is none": {
			content: "network: {deny: 10.0.0.0/8}\nsources: {name: a}",
			want: text(`/c/dz.yaml:1: network.deny is a text where a list is due`,
				`/c/dz.yaml:2: sources is a section where a list is due`),
		},
		"items of another kind": {
			content: "network:\n  deny:\n    - 10.0.0.0/8\n    - 5\n    - [a]\nsources:\n  - /var/spool\n  -",
			want: text(`/c/dz.yaml:4: network.deny[1] is a number where a text is due`,
				`/c/dz.yaml:5: network.deny[2] is a list where a text is due`,
				`/c/dz.yaml:7: sources[0] is a text where a section is due (with name, type, path)`,
				`/c/dz.yaml:8: sources[1] is nothing where a section is due (with name, type, path)`),
		},
		"a file that is a list": {
			content: "- a",
			want:    `/c/dz.yaml:1: the file holds a list where keys are due (store, secrets, socket, debouncing, network, catalogue, log, metrics, sources)`,
		},
		"durations": {
			content: "debouncing:\n  interval: -5s\n  max_wait: soon\nstore: {events: {keep: 7}}",
			want: text(`/c/dz.yaml:2: debouncing.interval: duration "-5s" is negative: write 0 or more`,
				`/c/dz.yaml:3: debouncing.max_wait: duration "soon" can't be read: write "5s", "1h30m" or "00:00:05"`,
				`/c/dz.yaml:4: store.events.keep: duration "7" has no unit: write "7s" or "00:00:07"`),
		},
		"sizes": {
			content: "store:\n  max_size: 20G\n  events: {max_size: -1}",
			want: text(`/c/dz.yaml:2: store.max_size: size "20G": write 20GiB (by 1024) or 20GB (by 1000)`,
				`/c/dz.yaml:3: store.events.max_size: size "-1" is negative: write 0 or more`),
		},
		"networks": {
			content: "network:\n  deny: [10.0.0.0/33]\n  allow:\n    - localhost\n    - fe80::1%eth0",
			want: text(`/c/dz.yaml:2: network.deny[0]: "10.0.0.0/33" is no network: write "10.0.0.0/8", "fd00::/8" or an address`,
				`/c/dz.yaml:4: network.allow[0]: "localhost" is no network: write "10.0.0.0/8", "fd00::/8" or an address`,
				`/c/dz.yaml:5: network.allow[1]: "fe80::1%eth0" is no network: write "10.0.0.0/8", "fd00::/8" or an address`),
		},
		"a catalogue": {
			content: text("catalogue:", "  type: REST-API", "  preset: digisuite", "  variables: [domain, a=]", "  url: https://u:secret@dam.test",
				"  concurrency: 0", "  rate: NaN", "  auth: {password: secret}"),
			want: text(`/c/dz.yaml:2: catalogue.type: "REST-API" is none of embedded, rest`,
				`/c/dz.yaml:3: catalogue.preset: "digisuite" is none of digizuite, directus, nexx; did you mean digizuite?; a file that declares another API has a name like dam.yaml`,
				`/c/dz.yaml:4: catalogue.variables[0]: "domain" is no variable: write "name=value"`,
				`/c/dz.yaml:4: catalogue.variables[1]: "a=" is no variable: write "name=value"`,
				`/c/dz.yaml:5: catalogue.url: it has user information: set catalogue.auth.username and catalogue.auth.password_file`,
				`/c/dz.yaml:6: catalogue.concurrency: "0" is no number of requests from 1 to 64`,
				`/c/dz.yaml:7: catalogue.rate: "NaN" is no number of requests a second; 0 is unlimited`,
				`/c/dz.yaml:8: unknown key "catalogue.auth.password"; known here: username, password_file, token_file`),
		},
		"a catalogue without what it needs": {
			content: "catalogue:\n  type: rest\n  variables: [a=1, a=2]\n  timeout: 0",
			want: text(`/c/dz.yaml:2: catalogue.url is missing: where the DAM's API is`,
				`/c/dz.yaml:2: catalogue.preset is missing: one of digizuite, directus, nexx, or a file that declares the DAM's API`,
				`/c/dz.yaml:4: catalogue.timeout is 0, within which nothing can be read`,
				`/c/dz.yaml:3: catalogue.variables has a twice`),
		},
		"an embedded catalogue with what is for another": {
			content: "catalogue:\n  url: https://dam.test\n  auth: {username: a}",
			want: text(`/c/dz.yaml:2: catalogue.url is for catalogue.type rest, and that is embedded`,
				`/c/dz.yaml:3: catalogue.auth.username is for catalogue.type rest, and that is embedded`),
		},
		"log": {
			content: "log:\n  level: warning\n  format: xml",
			want: text(`/c/dz.yaml:2: log.level: "warning" is none of debug, info, warn, error; did you mean warn?`,
				`/c/dz.yaml:3: log.format: "xml" is none of auto, text, json`),
		},
		"compact": {
			content: "store: {compact: yes}",
			want:    `/c/dz.yaml:1: store.compact: "yes" is none of auto, always, never`,
		},
		"listen": {
			content: "metrics: {listen: '9464'}",
			want:    `/c/dz.yaml:1: metrics.listen: "9464" is no address to listen on: write host:port, as in "127.0.0.1:9464"`,
		},
		"port": {
			content: "metrics: {listen: 'localhost:70000'}",
			want:    `/c/dz.yaml:1: metrics.listen: port "70000" is not a number from 0 to 65535`,
		},
		"paths": {
			content: "store: {path: ''}\nsocket: {path: \"a\\0b\"}",
			want: text(`/c/dz.yaml:1: store.path: a path is empty`,
				`/c/dz.yaml:2: socket.path: a path holds a zero byte`),
		},
		"a ceiling below the window": {
			content: "debouncing:\n  interval: 10s\n  max_wait: 5s",
			want:    `/c/dz.yaml:3: debouncing.max_wait 5s is less than debouncing.interval 10s`,
		},
		"a store of bytes": {
			content: "store:\n  max_size: 20",
			want:    `/c/dz.yaml:2: store.max_size 20B is less than 1MiB; 0 is unlimited`,
		},
		"more events than store": {
			content: "store:\n  max_size: 1GiB\n  events:\n    max_size: 2GiB",
			want:    `/c/dz.yaml:4: store.events.max_size 2GiB is more than store.max_size 1GiB`,
		},
		"sources": {
			content: text("sources:", "  - {name: a, type: file, path: /a}", "  - name: a", "    type: flie", "    path: /a",
				"  - name: sp ool", "    type: file", "    path: /b", "  - {}"),
			want: text(`/c/dz.yaml:3: sources[1].name "a" is that of sources[0] already`,
				`/c/dz.yaml:4: sources[1].type "flie" is none of file; did you mean file?`,
				`/c/dz.yaml:6: sources[2].name "sp ool": write letters, digits, '.', '_' and '-', at most 64`,
				`/c/dz.yaml:9: sources[3] has no name`, `/c/dz.yaml:9: sources[3] has no type`, `/c/dz.yaml:9: sources[3] has no path`),
		},
		"not YAML": { // in line 3; the library names the section's first
			content: "store:\n  path: /x\n max_size: 5",
			want:    `/c/dz.yaml:2: not YAML: did not find expected key`,
		},
		"not YAML in the first line": {
			content: "store: path: /x",
			want:    `/c/dz.yaml:1: not YAML: mapping values are not allowed in this context`,
		},
		"two documents": {
			content: "log: {level: info}\n---\nlog: {level: warn}",
			want:    `/c/dz.yaml:2: a second YAML document: a configuration is one`,
		},
		"an alias of itself": {
			content: "sources: &s [*s]",
			want:    `/c/dz.yaml:1: not a configuration: more than 100000 values`,
		},
		"not JSON": {
			file: "/c/dz.json", content: "{\n  \"log\": {\n    \"level\": \"info\",\n  }\n}",
			want: `/c/dz.json:4: not JSON: invalid character '}' looking for beginning of object key string`,
		},
		"JSON that ends early": {
			file: "/c/dz.json", content: "{\n  \"log\":\n",
			want: `/c/dz.json:2: not JSON: unexpected end of JSON input`,
		},
		"mistakes in JSON": {
			file: "/c/dz.json", content: "{\n  \"log\": {\n    \"level\":\n      \"loud\",\n    \"level\": 5\n  },\n  \"debounce\": {}\n}",
			want: text(`/c/dz.json:4: log.level: "loud" is none of debug, info, warn, error`,
				`/c/dz.json:5: "log.level" is there twice; first on line 3`,
				`/c/dz.json:7: unknown key "debounce"; did you mean debouncing?`),
		},
		"not TOML": {
			file: "/c/dz.toml", content: "[log]\nlevel = 'info'\n[log]\n",
			want: `/c/dz.toml:3: not TOML: table log already exists`,
		},
		"mistakes in TOML": {
			file: "/c/dz.toml",
			content: text("[log]", "level = 'loud'", "Level = 5", "", "[debounce]", "x = 1", "[[sources]]", "name = 'a'", "pth = '/a'",
				"[network]", "deny = [", "  '10.0.0.0/8',", "  true,", "]", "[Store.x]"),
			want: text(`/c/dz.toml:2: log.level: "loud" is none of debug, info, warn, error`,
				`/c/dz.toml:3: "log.Level" is there twice; first on line 2`,
				`/c/dz.toml:5: unknown key "debounce"; did you mean debouncing?`,
				`/c/dz.toml:9: unknown key "sources[0].pth"; did you mean sources[0].path?`,
				`/c/dz.toml:13: network.deny[1] is true or false where a text is due`,
				`/c/dz.toml:15: unknown key "store.x"; known here: path, max_size, compact, events`),
		},
		"another format": {
			file: "/c/dz.conf", content: "log: {level: info}",
			want: `/c/dz.conf: the format is told by the name's end: .yaml, .yml, .json or .toml, not ".conf"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := test.file
			if file == "" {
				file = "/c/dz.yaml"
			}
			if diff := cmp.Diff(test.want, user().with(file, test.content).failure(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakesInVariablesAreNamedWithTheVariable(t *testing.T) {
	t.Parallel()
	for env, want := range map[string]string{
		"DZ_STORE_MAX_SIZE=lots":                 `DZ_STORE_MAX_SIZE: store.max_size: size "lots" can't be read: write "20GiB", "500MB" or a number of bytes`,
		"DZ_NETWORK_DENY=10.0.0.0/8,nowhere":     `DZ_NETWORK_DENY: network.deny[1]: "nowhere" is no network: write "10.0.0.0/8", "fd00::/8" or an address`,
		"DZ_SOURCES=[":                           `DZ_SOURCES: not YAML: did not find expected node content`,
		"DZ_SOURCES=spool":                       `DZ_SOURCES: sources is a text where a list is due`,
		"DZ_SOURCES=[{name: a, typ: file}]":      `DZ_SOURCES: unknown key "sources[0].typ"; did you mean sources[0].type?`,
		"DZ_SOURCES=[{name: a, type: file}]":     `DZ_SOURCES: sources[0] has no path`,
		"DZ_DEBOUNCING_MAX_WAIT=1s":              `DZ_DEBOUNCING_MAX_WAIT: debouncing.max_wait 1s is less than debouncing.interval 5s`,
		"DZ_CONFIG=/no/such.yaml":                `configuration file /no/such.yaml does not exist: create it, or leave out DZ_CONFIG`,
		"DZ_SOCKET=/" + strings.Repeat("x", 107): `DZ_SOCKET: socket path /` + strings.Repeat("x", 107) + ` is 108 bytes long; a UNIX socket's may have 107: set a shorter socket.path, DZ_SOCKET or --socket`,
	} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			h := user()
			h.env = []string{env}
			if diff := cmp.Diff(want, h.failure(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakesInFileAndVariablesComeTogether(t *testing.T) {
	t.Parallel()
	h := user().with("/c/dz.yaml", "log: {level: loud}")
	h.env = []string{"DZ_LOG_FORMAT=xml"}
	want := text(`/c/dz.yaml:1: log.level: "loud" is none of debug, info, warn, error`,
		`DZ_LOG_FORMAT: log.format: "xml" is none of auto, text, json`)
	if diff := cmp.Diff(want, h.failure(t)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatCanNotBeRead(t *testing.T) {
	t.Parallel()
	missing := user()
	missing.file = "/c/dz.yaml"
	if got, want := missing.failure(t), "configuration file /c/dz.yaml does not exist: create it, or leave out --config"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// A file that is there but closed to us must not pass for none.
	closed := user()
	closed.files["/home/ada/.config/dz/dz.yaml"] = "unreadable"
	if got, want := closed.failure(t), "read configuration: open /home/ada/.config/dz/dz.yaml: permission denied"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := user().with("/c/dz.yaml", strings.Repeat("#", maxFileLength+1))
	if got, want := long.failure(t), "read configuration: /c/dz.yaml is longer than 1MiB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWithoutAHomePathsMustBeSet(t *testing.T) {
	t.Parallel()
	homeless := host{uid: 1000}
	want := text("store.path has no default without HOME or XDG_STATE_HOME: set it, or DZ_STORE_PATH",
		"socket.path has no default without HOME, XDG_RUNTIME_DIR or XDG_STATE_HOME: set it, DZ_SOCKET or --socket")
	if diff := cmp.Diff(want, homeless.failure(t)); diff != "" {
		t.Error(diff)
	}
	want = "/c/dz.yaml:1: store.path: ~/dz.db: there is no home directory; write the path in full"
	if diff := cmp.Diff(want, homeless.with("/c/dz.yaml", "store: {path: ~/dz.db}").failure(t)); diff != "" {
		t.Error(diff)
	}
}

func TestSourceTypesAreTheCallers(t *testing.T) {
	t.Parallel()
	h := user().with("/c/dz.yaml", "sources: [{name: q, type: queue, path: /q}]")
	opts := h.options()
	opts.SourceTypes = []string{"file", "queue"}
	if _, err := Load(opts); err != nil {
		t.Error(err)
	}
	if got := h.failure(t); !strings.Contains(got, `"queue" is none of file`) {
		t.Errorf("got %q", got)
	}
}

func TestHowLongASocketsPathMayBe(t *testing.T) {
	t.Parallel()
	for goos, limit := range map[string]int{"linux": 107, "darwin": 103, "freebsd": 103} {
		if err := checkSocketPath(strings.Repeat("x", limit), goos); err != nil {
			t.Errorf("%s refuses %d bytes: %v", goos, limit, err)
		}
		err := checkSocketPath(strings.Repeat("x", limit+1), goos)
		if err == nil || !strings.Contains(err.Error(), "may have "+strconv.Itoa(limit)) {
			t.Errorf("%s with %d bytes: %v", goos, limit+1, err)
		}
	}
}
