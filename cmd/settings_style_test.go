package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style"
)

// declarations is a style with an option of each type, which does nothing.
type declarations struct{ style.Style }

func (declarations) Name() string { return "declarations" }

func (declarations) Limits(*endpoint.Endpoint) style.Limits {
	return style.Limits{Timeout: 90 * time.Second}
}

func (declarations) Options() []style.Option {
	return []style.Option{
		{Name: "text", Flag: "text", Type: style.String, Usage: "u"},
		{Name: "loud", Flag: "loud", Type: style.Bool, Usage: "u"},
		{Name: "batch", Flag: "batch", Type: style.Int, Min: 1, Max: 100, Default: 20, Usage: "how `MANY`"},
		{Name: "tags", Flag: "tags", Type: style.Strings, Usage: "u"},
		{Name: "ids", Flag: "ids", Type: style.IDs, Usage: "u"},
		{Name: "every", Flag: "every", Type: style.Duration, Usage: "u"},
		{Name: "doc", Flag: "doc", Type: style.JSON, Usage: "u"},
		{Name: "filter", Flag: "filter", Type: style.Int, Usage: "never declared"},
		{Name: "hidden", Type: style.String},
	}
}

func declaredFlags(t *testing.T, stdin string, args ...string) (settings, *cobra.Command, error) {
	t.Helper()
	set, err := style.NewSet(declarations{})
	if err != nil {
		t.Fatal(err)
	}
	s := settings{app: &app{env: Env{Stdin: strings.NewReader(stdin)}}, styles: set}
	cmd := &cobra.Command{}
	s.declare(cmd)
	err = cmd.ParseFlags(args)
	return s, cmd, err
}

func TestOptionsOfAnyTypeAreFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "doc.json")
	if err := os.WriteFile(file, []byte("{\"a\": [1.50]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args  []string
		stdin string
		want  string
	}{
		{[]string{"--text", "@home", "--loud", "--batch", "100", "--every", "00:05:00"}, "", `{"batch":100,"every":"5m","loud":true,"text":"@home"}`},
		{[]string{"--tags", "a, b", "--tags", "c", "--ids", `5,"5"`, "--ids", "web"}, "", `{"ids":[5,"5","web"],"tags":["a","b","c"]}`},
		{[]string{"--tags", "a", "--tags", "", "--ids", "", "--doc", "null"}, "", `{"doc":null,"ids":null,"tags":null}`},
		{[]string{"--tags", "a", "--tags", "", "--tags", "b"}, "", `{"tags":["b"]}`},
		{[]string{"--doc", `{"a": true}`}, "", `{"doc":{"a":true}}`},
		{[]string{"--doc", "@" + file}, "", `{"doc":{"a":[1.50]}}`},
		{[]string{"--doc", "@-"}, "[]\n", `{"doc":[]}`},
		{[]string{"--filter", "true"}, "", `{"filter":"true"}`},
	} {
		s, _, err := declaredFlags(t, tt.stdin, tt.args...)
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		got, err := json.Marshal(s.update)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.args, diff)
		}
		for name, raw := range s.draft.Options {
			if sent, ok := s.update.Options[name].(json.RawMessage); !ok || string(sent) != string(raw) {
				t.Errorf("%q: %s is checked as %s and sent as %v", tt.args, name, raw, s.update.Options[name])
			}
		}
	}
}

func TestAnOptionOfTheWrongTypeIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ flag, value, want string }{
		{"--batch", "0", `"0" is not a whole number from 1 to 100`},
		{"--every", "5", `duration "5" has no unit`},
		{"--ids", `""`, "an id is an empty string"},
		{"--doc", `{"a":s3cret}`, "it can't be read beyond line 1, column 6"},
		{"--doc", "@/does/not/exist", "read value: open /does/not/exist"},
		{"--hidden", "x", "unknown flag"},
	} {
		_, _, err := declaredFlags(t, "", tt.flag, tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.flag, tt.value, err, tt.want)
		}
	}
}

func TestAWrongDocumentIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := settings{app: &app{env: Env{}}}
	for _, option := range (declarations{}).Options() {
		if option.Type != style.JSON {
			continue
		}
		for _, text := range []string{"s3cret", `{"a":s3cret}`, `{"a":"s3cret`, `{} s3cret`} {
			if err := s.optionSetter(option)(text); err == nil || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
}

func TestHelpSaysWhatAnOptionTakes(t *testing.T) {
	t.Parallel()
	_, cmd, err := declaredFlags(t, "")
	if err != nil {
		t.Fatal(err)
	}
	usage := cmd.Flags().FlagUsages()
	for _, want := range []string{"--batch MANY", "how MANY (default 20)", "--loud", "--every duration", "--doc json", "--filter EXPRESSION"} {
		if !strings.Contains(usage, want) {
			t.Errorf("usage has no %q:\n%s", want, usage)
		}
	}
	if strings.Contains(usage, "never declared") {
		t.Error("a flag of every endpoint is taken over by a style")
	}
}
