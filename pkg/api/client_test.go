package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve answers on a Unix socket and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(socketDir(t), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &Client{Socket: socket}
}

// socketDir makes a directory whose path is short, however the test is named.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dz") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func wantError(t *testing.T, err error, code Code, parts ...string) {
	t.Helper()
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("got error %v, want an *Error", err)
	}
	if got.Code != code {
		t.Errorf("got code %q, want %q: %v", got.Code, code, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestNoDaemonSaysHowToStartOne(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(socketDir(t), "dz.sock")
	_, err := (&Client{Socket: socket}).Status(t.Context())
	wantError(t, err, CodeUnreachable)
	want := "daemon not reachable at " + socket + ": start it with 'dz serve' or set --socket"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestStaleSocketIsNoDaemon(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(socketDir(t), "dz.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = (&Client{Socket: socket}).Status(t.Context())
	wantError(t, err, CodeUnreachable, "dz serve")
}

func TestTooLongPathNamesTheLimit(t *testing.T) {
	t.Parallel()
	socket := "/" + strings.Repeat("x", MaxSocketPath)
	_, err := (&Client{Socket: socket}).Status(t.Context())
	wantError(t, err, CodeInvalid, fmt.Sprint(MaxSocketPath+1), fmt.Sprint(MaxSocketPath), "--socket")
	if err := CheckSocketPath(socket[1:]); err != nil {
		t.Errorf("a path of just the limit is refused: %v", err)
	}
}

func TestSocketThatMayNotBeOpenedNamesTheGroups(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may open any socket")
	}
	dir := socketDir(t)
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	_, err := (&Client{Socket: filepath.Join(dir, "dz.sock")}).Status(t.Context())
	wantError(t, err, CodeForbidden, "socket.group")
}

func TestPermissionErrorNamesTheGroups(t *testing.T) {
	t.Parallel()
	client := &Client{Socket: "/run/dz/dz.sock"}
	err := client.explain(t.Context(), &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", os.ErrPermission)})
	wantError(t, err, CodeForbidden, "/run/dz/dz.sock", "socket.group")
}

func TestDaemonsErrorComesThrough(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error":{"code":"not_found","message":"no endpoint shop","hint":"did you mean shopping?"}}`)
	})
	_, err := client.Endpoint(t.Context(), "shop", false)
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want an *Error", err)
	}
	want := &Error{Code: CodeNotFound, Message: "no endpoint shop", Hint: "did you mean shopping?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSomethingElseThanADaemonIsNotBelieved(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html>")
	})
	_, err := client.Status(t.Context())
	wantError(t, err, CodeInternal, client.Socket, "502")
}

