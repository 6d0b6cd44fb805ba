package cmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// begunKey is where a script keeps what it has begun.
type begunKey struct{}

// begun are programs under way, by name. Unlike what a script runs with "exec …
// &", they can be waited for until they have said something.
type begun struct {
	mu   sync.Mutex
	cmds map[string]*exec.Cmd
}

// keepBegun ends with the script what it has begun and not ended.
func keepBegun(env *testscript.Env) {
	b := &begun{cmds: make(map[string]*exec.Cmd)}
	env.Values[begunKey{}] = b
	env.Defer(func() {
		for _, cmd := range b.cmds {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// begin NAME TEXT PROGRAM ARG… starts a program and waits until it has written
// TEXT to stderr. Its streams go to the files NAME.out and NAME.err.
func begin(ts *testscript.TestScript, _ bool, args []string) {
	name, text := args[0], args[1]
	stdout, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer stderr.Close()
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), append(environ(ts), "GORACE=atexit_sleep_ms=0"), stdout, stderr
	ts.Check(cmd.Start())
	b := ts.Value(begunKey{}).(*begun)
	b.mu.Lock()
	b.cmds[name] = cmd
	b.mu.Unlock()
	untilFile(ts, name+".err", text)
}

// untilFile waits until a file holds a text.
func untilFile(ts *testscript.TestScript, name, text string) {
	path := filepath.Clean(ts.MkAbs(name))
	var last string
	wait(ts, func() bool {
		content, err := os.ReadFile(path)
		last = string(content)
		return err == nil && strings.Contains(last, text)
	}, func() string { return fmt.Sprintf("%s does not come to hold %q: %s", name, text, last) })
}

// holds FILE TEXT waits until a file holds a text.
func holds(ts *testscript.TestScript, _ bool, args []string) { untilFile(ts, args[0], args[1]) }

// send NAME SIGNAL sends what was begun INT, TERM or KILL.
func send(ts *testscript.TestScript, _ bool, args []string) {
	signal, ok := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}[args[1]]
	if !ok {
		ts.Fatalf("unknown signal %s", args[1])
	}
	ts.Check(ts.Value(begunKey{}).(*begun).cmds[args[0]].Process.Signal(signal))
}

// ends NAME CODE waits for the end of what was begun.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	b := ts.Value(begunKey{}).(*begun)
	code := exitCode(b.cmds[args[0]].Wait())
	delete(b.cmds, args[0])
	if strconv.Itoa(code) != args[1] {
		stderr, _ := os.ReadFile(ts.MkAbs(args[0] + ".err"))
		ts.Fatalf("%s exits with %d, want %s: %s", args[0], code, args[1], stderr)
	}
}
