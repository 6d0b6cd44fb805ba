package config

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dam-delivery/dz/pkg/timespan"
)

func seconds(n int) timespan.Span { return timespan.Span(time.Duration(n) * time.Second) }

// comparePrefixes lets cmp see into networks.
func comparePrefixes() cmp.Option { return cmpopts.EquateComparable(netip.Prefix{}) }

// settingsOnly leaves out where the settings come from.
func settingsOnly() cmp.Option {
	return cmp.Options{comparePrefixes(), cmpopts.IgnoreFields(Config{}, "File", "Origins", "Warnings")}
}

func defaults() Config {
	return Config{
		Store: Store{
			Path: "/home/ada/.local/state/dz/dz.db", MaxSize: 20 << 30, Compact: CompactAuto,
			Events: Events{Keep: seconds(7 * 24 * 3600), MaxSize: 256 << 20},
		},
		Secrets:    Secrets{KeyFile: "/home/ada/.local/state/dz/dz.db.key"},
		Socket:     Socket{Path: "/home/ada/.local/state/dz/dz.sock"},
		Debouncing: Debouncing{Interval: seconds(5), MaxWait: seconds(60)},
		Network:    Network{Deny: []netip.Prefix{}, Allow: []netip.Prefix{}},
		Catalogue:  Catalogue{Type: CatalogueEmbedded, Variables: []string{}, Timeout: seconds(30), Concurrency: 4},
		Log:        Log{Level: slog.LevelInfo, Format: FormatAuto},
		Sources:    []Source{},
		Origins:    map[string]string{},
	}
}

func TestWithoutAFileEverythingHasItsDefault(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(defaults(), user().load(t), comparePrefixes()); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyFileSetsNothing(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"no byte": "", "a comment": "# nothing\n", "a document": "---\n", "no keys": "{}",
		"null": "null", "byte-order mark": "\ufeff", "keys left open": "store:\nsources:\nlog:\n  level:\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(defaults(), user().with("/c/dz.yaml", content).load(t), settingsOnly()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, name := range []string{"/c/dz.json", "/c/dz.toml"} {
		if diff := cmp.Diff(defaults(), user().with(name, "\ufeff\n").load(t), settingsOnly()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestStoreAndSocketLieWhereTheSystemKeepsSuchThings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		host          host
		store, socket string
	}{
		"root": {root(), "/var/lib/dz/dz.db", "/run/dz/dz.sock"},
		"a user's folders": {
			host{uid: 1000, home: "/home/ada", env: []string{"XDG_STATE_HOME=/s", "XDG_RUNTIME_DIR=/run/user/1000"}},
			"/s/dz/dz.db", "/run/user/1000/dz/dz.sock",
		},
		"no runtime folder": {user(), "/home/ada/.local/state/dz/dz.db", "/home/ada/.local/state/dz/dz.sock"},
		"relative folders are ignored": {
			host{uid: 1000, home: "/home/ada", env: []string{"XDG_STATE_HOME=s", "XDG_RUNTIME_DIR=r"}},
			"/home/ada/.local/state/dz/dz.db", "/home/ada/.local/state/dz/dz.sock",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := test.host.load(t)
			if c.Store.Path != test.store || c.Socket.Path != test.socket {
				t.Errorf("store %s, socket %s; want %s and %s", c.Store.Path, c.Socket.Path, test.store, test.socket)
			}
		})
	}
}

func TestTheFileIsFoundWhereItUsuallyLies(t *testing.T) {
	t.Parallel()
	everywhere := map[string]string{
		"/etc/dz/dz.yaml": "", "/home/ada/.config/dz/dz.yaml": "", "/root/.config/dz/dz.yaml": "",
		"/x/dz/dz.yaml": "", "/by/variable.yaml": "", "/by/flag.yaml": "",
	}
	roots := map[string]string{"/root/.config/dz/dz.yaml": ""}
	for name, test := range map[string]struct {
		host host
		want string
	}{
		"root, the system's":         {host{home: "/root", files: everywhere}, "/etc/dz/dz.yaml"},
		"root, without the system's": {host{home: "/root", files: roots}, "/root/.config/dz/dz.yaml"},
		"a user's own":               {host{uid: 1, home: "/home/ada", files: everywhere}, "/home/ada/.config/dz/dz.yaml"},
		"XDG_CONFIG_HOME":            {host{uid: 1, home: "/home/ada", files: everywhere, env: []string{"XDG_CONFIG_HOME=/x"}}, "/x/dz/dz.yaml"},
		"DZ_CONFIG":                  {host{files: everywhere, env: []string{"DZ_CONFIG=/by/variable.yaml"}}, "/by/variable.yaml"},
		"--config":                   {host{files: everywhere, file: "/by/flag.yaml", env: []string{"DZ_CONFIG=/by/variable.yaml"}}, "/by/flag.yaml"},
		"an empty DZ_CONFIG":         {host{home: "/root", files: roots, env: []string{"DZ_CONFIG="}}, "/root/.config/dz/dz.yaml"},
		"nowhere":                    {user(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c := test.host.load(t); c.File != test.want {
				t.Errorf("read %q, want %q", c.File, test.want)
			}
		})
	}
}

