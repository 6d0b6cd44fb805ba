package cmd

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/style/builtin"
)

func TestTheDaemonsErrorsBecomeExitCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[api.Code]int{
		api.CodeInvalid: ExitUsage, api.CodeNotFound: ExitNotFound, api.CodeForbidden: ExitForbidden,
		api.CodeConflict: ExitConflict, api.CodeFull: ExitFailed, api.CodeInternal: ExitFailed, "new": ExitFailed,
	} {
		d := newFakeDaemon(t, map[string]any{"GET /status": &api.Error{Code: code, Message: "no", Hint: "do this"}})
		d.run(t, "", nil, "status").wants(t, want, "", "dz: no: do this\n")
	}
	run(t, "", nil, "status", "--socket", "/does/not/exist.sock").
		wants(t, ExitUnreachable, "", "dz: daemon not reachable at /does/not/exist.sock: start it with 'dz serve' or set --socket\n")
	run(t, "", nil, "status", "--socket", "/"+strings.Repeat("x", 200)).wants(t, ExitUsage, "", "socket")
}

func TestErrorsAreJSONWhereTheOutputIs(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /endpoints/x": &api.Error{Code: api.CodeNotFound, Message: "no endpoint x", Hint: "h"}})
	got := d.run(t, "", nil, "endpoint", "show", "x", "-o", "json")
	got.wants(t, ExitNotFound, "", "error")
	sameJSON(t, got.stderr, `{"error": {"code": "not_found", "message": "no endpoint x", "hint": "h"}}`)
	for _, args := range [][]string{
		{"--bogus", "-o", "json"},
		{"--bogus", "--output=json"},
		{"-ojson", "--bogus"},
		{"endpont", "-o=json"},
	} {
		got := run(t, "", nil, args...)
		got.wants(t, ExitUsage, "", `"code": "invalid"`)
	}
	fromEnv := run(t, "", func(env *Env) { env.Config.Env = []string{"DZ_OUTPUT=json"} }, "--bogus")
	fromEnv.wants(t, ExitUsage, "", `"code": "invalid"`)
	run(t, "", nil, "--bogus", "--", "-o", "json").wants(t, ExitUsage, "", "dz: unknown flag --bogus")
}

func TestUsageErrorsNameTheNearestWord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"endpont"}, `unknown command "endpont" for "dz"; did you mean endpoint?`},
		{[]string{"endpont", "--bogus"}, `unknown command "endpont" for "dz"; did you mean endpoint?`},
		{[]string{"xyz"}, `unknown command "xyz" for "dz": see 'dz --help'`},
		{[]string{"endpoint", "ad", "shop"}, `unknown command "ad" for "dz endpoint"; did you mean add?`},
		{[]string{"help", "endpoint", "ad"}, `unknown command "ad" for "dz endpoint"; did you mean add?`},
		{[]string{"completion", "bsh"}, `there are some for bash, fish, powershell, zsh`},
		{[]string{"endpoint", "add", "x", "--debonce", "1s"}, `unknown flag --debonce; did you mean --debounce?`},
		{[]string{"resync", "shop", "--full"}, `unknown flag --full: see 'dz resync --help'`},
		{[]string{"status", "-z"}, `unknown flag -z: see 'dz status --help'`},
		{[]string{"status", "--socket"}, `--socket needs a value: see 'dz status --help'`},
		{[]string{"status", "now"}, `dz status takes no "now": see 'dz status --help'`},
		{[]string{"endpoint", "show"}, `dz endpoint show needs NAME: see 'dz endpoint show --help'`},
		{[]string{"endpoint", "show", "a", "b"}, `dz endpoint show takes no "b"`},
		{[]string{"status", "-o", "jsn"}, `--output: unknown format "jsn"; did you mean json?`},
		{[]string{"failures", "list", "--limit", "x"}, `--limit: "x" is not a whole number`},
		{[]string{"failures", "list", "--status", "x"}, `--status: `},
		{[]string{"status", "--watch=maybe"}, `--watch: "maybe" is not true or false`},
		{[]string{"config", "check", "a", "b"}, `takes no "b"`},
	} {
		run(t, "", nil, tt.args...).wants(t, ExitUsage, "", tt.want)
	}
}

func TestADaemonThatDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	d := newFakeDaemon(t, map[string]any{"GET /status": hang})
	var stdout, stderr bytes.Buffer
	a := &app{env: newEnv("", &stdout, &stderr), socket: d.socket}
	cmd := &cobra.Command{RunE: a.askFor(func() time.Duration { return time.Millisecond },
		func(ctx context.Context, s session, _ []string) error {
			_, err := s.client.Status(ctx)
			return err
		})}
	cmd.SetArgs(nil)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	if ExitCode(err) != ExitUnreachable || !strings.Contains(err.Error(), "did not answer within 1ms") {
		t.Errorf("error %v, want that there was no answer", err)
	}
}