func TestAnswerThatBreaksOffIsNoAnswer(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"version":`)
	})
	status, err := client.Status(t.Context())
	wantError(t, err, CodeUnreachable, "broke off")
	if status.Version != "" {
		t.Errorf("got a status of half an answer: %+v", status)
	}
}

func TestContextsEndIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := client.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestEachGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	pages := map[string]FailurePage{
		"":  {Failures: []Failure{{ID: "1"}, {ID: "2"}}, Next: "a"},
		"a": {Failures: []Failure{}, Next: "b"}, // bounded in bytes, or all purged meanwhile
		"b": {Failures: []Failure{{ID: "3"}}},
	}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Query().Get("cursor")]
		if !ok || r.URL.Query().Get("endpoint") != "shop" {
			http.Error(w, r.URL.String(), http.StatusTeapot)
			return
		}
		_ = json.NewEncoder(w).Encode(page)
	})
	query := FailureQuery{FailureSelection: FailureSelection{Endpoint: "shop"}}
	for range 2 { // a query is not used up
		var got []string
		for failure, err := range client.EachFailure(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, failure.ID)
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	query.Cursor = "lost"
	var failures, errs int
	for _, err := range client.EachFailure(t.Context(), query) {
		if failures++; err != nil {
			errs++
		}
	}
	if failures != 1 || errs != 1 {
		t.Errorf("got %d results with %d errors, want the one error", failures, errs)
	}
}

// emitServer counts lines, and remembers the bodies it was sent.
type emitServer struct {
	mu     sync.Mutex
	bodies []string
}

func (s *emitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	result := EmitResult{Rejected: []Rejected{}}
	var offset int64
	lines := bufio.NewScanner(strings.NewReader(string(body)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "bad") {
			result.RejectedCount++
			result.Rejected = append(result.Rejected, Rejected{Offset: offset})
		} else {
			result.Accepted++
		}
		offset += int64(len(lines.Bytes())) + 1
	}
	_ = json.NewEncoder(w).Encode(result)
}

func TestEmitSpreadsLongInputOverRequests(t *testing.T) {
	t.Parallel()
	server := &emitServer{}
	client := serve(t, server.ServeHTTP)
	text := "one\nbad\nthree\n" + strings.Repeat("x", 200) + "\nbad\nlast"
	got, err := client.emit(t.Context(), strings.NewReader(text), 9)
	if err != nil {
		t.Fatal(err)
	}
	want := EmitResult{Accepted: 4, RejectedCount: 2, Rejected: []Rejected{
		{Offset: int64(strings.Index(text, "bad"))}, {Offset: int64(strings.LastIndex(text, "bad"))},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantBodies := []string{"one\nbad\nthree\n", strings.Repeat("x", 200) + "\n", "bad\nlast"}
	if diff := cmp.Diff(wantBodies, server.bodies); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEmitSendsWhatAPipeHoldsBeforeItIsClosed(t *testing.T) {
	t.Parallel()
	asked := make(chan string)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		asked <- string(body)
		_ = json.NewEncoder(w).Encode(EmitResult{Accepted: 1})
	})
	reader, writer := io.Pipe()
	results := make(chan EmitResult, 1)
	go func() {
		result, err := client.Emit(t.Context(), reader)
		if err != nil {
			t.Error(err)
		}
		results <- result
	}()
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := io.WriteString(writer, line); err != nil {
			t.Fatal(err)
		}
		if got := <-asked; got != line { // while the pipe is open
			t.Errorf("got %q, want %q", got, line)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-results; got.Accepted != 2 {
		t.Errorf("got %d accepted, want 2", got.Accepted)
	}
}

func TestEmitNeverCutsALine(t *testing.T) {
	t.Parallel()
	server := &emitServer{}
	client := serve(t, server.ServeHTTP)
	reader, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, "half a ")
		timer := time.NewTimer(2 * emitPause) // the pause is what is tested
		<-timer.C
		_, _ = io.WriteString(writer, "line\n")
		_ = writer.Close()
	}()
	if _, err := client.Emit(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"half a line\n"}, server.bodies); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestEmitTellsWhatWentBeforeAnError(t *testing.T) {
	t.Parallel()
	requests := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests > 1 {
			w.WriteHeader(http.StatusInsufficientStorage) // without reading the body
			fmt.Fprint(w, `{"error":{"code":"store_full","message":"the store is full"}}`)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = json.NewEncoder(w).Encode(EmitResult{Accepted: 1})
	})
	got, err := client.emit(t.Context(), strings.NewReader("one\ntwo\n"), 1)
	wantError(t, err, CodeFull)
	if got.Accepted != 1 {
		t.Errorf("got %d accepted, want 1", got.Accepted)
	}
}

func TestEmitTellsThatTheInputFailed(t *testing.T) {
	t.Parallel()
	server := &emitServer{}
	client := serve(t, server.ServeHTTP)
	broken := errors.New("disk on fire")
	reader, writer := io.Pipe()
	go func() {
		_, _ = io.WriteString(writer, "one\nhal")
		_ = writer.CloseWithError(broken)
	}()
	if _, err := client.Emit(t.Context(), reader); !errors.Is(err, broken) {
		t.Errorf("got %v, want what the input said", err)
	}
}

func TestEmitOfNothingAsksNothing(t *testing.T) {
	t.Parallel()
	got, err := (&Client{Socket: "/nowhere"}).Emit(t.Context(), strings.NewReader(""))
	if err != nil || got.Rejected == nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestClientIsForManyAtATime(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"1"}`) })
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if version, err := client.Version(t.Context()); err != nil || version.Version != "1" {
				t.Errorf("got %+v, %v", version, err)
			}
		})
	}
	callers.Wait()
}
