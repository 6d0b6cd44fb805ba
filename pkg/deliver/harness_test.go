package deliver

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http logs what nobody asked for
	goleak.VerifyTestMain(m)
}

const testBody = `{"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}`

// testLimits leave a test more time than it needs, unless it fails.
func testLimits() Limits { return Limits{Answer: 64 << 10, Timeout: 10 * time.Second} }

func testRequest() attempt.Request {
	return attempt.Request{ID: "msg_1", ContentType: "application/json", Body: []byte(testBody)}
}

func newTestSender(t testing.TB, config Config) *Sender {
	t.Helper()
	if config.UserAgent == "" {
		config.UserAgent = "dz/test"
	}
	if config.Proxy == nil {
		config.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	s := New(config)
	t.Cleanup(s.Close)
	return s
}

func endpointAt(url string) *endpoint.Endpoint {
	return &endpoint.Endpoint{
		ID: 1, Name: "shop", Style: "notify", URL: url, Enabled: true,
		ConnectTimeout: timespan.Span(5 * time.Second),
	}
}

// send makes one attempt with a sender of its own.
func send(t *testing.T, url string) (attempt.Answer, attempt.Outcome) {
	t.Helper()
	return newTestSender(t, Config{}).Send(t.Context(), endpointAt(url), testRequest(), testLimits())
}

// viaNetHTTP has a sender send everything over net/http.
func viaNetHTTP(s *Sender) { s.pool.goesDirect = func(*target) bool { return false } }

// serve starts an HTTP receiver and returns its URL.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// receiver is a receiver below HTTP: it reads whole requests and answers them
// with the bytes that a test wants.
type receiver struct {
	url string

	mu       sync.Mutex
	requests int
}

// listen starts a receiver. speak is called for each request on a connection,
// with how many requests came before it on all; it returns whether the
// connection stays open.
func listen(t *testing.T, speak func(conn net.Conn, before int) (stay bool)) *receiver {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook"}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { r.speak(conn, speak) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		conns.Wait()
	})
	return r
}

func (r *receiver) speak(conn net.Conn, speak func(net.Conn, int) bool) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		r.mu.Lock()
		before := r.requests
		r.requests++
		r.mu.Unlock()
		if !speak(conn, before) {
			return
		}
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// says answers each request with text and closes the connection.
func says(text string) func(net.Conn, int) bool {
	return func(conn net.Conn, _ int) bool {
		io.WriteString(conn, text)
		return false
	}
}

// pipeTo is a dial function that connects to speak, a receiver that is handed
// each connection. It needs no network, so it works in a synctest bubble. The
// test ends after the last receiver.
func pipeTo(t *testing.T, speak func(conn net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	var receivers sync.WaitGroup
	t.Cleanup(receivers.Wait)
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		receivers.Go(func() {
			defer far.Close()
			speak(far)
		})
		return near, nil
	}
}

// toAddress is a dial function that connects to an address, whatever it is asked
// for.
func toAddress(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// lose is a dial function for an address where nobody is: it waits in vain.
func lose(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// readRequest reads one request from conn to its end.
func readRequest(conn net.Conn) {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		io.Copy(io.Discard, request.Body)
	}
}
