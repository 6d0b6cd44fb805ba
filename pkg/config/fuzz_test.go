package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// FuzzLoad holds Load to three things on any file: no panic, no key accepted
// that is none, and a print of the outcome that sets the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "store: {path: /x, max_size: 20GiB, events: {keep: 0, max_size: 0}}", "debounce:\n  interval: 5s",
		`{"Debouncing":{"Interval":"00:00:07"}}`, "sources: &s [*s]", "sources: [{name: a, type: file, path: ./a}]",
		"network: {deny: [10.0.0.1, '::/0'], allow: &a []}", "log: {<<: {level: info}}", "a: b: c", "---\n---\n", "? [a]\n: b",
		"metrics: {listen: ':1'}\nlog: {level: WARN, format: json}", "socket: {path: ~/x, group: 5, view_group: !!str 5}",
		"\ufeffstore:\r\n  path: x\r\n", "store: &a {path: x}\nlog: *a", "%YAML 1.2\n---\nlog:", "sources: [{name: \"a\\0\"}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c, err := Load(user().with("/c/dz.yaml", content).options())
		if err != nil {
			return
		}
		var raw map[string]any
		if err := yaml.Unmarshal([]byte(content), &raw); err != nil {
			t.Fatalf("%q was accepted; a YAML reader says: %v", content, err)
		}
		for _, key := range flatten("", raw) {
			if !slices.Contains(keys(), strings.ToLower(key)) && !slices.Contains(sections(), strings.ToLower(key)) {
				t.Fatalf("%q holds the unknown key %q", content, key)
			}
		}
		printed, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(user().with("/d/dz.yaml", string(printed)).options())
		if err != nil {
			t.Fatalf("%q prints what is no configuration: %v\n%s", content, err, printed)
		}
		if diff := cmp.Diff(c, again, settingsOnly()); diff != "" {
			t.Fatalf("%q prints what says something else: %s", content, diff)
		}
	})
}

// flatten returns the dotted keys of a file, those of sources left out.
func flatten(prefix string, section map[string]any) []string {
	var found []string
	for name, value := range section {
		key := join(prefix, name)
		if below, ok := value.(map[string]any); ok {
			found = append(found, flatten(key, below)...)
			continue
		}
		found = append(found, key)
	}
	return found
}

// sections returns the keys that have others below them, which may be empty.
func sections() []string {
	return append(children(""), "store.events")
}

// FuzzParse holds the readers of the three formats to not panicking.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a = 1\n[b]\nc.d = {e = [1, {f = 2}]}\n[[g]]\n[[g.h]]\ni = 00:00:01\n[g.h.j]", `{"a":[1,{"b":null}],"a":true}`, "a: [b, {c: d}]",
	} {
		for _, name := range []string{"x.yaml", "x.json", "x.toml"} {
			f.Add(name, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		root, err := parse(name, raw)
		if err == nil && root == nil {
			t.Fatalf("parse(%q, %q) returned nothing", name, raw)
		}
	})
}