func TestADAMsOwnFileWorksUnchanged(t *testing.T) {
	t.Parallel()
	c := user().with("/dam/appsettings.json", `{"Debouncing":{"Interval":"00:00:07"}}`).load(t)
	if want := (Debouncing{seconds(7), seconds(60)}); c.Debouncing != want {
		t.Errorf("debouncing is %v, want %v", c.Debouncing, want)
	}
	// An interval above the default ceiling raises it: the file can't name it.
	c = user().with("/dam/appsettings.json", `{"Debouncing":{"Interval":"00:05:00"}}`).load(t)
	if want := (Debouncing{seconds(300), seconds(300)}); c.Debouncing != want {
		t.Errorf("debouncing is %v, want %v", c.Debouncing, want)
	}
	if w := c.Debouncing.Window(); w.Interval != 5*time.Minute || w.MaxWait != 5*time.Minute {
		t.Errorf("the window is %v", w)
	}
}

func TestTheRingOfEventsLeavesRoomInASmallStore(t *testing.T) {
	t.Parallel()
	c := user().with("/c/dz.yaml", "store: {max_size: 100MiB}").load(t)
	if c.Store.Events.MaxSize != 25<<20 {
		t.Errorf("events take %s of 100MiB", c.Store.Events.MaxSize)
	}
	c = user().with("/c/dz.yaml", "store: {max_size: 0, events: {keep: 0, max_size: 0}}").load(t)
	if c.Store.MaxSize != 0 || c.Store.Events != (Events{}) {
		t.Errorf("0 became %+v", c.Store)
	}
}

func TestWhereTheKeyOfSecretsLies(t *testing.T) {
	t.Parallel()
	const beside = "/home/ada/.local/state/dz/dz.db.key"
	for name, c := range map[string]struct {
		file    string
		env     []string
		present []string
		want    string
		origin  string
		mayMake bool
	}{
		"beside the store":           {"", nil, nil, beside, "", true},
		"beside a store elsewhere":   {"store: {path: s.db}", nil, nil, "/c/s.db.key", "", true},
		"where the file says":        {"secrets: {key_file: keys/dz}", nil, nil, "/c/keys/dz", "/c/dz.yaml:1", false},
		"a credential":               {"", []string{"CREDENTIALS_DIRECTORY=/run/cred"}, []string{"/run/cred/dz.key"}, "/run/cred/dz.key", "CREDENTIALS_DIRECTORY", false},
		"credentials without a key":  {"", []string{"CREDENTIALS_DIRECTORY=/run/cred"}, []string{"/run/cred/other"}, beside, "", true},
		"a setting over credentials": {"secrets: {key_file: /k}", []string{"CREDENTIALS_DIRECTORY=/run/cred"}, []string{"/run/cred/dz.key"}, "/k", "/c/dz.yaml:1", false},
	} {
		h := user().with("/c/dz.yaml", c.file)
		h.env, h.present = c.env, c.present
		got := h.load(t)
		if got.Secrets.KeyFile != c.want || got.Origins["secrets.key_file"] != c.origin || got.MayMakeKey() != c.mayMake {
			t.Errorf("%s: %s from %q, may be made: %t", name, got.Secrets.KeyFile, got.Origins["secrets.key_file"], got.MayMakeKey())
		}
	}
}

