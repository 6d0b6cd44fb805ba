package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something to become true.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dz": func() { os.Exit(Main(Build{Version: "1.2.3-test"}, nil)) }, //nolint:forbidigo // here it is a process of its own
	})
}

// TestScripts runs the command line's contract: testdata/script holds a script
// for each command and each error.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scriptParams("testdata/script"))
}

// scriptParams returns how the scripts of a folder are run.
func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			keepBegun(env)
			private := filepath.Join(env.WorkDir, "run")
			if err := os.Mkdir(private, 0o700); err != nil {
				return err
			}
			for name, value := range map[string]string{
				"HOME":              env.WorkDir,
				"XDG_CONFIG_HOME":   filepath.Join(env.WorkDir, "config"),
				"XDG_STATE_HOME":    filepath.Join(env.WorkDir, "state"),
				"XDG_RUNTIME_DIR":   private,
				"DZ_SOCKET":         filepath.Join(private, "dz.sock"),
				"DZ_STORE_PATH":     filepath.Join(env.WorkDir, "dz.db"),
				"SOURCE_DATE_EPOCH": "1795255200",
				"TZ":                "UTC",
				"GORACE":            "atexit_sleep_ms=0", // or every command takes a second with -race
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"port":    port,
			"post":    post,
			"until":   until,
			"longenv": longEnv,
			"begin":   begin,
			"holds":   holds,
			"send":    send,
			"ends":    ends,
			"append":  appendEvents,
			"spoil":   spoil,
			"peak":    peak,
		},
	}
}

// exits CODE PROGRAM ARG… runs a program that is to exit with CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return -1
	}
}

// port NAME sets a variable to a TCP port that was free a moment ago.
func port(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, number, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], number)
}

// post URL BODY STATUS posts as soon as somebody listens, and wants STATUS.
func post(ts *testscript.TestScript, _ bool, args []string) {
	var last error
	wait(ts, func() bool {
		response, err := http.Post(args[0], "application/json", strings.NewReader(args[1]))
		if err != nil {
			last = err
			return false
		}
		response.Body.Close()
		if got := strconv.Itoa(response.StatusCode); got != args[2] {
			ts.Fatalf("%s answers %s, want %s", args[0], got, args[2])
		}
		return true
	}, func() string { return fmt.Sprintf("nobody listens: %v", last) })
}

// until TEXT PROGRAM ARG… runs a program until its stdout holds TEXT.
func until(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	wait(ts, func() bool {
		out.Reset()
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = environ(ts)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return err == nil && strings.Contains(out.String(), args[0])
	}, func() string { return fmt.Sprintf("%q does not come; the last output:\n%s", args[0], out.String()) })
}

func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"PATH", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "DZ_SOCKET", "DZ_CONFIG", "DZ_STORE_PATH", "TZ", "TMPDIR",
	} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// longEnv NAME sets a variable to a path that is too long for a socket.
func longEnv(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], "/"+strings.Repeat("long/", 40)+"dz.sock")
}

// wait asks for a condition until it is true.
func wait(ts *testscript.TestScript, done func() bool, otherwise func() string) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-ticker.C {
		if done() {
			return
		}
	}
	ts.Fatalf("%s", otherwise())
}
