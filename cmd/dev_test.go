package cmd_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/cmd"
	"github.com/dam-delivery/dz/pkg/config"
)

// output collects what is printed, and tells when it holds a text.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the output holds a text.
func (o *output) await(t *testing.T, text string, limit time.Duration) {
	t.Helper()
	late := time.After(limit)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.more:
		case <-late:
			t.Fatalf("nothing like %q was printed within %v, but:\n%s", text, limit, o)
		}
	}
}

func devEnv(stdout, stderr *output) cmd.Env {
	return cmd.Env{
		Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Config: config.Options{UID: 1, Home: "/nowhere", ReadFile: os.ReadFile, Exists: func(string) bool { return false }},
		Width:  func() int { return 0 }, Now: time.Now,
	}
}

// TestDevDeliversAndCleansUp tries "dz serve --dev" as a newcomer does: it
// delivers within ten seconds, each command that it proposes works as printed,
// and an interrupt ends it without leaving anything.
func TestDevDeliversAndCleansUp(t *testing.T) {
	temp, err := os.MkdirTemp("", "dz") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	t.Setenv("TMPDIR", temp)
	sample, err := os.ReadFile("../testdata/sample.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	stdout, stderr := newOutput(), newOutput()
	env := devEnv(stdout, stderr)
	env.Sample = sample
	ended := make(chan int, 1)
	go func() { ended <- cmd.Run(ctx, []string{"serve", "--dev"}, env) }()

	stdout.await(t, "POST /hooks/dam → 200", 10*time.Second)
	stderr.await(t, "Ctrl-C ends it", 10*time.Second)
	tried := 0
	for line := range strings.Lines(stderr.String()) {
		_, command, found := strings.Cut(strings.TrimSpace(line), " --socket ")
		if !found {
			continue
		}
		tried++
		out, errs := newOutput(), newOutput()
		if code := cmd.Run(t.Context(), append([]string{"--socket"}, strings.Fields(command)...), devEnv(out, errs)); code != cmd.ExitDone {
			t.Errorf("dz --socket %s: exit code %d: %s", command, code, errs)
		}
	}
	if tried < 5 {
		t.Errorf("%d commands are proposed:\n%s", tried, stderr)
	}

	interrupt()
	if code := <-ended; code != cmd.ExitDone {
		t.Errorf("exit code %d after an interrupt: %s", code, stderr)
	}
	left, err := fs.Glob(os.DirFS(temp), "*")
	if err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// A receiver that came later than the first events would hear of none of them.
func TestDevUntilIdleDeliversTheWholeSample(t *testing.T) {
	temp, err := os.MkdirTemp("", "dz") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	t.Setenv("TMPDIR", temp)
	stdout, stderr := newOutput(), newOutput()
	env := devEnv(stdout, stderr)
	if env.Sample, err = os.ReadFile("../testdata/sample.ndjson"); err != nil {
		t.Fatal(err)
	}
	if code := cmd.Run(t.Context(), []string{"serve", "--dev", "--until-idle"}, env); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), "\n10 notifications delivered;") {
		t.Errorf("stderr is %s", stderr)
	}
}
