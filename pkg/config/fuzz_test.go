package config

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"
)

// formats reads files in the three formats in another way than dz does. A key
// may be there twice to encoding/json only.
var formats = map[string]func([]byte, any) error{
	".yaml": yaml.Unmarshal, ".json": json.Unmarshal, ".toml": toml.Unmarshal,
}

// FuzzLoad holds Load to four things on any file of any format: no panic, no
// key accepted that is none, a print of the outcome that sets the same, and
// errors that say where.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "store: {path: /x, max_size: 20GiB, events: {keep: 0, max_size: 0}}", "debounce:\n  interval: 5s",
		`{"Debouncing":{"Interval":"00:00:07"}}`, "sources: &s [*s]", "sources: [{name: a, type: file, path: ./a}]",
		"network: {deny: [10.0.0.1, '::/0'], allow: &a []}", "log: {<<: {level: info}}", "a: b: c", "---\n---\n", "? [a]\n: b",
		"metrics: {listen: ':1'}\nlog: {level: WARN, format: json}", "socket: {path: ~/x, group: 5, view_group: !!str 5}",
		"\ufeffstore:\r\n  path: x\r\n", "store: &a {path: x}\nlog: *a", "%YAML 1.2\n---\nlog:", "sources: [{name: \"a\\0\"}]",
	} {
		f.Add(".yaml", seed)
	}
	for _, seed := range []string{
		`{"Debouncing":{"Interval":"00:00:07"},"sources":[{"name":"a","type":"file","path":"./a"}]}`,
		`{"store":{"max_size":2e1,"Store":null}}`, `{"log":{"level":"\u0077arn"},"log":{}}`, "{\n\n\"network\":{\"deny\":[1]}\n}", "[]", "null", "{", `{"":{}}`,
	} {
		f.Add(".json", seed)
	}
	for _, seed := range []string{
		"Debouncing.Interval = 00:00:07 # a time of day\n[store]\nmax_size = \"500MB\"\nevents.keep = 0\n[log]\nlevel = 'warn'",
		"[[sources]]\nname = \"a\"\ntype = \"file\"\npath = \"\"\"./a\"\"\"\n[[sources]]", "network = { deny = [ \"10.0.0.0/8\",\n ] }",
		"store.max_size = 0x10\n[store]", "\"\" = 1", "[a.b]\n[a]\nb = 1", "sources = 1979-05-27T07:32:00Z",
	} {
		f.Add(".toml", seed)
	}
	f.Fuzz(func(t *testing.T, extension, content string) {
		unmarshal, ok := formats[extension]
		if !ok {
			return
		}
		file := "/c/dz" + extension
		c, err := Load(user().with(file, content).options())
		if err != nil {
			if !strings.HasPrefix(err.Error(), file) || !utf8.ValidString(err.Error()) {
				t.Fatalf("%s: %q is refused with %q, which does not say where", extension, content, err)
			}
			return
		}
		var raw map[string]any
		if text := strings.TrimPrefix(content, "\ufeff"); strings.TrimSpace(text) != "" {
			if err := unmarshal([]byte(text), &raw); err != nil {
				t.Fatalf("%s: %q was accepted; another reader says: %v", extension, content, err)
			}
		}
		for _, key := range flatten("", raw) {
			if !slices.Contains(keys(), strings.ToLower(key)) && !slices.Contains(sections(), strings.ToLower(key)) {
				t.Fatalf("%s: %q holds the unknown key %q", extension, content, key)
			}
		}
		printed, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(user().with("/d/dz.yaml", string(printed)).options())
		if err != nil {
			t.Fatalf("%s: %q prints what is no configuration: %v\n%s", extension, content, err, printed)
		}
		if diff := cmp.Diff(c, again, settingsOnly()); diff != "" {
			t.Fatalf("%s: %q prints what says something else: %s", extension, content, diff)
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

// FuzzParse holds the readers of the three formats to lines that are in the file
// and, where a line is known of an error, in the order of the file.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"a = 1\n[b]\nc.d = {e = [1, {f = 2}]}\n[[g]]\n[[g.h]]\ni = 00:00:01\n[g.h.j]", `{"a":[1,{"b":null}],"a":true}`, "a: [b, {c: d}]",
		"a:\n- b\n-\n  c: |\n    d\n\n  e: *f\n", "{\n\"a\"\n:\n[\n1]\n,\n}", "a = [\n1,\n\n{b=2}]\nc = \"\"\"\n\n\"\"\"\nd = x",
	} {
		for _, name := range []string{"x.yaml", "x.json", "x.toml"} {
			f.Add(name, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		last := 1 + strings.Count(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(string(raw)), "\n")
		root, err := parse(name, raw)
		var syntax *syntaxError
		if errors.As(err, &syntax) && (syntax.line < 0 || syntax.line > last || syntax.what == "") {
			t.Fatalf("%s: %q of %d lines is refused on line %d: %q", name, raw, last, syntax.line, err)
		}
		if err == nil {
			checkNode(t, root, last)
		}
	})
}

// checkNode checks that a node is whole: of a known kind, and on a line of the
// file.
func checkNode(t *testing.T, n *node, last int) {
	t.Helper()
	if n == nil || n.line < 0 || n.line > last {
		t.Fatalf("%+v is not in a file of %d lines", n, last)
	}
	if (n.kind != isList && len(n.items) > 0) || (n.kind != isSection && len(n.entries) > 0) || n.kind == "" {
		t.Fatalf("%s holds others: %+v", n.kind, n)
	}
	for _, item := range n.items {
		checkNode(t, item, last)
	}
	for _, e := range n.entries {
		if e.line < 1 || e.line > last {
			t.Fatalf("%q is not in a file of %d lines: %+v", e.name, last, e)
		}
		checkNode(t, e.value, last)
	}
}
