package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// logBuffer is a log that a test reads while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// running is a server on a real Unix socket.
type running struct {
	*api.Client
	service *fake
	log     *logBuffer
	stop    func() error // stops the server and returns what Serve returned
}

// newServer makes a server that nobody serves yet.
func newServer(t testing.TB, service *fake, policy Policy) *Server {
	t.Helper()
	return newLoggingServer(t, service, policy, io.Discard)
}

func newLoggingServer(t testing.TB, service *fake, policy Policy, log io.Writer) *Server {
	t.Helper()
	server, err := New(Config{
		Service: service,
		Policy:  policy,
		Version: "1.2.3",
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "dz_up 1") }),
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// run serves on a real socket; the policy decides whether the test is let in.
func run(t *testing.T, service *fake, policy Policy) *running {
	t.Helper()
	log := &logBuffer{}
	return runServer(t, newLoggingServer(t, service, policy, log), service, log)
}

func runServer(t *testing.T, server *Server, service *fake, log *logBuffer) *running {
	t.Helper()
	socket := filepath.Join(socketDir(t), "run", "dz.sock")
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := Listen(ctx, socket, Policy{Owner: uint32(os.Geteuid())})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &running{Client: &api.Client{Socket: socket}, service: service, log: log, stop: stop}
}

func start(t *testing.T) *running {
	t.Helper()
	return run(t, newFake(), Policy{Owner: uint32(os.Geteuid())})
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

// answer is what a raw request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw makes a request that the client would not make.
func (r *running) raw(t *testing.T, method, path, contentType, body string) answer {
	t.Helper()
	header := make(http.Header)
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return r.rawWith(t, method, path, header, body)
}

func (r *running) rawWith(t *testing.T, method, path string, header http.Header, body string) answer {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", r.Socket)
		},
	}}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://dz"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func wantError(t *testing.T, err error, code api.Code, parts ...string) {
	t.Helper()
	var got *api.Error
	if !errors.As(err, &got) {
		t.Fatalf("got error %v, want an *api.Error", err)
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

func TestManyClientsAtATime(t *testing.T) {
	t.Parallel()
	server := start(t)
	shop := endpoint.Endpoint{Name: "shop"}
	create := api.EndpointCreate{Name: shop.Name, EndpointUpdate: api.EndpointUpdate{
		URL: api.Set("https://shop.example"), ChangeTypes: api.Set([]string{"AssetChanged"}),
	}}
	if _, err := server.CreateEndpoint(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for i := range 40 {
		callers.Go(func() {
			client := &api.Client{Socket: server.Socket}
			name := fmt.Sprintf("X-%d", i)
			_, err := client.UpdateEndpoint(t.Context(), "shop", api.EndpointUpdate{
				Headers: map[string]api.Patch[string]{name: api.Set("value")},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	ep, err := server.Endpoint(t.Context(), "shop", false)
	if err != nil {
		t.Fatal(err)
	}
	if len(ep.Headers) != 40 {
		t.Errorf("got %d headers, want 40: an update was lost", len(ep.Headers))
	}
}

func TestStoppingRemovesTheSocket(t *testing.T) {
	t.Parallel()
	server := start(t)
	if err := server.Healthz(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(server.Socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	_, err := server.Status(t.Context())
	wantError(t, err, api.CodeUnreachable)
}

// blocking makes a service whose requests wait until they are let go.
func blocking() *fake {
	service := newFake()
	service.block, service.entered, service.left = make(chan struct{}), make(chan struct{}), make(chan error, 1)
	return service
}

func TestStoppingLetsARequestUnderWayEnd(t *testing.T) {
	t.Parallel()
	service := blocking()
	server := run(t, service, alone())
	got := make(chan error, 1)
	go func() {
		_, err := server.Status(t.Context())
		got <- err
	}()
	<-service.entered
	stopped := make(chan error, 1)
	go func() { stopped <- server.stop() }()
	// The listener closes first: from then on the server is stopping.
	for {
		if _, err := os.Lstat(server.Socket); os.IsNotExist(err) {
			break
		}
		runtime.Gosched()
	}
	close(service.block)
	if err := <-got; err != nil {
		t.Errorf("the request under way failed: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStoppingBreaksOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	service, log := blocking(), &logBuffer{}
	patient := newLoggingServer(t, service, alone(), log)
	patient.grace = time.Millisecond
	server := runServer(t, patient, service, log)
	got := make(chan error, 1)
	go func() {
		_, err := server.Status(t.Context())
		got <- err
	}()
	<-service.entered
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	wantError(t, <-got, api.CodeUnreachable)
	if err := <-service.left; !errors.Is(err, context.Canceled) {
		t.Errorf("the service was not told to stop: %v", err)
	}
	if text := log.String(); strings.Contains(text, "ERROR") {
		t.Errorf("stopping is logged as an error: %s", text)
	}
}

var retryAll = api.FailureAction{FailureSelection: api.FailureSelection{All: true}, Wait: true}

// A bound on reading a request must not become one on answering it.
func TestWaitingForRetriesTakesItsTime(t *testing.T) {
	t.Parallel()
	service, log := blocking(), &logBuffer{}
	hasty := newLoggingServer(t, service, alone(), log)
	hasty.bodyTimeout = 10 * time.Millisecond
	server := runServer(t, hasty, service, log)
	got := make(chan error, 1)
	go func() {
		_, err := server.RetryFailures(t.Context(), retryAll)
		got <- err
	}()
	<-service.entered
	select {
	case err := <-service.left:
		t.Errorf("the service was stopped: %v", err)
	case <-time.After(10 * hasty.bodyTimeout): // nothing is to happen meanwhile
	}
	close(service.block)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestServiceIsToldThatTheClientHasGone(t *testing.T) {
	t.Parallel()
	service := blocking()
	server := run(t, service, alone())
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := server.RetryFailures(ctx, retryAll)
		got <- err
	}()
	<-service.entered
	cancel()
	if err := <-service.left; !errors.Is(err, context.Canceled) {
		t.Errorf("the service goes on: %v", err)
	}
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A client that promises a body and does not send it is not waited for, whether
// the body is read, not read, or the client has no business here at all.
func TestBodyThatStandsStillIsGivenUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, contentType string
		policy                  Policy
		status                  int
		code                    api.Code
	}{
		{"JSON", "/api/v1/endpoints", "application/json", alone(), 408, api.CodeInvalid},
		{"events", "/api/v1/events", "application/x-ndjson", alone(), 408, api.CodeInvalid},
		{"not read", "/api/v1/events", "text/html", alone(), 415, api.CodeInvalid},
		{"a stranger's", "/api/v1/events", "application/x-ndjson", Policy{Owner: stranger()}, 403, api.CodeForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.status == http.StatusForbidden && os.Geteuid() == 0 {
				t.Skip("root is no stranger")
			}
			service, log := newFake(), &logBuffer{}
			hasty := newLoggingServer(t, service, tt.policy, log)
			hasty.bodyTimeout = 10 * time.Millisecond
			server := runServer(t, hasty, service, log)
			conn, err := net.Dial("unix", server.Socket)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: dz\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n{", tt.path, tt.contentType)
			reader := bufio.NewReader(conn)
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tt.status || errorOf(t, body).Code != tt.code {
				t.Errorf("got %s %s", response.Status, body)
			}
			if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
				t.Errorf("the connection is not closed: %v", err)
			}
			if text := log.String(); strings.Contains(text, "ERROR") {
				t.Errorf("a slow client is logged as an error: %s", text)
			}
		})
	}
}

func TestPanicIsOneRequestsError(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.entered = make(chan struct{})
	close(service.entered) // telling panics
	service.block = make(chan struct{})
	server := run(t, service, Policy{Owner: uint32(os.Geteuid())})
	_, err := server.Status(t.Context())
	wantError(t, err, api.CodeInternal)
	if err := server.Healthz(t.Context()); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	if log := server.log.String(); strings.Count(log, "panicked") != 1 || !strings.Contains(log, "closed channel") {
		t.Errorf("the log does not say what happened, once: %s", log)
	}
}

// errorOf reads an error's body; a body that is none makes an empty error.
func errorOf(t *testing.T, body []byte) api.Error {
	t.Helper()
	var told api.ErrorBody
	if json.Unmarshal(body, &told) != nil || told.Error == nil {
		return api.Error{}
	}
	return *told.Error
}