func TestAnInterruptEndsACommand(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	d := newFakeDaemon(t, map[string]any{"GET /status": hang})
	var stdout, stderr bytes.Buffer
	env := newEnv("", &stdout, &stderr)
	env.Config.Env = []string{"DZ_SOCKET=" + d.socket}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if code := Run(ctx, []string{"status"}, env); code != ExitFailed || stderr.String() != "dz: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

func TestStatusInEveryFormat(t *testing.T) {
	t.Parallel()
	status := api.Status{
		Version: "1.2.3", Idle: true, Sources: []api.SourceStatus{},
		Endpoints: []api.EndpointStatus{{Name: "shop", State: "healthy"}},
	}
	d := newFakeDaemon(t, map[string]any{"GET /status": status})
	d.run(t, "", nil, "status").wants(t, ExitDone, "dz 1.2.3  idle", "")
	d.run(t, "", nil, "status", "-o", "name").wants(t, ExitDone, "shop\n", "")
	d.run(t, "", nil, "status", "-o", "yaml").wants(t, ExitDone, "idle: true\n", "")
	d.run(t, "", nil, "-o", "json", "status").wants(t, ExitDone, `"idle": true`, "")
	d.run(t, "", func(env *Env) { env.Config.Env = append(env.Config.Env, "DZ_OUTPUT=json") }, "status").
		wants(t, ExitDone, `"idle": true`, "")
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /status": api.Status{Version: "1.2.3"}})
	for _, tt := range []struct {
		name     string
		terminal bool
		env      []string
		want     bool
	}{
		{"pipe", false, nil, false},
		{"terminal", true, nil, true},
		{"NO_COLOR", true, []string{"NO_COLOR=1"}, false},
		{"empty NO_COLOR", true, []string{"NO_COLOR="}, true},
		{"dumb terminal", true, []string{"TERM=dumb"}, false},
	} {
		got := d.run(t, "", func(env *Env) { env.Terminal, env.Config.Env = tt.terminal, append(env.Config.Env, tt.env...) }, "status")
		if colored := strings.Contains(got.stdout, "\x1b["); colored != tt.want {
			t.Errorf("%s: coloured is %t, want %t", tt.name, colored, tt.want)
		}
	}
}

func TestStatusIsWatchedUntilInterrupted(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /status": api.Status{Version: "1.2.3"}})
	ctx, interrupt := context.WithCancel(t.Context())
	var stderr bytes.Buffer
	env := newEnv("", writerFunc(func(p []byte) (int, error) {
		interrupt() // after the first page
		return len(p), nil
	}), &stderr)
	env.Config.Env = []string{"DZ_SOCKET=" + d.socket}
	if code := Run(ctx, []string{"status", "--watch"}, env); code != ExitDone || stderr.Len() > 0 {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestABrokenPipeFailsTheCommand(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /status": api.Status{}})
	d.run(t, "", func(env *Env) {
		env.Stdout = writerFunc(func([]byte) (int, error) { return 0, errors.New("broken pipe") })
	}, "status").wants(t, ExitFailed, "", "dz: write output: broken pipe")
}

func TestNamesComplete(t *testing.T) {
	t.Parallel()
	d := newFakeDaemon(t, map[string]any{"GET /endpoints": api.EndpointList{Endpoints: []api.Endpoint{shop()}}})
	for _, words := range []string{
		"endpoint show", "endpoint update", "endpoint enable", "endpoint disable", "endpoint remove", "endpoint test",
		"failures list --endpoint", "failures retry --endpoint", "failures purge --endpoint", "event list --endpoint",
		"event replay --endpoint",
	} {
		args := append(append([]string{"__complete"}, strings.Fields(words)...), "")
		if got := d.run(t, "", nil, args...); !strings.HasPrefix(got.stdout, "shop\tnotify https://shop.example/\n") {
			t.Errorf("dz %s completes to %q", words, got.stdout)
		}
		if got := run(t, "", nil, args...); !strings.HasPrefix(got.stdout, ":4\n") {
			t.Errorf("without a daemon, dz %s completes to %q, want nothing", words, got.stdout)
		}
	}
	for words, want := range map[string]string{
		"endpoint add x --change-types Asset":              "AssetChanged\n",
		"endpoint add x --change-types AssetChanged,Metaf": "AssetChanged,MetafieldChanged\n",
		"endpoint add x --events TreeValueC":               "TreeValueCreated\n",
		"endpoint add x --reasons fromc":                   "fromcoldstorage\n",
		"endpoint add x --style n":                         "notify\n",
		"endpoint add x --id-name s":                       "specific\n",
		"event emit --type AssetPro":                       "AssetProfilePublished\n",
		"failures list --reason connection-r":              "connection-refused\n",
		"status -o y":                                      "yaml\n",
		"endpoint rem":                                     "remove\t",
		"help endp":                                        "endpoint\t",
		"completion ba":                                    "bash\t",
	} {
		args := append([]string{"__complete"}, strings.Fields(words)...)
		if got := run(t, "", nil, args...); !strings.Contains("\n"+got.stdout, "\n"+want) {
			t.Errorf("dz %s completes to %q, want %q among them", words, got.stdout, want)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	styles, err := builtin.Styles(builtin.Nothing())
	if err != nil {
		t.Fatal(err)
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short text %q", cmd.CommandPath(), cmd.Short)
		}
		if !cmd.HasSubCommands() && !cmd.Hidden && cmd.Name() != "help" && cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		got := run(t, "", nil, append(path, "--help")...)
		got.wants(t, ExitDone, "Usage:\n  "+cmd.CommandPath(), "")
		for line := range strings.Lines(got.stdout) {
			if len(line) > 110 {
				t.Errorf("%s --help has a long line: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand(&app{env: newEnv("", nil, nil), styles: styles}))
}

func TestVersionIsTheLinkersOrTheBuilds(t *testing.T) {
	t.Parallel()
	linked := func(env *Env) { env.Build = Build{Version: "1.2.3", Commit: "abc", Date: "2026-11-21"} }
	run(t, "", linked, "version").wants(t, ExitDone, "Commit    abc", "")
	run(t, "", linked, "version", "-o", "name").wants(t, ExitDone, "1.2.3\n", "")
	run(t, "", linked, "--version").wants(t, ExitDone, "dz version 1.2.3", "")
	if info := (Build{}).Info(); info.Version == "" || info.Go == "" {
		t.Errorf("build %+v", info)
	}
}
