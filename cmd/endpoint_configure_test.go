package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

func TestConfigureSendsChangesInTheirOrder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{
			[]string{"--set", "retries=3", "--unset", "auth.user", "--set", "auth.token=@" + file},
			`[{"path":"/retries","value":3},{"path":"/auth/user","remove":true},{"path":"/auth/token","value":"s3cret"}]`,
		},
		{[]string{"--set", "a=true", "--set-string", "a=true"}, `[{"path":"/a","value":true},{"path":"/a","value":"true"}]`},
		{[]string{"--set", `a={"b": [1.50, null]}`}, `[{"path":"/a","value":{"b":[1.50,null]}}]`},
		{[]string{"--set", "a=", "--set", "b=null", "--set", "c=x=y"}, `[{"path":"/a","value":""},{"path":"/b","value":null},{"path":"/c","value":"x=y"}]`},
		{[]string{"--set", "a=two words", "--set", "b=@@home", "--set", `c="@x"`}, `[{"path":"/a","value":"two words"},{"path":"/b","value":"@home"},{"path":"/c","value":"@x"}]`},
		{[]string{"--set", "/a.b/c~1d=1", "--set", "x/y=2"}, `[{"path":"/a.b/c~1d","value":1},{"path":"/x~1y","value":2}]`},
		{[]string{"--set", "a=@-"}, `[{"path":"/a","value":{"from":"stdin"}}]`},
	} {
		d := newFakeDaemon(t, map[string]any{"PATCH /endpoints/shop": shop()})
		d.run(t, `{"from":"stdin"}`, nil, append([]string{"endpoint", "configure", "shop"}, tt.args...)...).
			wants(t, ExitDone, "endpoint shop configured", "")
		if asked := d.asked(); len(asked) == 1 {
			sameJSON(t, asked[0].Body, `{"configurationChanges":`+tt.want+`}`)
		}
	}
}

func TestConfigureReachesAGroup(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"PATCH /groups/sites": sites()})
	d.run(t, "", nil, "endpoint", "configure", "sites", "--set", "a=1").wants(t, ExitDone, "endpoints sites-1, sites-2 configured", "")
}

func TestConfigureSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"nothing to change":                              nil,
		"--set: it has no value: write KEY=VALUE":        {"--set", "s3cret"},
		"--set: it has no key: write KEY=VALUE":          {"--set", "=s3cret"},
		"--set: key a..b has a name that is empty":       {"--set", "a..b=s3cret"},
		"--set: a: read value: open /does/not/exist":     {"--set", "a=@/does/not/exist"},
		"--unset: it has no key":                         {"--unset", ""},
		"--set-string: it has no value: write KEY=VALUE": {"--set-string", "s3cret"},
		"dz endpoint configure needs NAME":               {""},
	} {
		call := append([]string{"endpoint", "configure", "shop"}, args...)
		if len(args) == 1 && args[0] == "" {
			call = call[:2]
		}
		got := run(t, "", nil, call...)
		got.wants(t, ExitUsage, "", want)
		if strings.Contains(got.stderr, "s3cret") {
			t.Errorf("%q: the error repeats the value: %s", args, got.stderr)
		}
	}
	d := newFakeDaemon(t, map[string]any{"PATCH /endpoints/shop": &api.Error{
		Code: api.CodeInvalid, Message: "configuration: /apiKey: missing (required)",
	}})
	d.run(t, "", nil, "endpoint", "configure", "shop", "--unset", "apiKey").wants(t, ExitUsage, "", "/apiKey: missing (required)")
}