func TestEveryKeyIsAlsoAVariableWhichWins(t *testing.T) {
	t.Parallel()
	h := user().with("/c/dz.yaml", text(
		"store: {path: /f.db, max_size: 1GiB, compact: always, events: {keep: 1h, max_size: 1MiB}}",
		"secrets: {key_file: /f.key}",
		"socket: {path: /f.sock, group: f, view_group: f}",
		"debouncing: {interval: 1s, max_wait: 1s}",
		"network: {deny: [1.1.1.1, 1.1.1.2], allow: [1.1.1.1]}",
		"catalogue: {type: embedded, preset: f.yaml, variables: [f=1, g=1], url: 'http://f', ca_file: /f, language: f, timeout: 1s,",
		"  concurrency: 1, rate: 1, auth: {username: f, password_file: /f, token_file: /f}}",
		"log: {level: error, format: text}",
		"metrics: {listen: 'f:1'}",
		"sources: [{name: f, type: file, path: /f}, {name: g, type: file, path: /g}]",
	))
	h.env = []string{
		"DZ_STORE_PATH=/v.db", "DZ_STORE_MAX_SIZE=2GiB", "DZ_STORE_COMPACT=Never", "DZ_STORE_EVENTS_KEEP=2h", "DZ_STORE_EVENTS_MAX_SIZE=2MiB",
		"DZ_SECRETS_KEY_FILE=/v.key", "DZ_SOCKET_PATH=/v.sock", "DZ_SOCKET_GROUP=v", "DZ_SOCKET_VIEW_GROUP=vv",
		"DZ_DEBOUNCING_INTERVAL=00:00:02", "DZ_DEBOUNCING_MAX_WAIT=3s",
		"DZ_NETWORK_DENY=10.0.0.0/8, fd00::1", "DZ_NETWORK_ALLOW=10.1.2.3/16",
		"DZ_CATALOGUE_TYPE=rest", "DZ_CATALOGUE_PRESET=nexx", "DZ_CATALOGUE_VARIABLES=v=1", "DZ_CATALOGUE_URL=http://v",
		"DZ_CATALOGUE_CA_FILE=/v", "DZ_CATALOGUE_LANGUAGE=v", "DZ_CATALOGUE_TIMEOUT=2s", "DZ_CATALOGUE_CONCURRENCY=2", "DZ_CATALOGUE_RATE=2",
		"DZ_CATALOGUE_AUTH_USERNAME=v", "DZ_CATALOGUE_AUTH_PASSWORD_FILE=/v", "DZ_CATALOGUE_AUTH_TOKEN_FILE=/v",
		"DZ_LOG_LEVEL=Debug", "DZ_LOG_FORMAT=json", "DZ_METRICS_LISTEN=:9464",
		`DZ_SOURCES=[{"name":"v","type":"file","path":"/v.ndjson"}]`,
	}
	want := Config{
		Store:      Store{"/v.db", 2 << 30, CompactNever, Events{seconds(7200), 2 << 20}},
		Secrets:    Secrets{"/v.key"},
		Socket:     Socket{"/v.sock", "v", "vv"},
		Debouncing: Debouncing{seconds(2), seconds(3)},
		Network: Network{
			Deny:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")},
			Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		},
		Catalogue: Catalogue{
			CatalogueREST, "nexx", []string{"v=1"}, "http://v", "/v", "v", seconds(2), 2, 2, CatalogueAuth{"v", "/v", "/v"},
		},
		Log:     Log{slog.LevelDebug, FormatJSON},
		Metrics: Metrics{":9464"},
		Sources: []Source{{"v", "file", "/v.ndjson"}},
	}
	c := h.load(t)
	if diff := cmp.Diff(want, c, settingsOnly()); diff != "" {
		t.Error(diff)
	}
	for key, from := range c.Origins {
		if name, _, _ := strings.Cut(key, "["); from != variable(name) {
			t.Errorf("%s comes from %s", key, from)
		}
	}
	if len(h.env) != len(keys()) {
		t.Errorf("the test sets %d of %d keys", len(h.env), len(keys()))
	}
}

func TestEachLayerLeavesTheOthersKeysAlone(t *testing.T) {
	t.Parallel()
	h := user().with("/c/dz.yaml", "log: {level: warn, format: text}\nstore: {max_size: 1GiB}")
	h.env = []string{"DZ_LOG_LEVEL=debug", "DZ_LOG_FORMAT="}
	c := h.load(t)
	if c.Log != (Log{slog.LevelDebug, FormatText}) || c.Store.MaxSize != 1<<30 || c.Debouncing.Interval != seconds(5) {
		t.Errorf("got %+v", c)
	}
}

func TestTheSocketsVariablesAndFlag(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env          []string
		flag         string
		want, origin string
	}{
		"the file":             {nil, "", "/f.sock", "/c/dz.yaml:1"},
		"DZ_SOCKET":            {[]string{"DZ_SOCKET=/s.sock"}, "", "/s.sock", "DZ_SOCKET"},
		"DZ_SOCKET_PATH first": {[]string{"DZ_SOCKET=/s.sock", "DZ_SOCKET_PATH=/p.sock"}, "", "/p.sock", "DZ_SOCKET_PATH"},
		"--socket before all":  {[]string{"DZ_SOCKET=/s.sock", "DZ_SOCKET_PATH=/p.sock"}, "here.sock", "here.sock", "--socket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := user().with("/c/dz.yaml", "socket: {path: /f.sock}")
			h.env, h.socket = test.env, test.flag
			c := h.load(t)
			if c.Socket.Path != test.want || c.Origins["socket.path"] != test.origin {
				t.Errorf("%s from %s, want %s from %s", c.Socket.Path, c.Origins["socket.path"], test.want, test.origin)
			}
			client, err := ClientSocket(test.flag, h.options())
			if err != nil || client != c.Socket.Path {
				t.Errorf("a client goes to %s (%v), the daemon is at %s", client, err, c.Socket.Path)
			}
		})
	}
}

