package config

import (
	"log/slog"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheThreeFormatsSayTheSame(t *testing.T) {
	t.Parallel()
	want := defaults()
	want.Store.MaxSize = 500e6
	want.Store.Events = Events{Keep: 0, MaxSize: 125e6}
	want.Debouncing = Debouncing{seconds(7), seconds(604800)}
	want.Network.Deny = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}
	want.Log.Level = slog.LevelWarn
	want.Sources = []Source{{"a", "file", "/a"}, {"b", "file", "/b"}}
	for name, content := range map[string]string{
		"/c/dz.yaml": text(
			"store: {max_size: 500MB, events: {keep: 0}}",
			"Debouncing:", "  Interval: 00:00:07", "  max_wait: 7.00:00:00",
			"network:", "  deny:", "    - 10.0.0.0/8", "    - 192.0.2.1",
			"LOG: {Level: WARN}",
			"sources:", "  - name: a", "    type: file", "    path: /a", "  - {name: b, type: file, path: /b}",
		),
		"/c/dz.YML": text(
			"store: {max_size: 500000000, events: {keep: 0s}}",
			"debouncing: {interval: '00:00:07', max_wait: 168h}",
			"network: {deny: &nets [10.0.0.0/8, 192.0.2.1]}",
			"log: {level: warn}",
			"sources: [{name: &a a, type: &t file, path: /a}, {name: b, type: *t, path: /b}]",
		),
		"/c/dz.json": text(
			`{"Store":{"Max_Size":500000000,"events":{"keep":0}},`,
			`	"Debouncing":{"Interval":"00:00:07","max_wait":"7.00:00:00"},`,
			`	"network":{"deny":["10.0.0.0\/8","192.0.2.1"]},"log":{"level":"\u0077arn"},`,
			`	"sources":[{"name":"a","type":"file","path":"/a"},{"name":"b","type":"file","path":"/b"}]}`,
		),
		"/c/dz.toml": text(
			"Debouncing.Interval = 00:00:07 # a time of day to TOML", `Debouncing.max_wait = "168h"`,
			"[store]", `max_size = "500MB"`, "events.keep = 0",
			"[log]", "level = 'warn'",
			"[network]", `deny = [ "10.0.0.0/8",`, `  "192.0.2.1" ]`,
			"[[sources]]", `name = "a"`, `type = "file"`, `path = "/a"`,
			"[[sources]]", `name = "b"`, `"type" = "file"`, `path = """/b"""`,
		),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, user().with(name, content).load(t), settingsOnly()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
