package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
)

// now is when tests run.
var now = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// request is what a fake daemon was asked.
type request struct {
	Line string // method, path and query
	Body string
}

// fakeDaemon answers routes with what a test lays down, and notes what it was
// asked.
type fakeDaemon struct {
	socket  string
	answers map[string]any // by method and path: a value, or an *api.Error

	mu       sync.Mutex
	requests []request
}

// inTurn are answers that are given one after another, and the last again and again.
type inTurn struct {
	mu   sync.Mutex
	list []any
}

func (a *inTurn) next() any {
	a.mu.Lock()
	defer a.mu.Unlock()
	answer := a.list[0]
	a.list = a.list[min(1, len(a.list)-1):]
	return answer
}

func newFakeDaemon(t *testing.T, answers map[string]any) *fakeDaemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "dz") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &fakeDaemon{socket: filepath.Join(dir, "s"), answers: answers}
	listener, err := net.Listen("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: d}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return d
}

func (d *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	path := strings.TrimPrefix(r.URL.RequestURI(), api.Root)
	d.mu.Lock()
	d.requests = append(d.requests, request{r.Method + " " + path, string(body)})
	d.mu.Unlock()
	answer, ok := d.answers[r.Method+" "+path]
	if !ok {
		answer, ok = d.answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, api.Root)]
	}
	if turns, ok := answer.(*inTurn); ok {
		answer = turns.next()
	}
	if !ok {
		answer = &api.Error{Code: api.CodeNotFound, Message: "no answer laid down for " + r.Method + " " + path}
	}
	if wait, ok := answer.(chan struct{}); ok {
		<-wait
		return
	}
	if problem, ok := answer.(*api.Error); ok {
		w.WriteHeader(http.StatusTeapot) // the code counts, not the status
		answer = api.ErrorBody{Error: problem}
	}
	json.NewEncoder(w).Encode(answer)
}

func (d *fakeDaemon) asked() []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]request(nil), d.requests...)
}

// lines are the requests without their bodies.
func (d *fakeDaemon) lines() []string {
	var lines []string
	for _, r := range d.asked() {
		lines = append(lines, r.Line)
	}
	return lines
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

// newEnv returns an environment without a daemon, a terminal and a home.
func newEnv(stdin string, stdout, stderr io.Writer) Env {
	return Env{
		Stdin: strings.NewReader(stdin), Stdout: stdout, Stderr: stderr,
		Config: config.Options{
			UID:  1000,
			Home: "/does/not/exist",
			ReadFile: func(string) ([]byte, error) {
				return nil, fs.ErrNotExist
			},
			Exists: func(string) bool { return false },
		},
		Width: func() int { return 0 },
		Now:   func() time.Time { return now },
	}
}

// run runs a command against a daemon; change may change the environment.
func (d *fakeDaemon) run(t *testing.T, stdin string, change func(*Env), args ...string) result {
	t.Helper()
	return run(t, stdin, func(env *Env) {
		env.Config.Env = append(env.Config.Env, "DZ_SOCKET="+d.socket)
		if change != nil {
			change(env)
		}
	}, args...)
}

func run(t *testing.T, stdin string, change func(*Env), args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	env := newEnv(stdin, &stdout, &stderr)
	if change != nil {
		change(&env)
	}
	code := Run(context.Background(), args, env)
	return result{code, stdout.String(), stderr.String()}
}

// interactive makes somebody sit at the terminal.
func interactive(env *Env) { env.Interactive = true }

// wants checks a result: the code, and what the streams contain.
func (r result) wants(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if !strings.Contains(r.stdout, stdout) || (stdout == "" && r.stdout != "") {
		t.Errorf("stdout is %q, want %q", r.stdout, stdout)
	}
	if !strings.Contains(r.stderr, stderr) || (stderr == "" && r.stderr != "") {
		t.Errorf("stderr is %q, want %q", r.stderr, stderr)
	}
	if t.Failed() {
		t.Logf("stdout: %s\nstderr: %s", r.stdout, r.stderr)
	}
}

// sameJSON compares texts as JSON.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %q", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%v in %q", err, want)
	}
	gotText, _ := json.MarshalIndent(g, "", " ")
	wantText, _ := json.MarshalIndent(w, "", " ")
	if !bytes.Equal(gotText, wantText) {
		t.Errorf("got %s\nwant %s", gotText, wantText)
	}
}