func TestPathsStartFromWhereTheyAreWritten(t *testing.T) {
	t.Parallel()
	h := user().with("/srv/dz/dz.yaml", text(
		"store: {path: data/dz.db}", "socket: {path: ~/dz.sock}",
		"sources: [{name: a, type: file, path: ../spool/*.ndjson}, {name: b, type: file, path: /abs/b}]",
	))
	c := h.load(t)
	got := []string{c.Store.Path, c.Socket.Path, c.Sources[0].Path, c.Sources[1].Path}
	want := []string{"/srv/dz/data/dz.db", "/home/ada/dz.sock", "/srv/spool/*.ndjson", "/abs/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.env = []string{"DZ_STORE_PATH=data/dz.db"}
	if c := h.load(t); c.Store.Path != "data/dz.db" {
		t.Errorf("a variable's path became %s", c.Store.Path)
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	h := user()
	h.env = []string{
		"DZ_STORE_PAHT=/x", "DZ_ZEBRA=1", "DZ_STORE=/x", "DZ_SOCKET=/s.sock", "DZ_CONFIG=/c.yaml", "DZ_OUTPUT=json", "DZ_LOG_LEVEL=info",
		"PATH=/bin", "dz_log_level=debug", "DZ_EMPTY=", "no equals sign",
	}
	h.files["/c.yaml"] = ""
	want := []string{
		"variable DZ_STORE has no effect",
		"variable DZ_STORE_PAHT has no effect; did you mean DZ_STORE_PATH?",
		"variable DZ_ZEBRA has no effect",
	}
	if diff := cmp.Diff(want, h.load(t).Warnings); diff != "" {
		t.Error(diff)
	}
}

func TestTheShippedFileSaysWhatHolds(t *testing.T) {
	t.Parallel()
	const shipped = "../../configs/dz.yaml"
	raw, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Store.Path, want.Socket = "/var/lib/dz/dz.db", Socket{Path: "/run/dz/dz.sock", Group: "dz"}
	want.Secrets.KeyFile = "/var/lib/dz/dz.db.key"
	if diff := cmp.Diff(want, root().with("/etc/dz/dz.yaml", string(raw)).load(t), settingsOnly()); diff != "" {
		t.Errorf("as shipped: %s", diff)
	}

	// Every key in a comment is shown with its default, or is an example.
	hidden := regexp.MustCompile(`(?m)^( *)# ( *(?:- )?[a-z_]+:(?: .*)?)$`)
	shown := hidden.ReplaceAllString(string(raw), "$1$2")
	c := root().with("/etc/dz/dz.yaml", shown).load(t)
	want.Socket.ViewGroup = "dz-view"
	want.Catalogue.Type, want.Catalogue.Preset, want.Catalogue.URL = CatalogueREST, "digizuite", "https://dam.example.com"
	want.Catalogue.Auth = CatalogueAuth{Username: "dz", PasswordFile: "/etc/dz/dam.password", TokenFile: "/etc/dz/dam.token"}
	want.Catalogue.CAFile = "/etc/dz/dam-ca.pem"
	want.Sources = []Source{{"spool", "file", "/var/spool/dam/events.ndjson"}}
	if diff := cmp.Diff(want, c, settingsOnly()); diff != "" {
		t.Errorf("with its comments opened: %s", diff)
	}
	for _, key := range keys() {
		if c.Origins[key] == "" {
			t.Errorf("it does not show %s", key)
		}
	}
}

func TestProcessReadsThisMachine(t *testing.T) {
	t.Setenv("DZ_CONFIG", filepath.Join(t.TempDir(), "dz.yaml"))
	t.Setenv("HOME", t.TempDir())
	opts := Process()
	if _, err := Load(opts); err == nil {
		t.Error("a missing file was no error")
	}
	file := os.Getenv("DZ_CONFIG")
	if err := os.WriteFile(file, []byte("log: {level: debug}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(opts); err != nil || c.Log.Level != slog.LevelDebug || !opts.Exists(file) {
		t.Errorf("got %+v, %v", c, err)
	}
	opts.File = filepath.Dir(file)
	if _, err := Load(opts); err == nil {
		t.Error("a directory was read as a file")
	}
}
