package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	message = "POST /hook HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello"
	nothing = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	thanks  = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks"
)

// receiver is a receiver that answers requests as a test wants, and counts.
type receiver struct {
	// answer is called for the nth request on the nth connection, both from 1;
	// it returns whether the connection stays open.
	answer func(conn net.Conn, connection, request int) (stay bool)

	mu                    sync.Mutex
	connections, requests int
	ended                 chan struct{} // has an entry for each connection that ended
	running               sync.WaitGroup
}

func receive(t *testing.T, answer func(conn net.Conn, connection, request int) (stay bool)) *receiver {
	t.Helper()
	r := &receiver{answer: answer, ended: make(chan struct{}, 100)}
	t.Cleanup(r.running.Wait)
	return r
}

// says answers every request with text, and stays.
func says(text string) func(net.Conn, int, int) bool {
	return func(conn net.Conn, _, _ int) bool {
		io.WriteString(conn, text)
		return true
	}
}

func (r *receiver) take(conn net.Conn) {
	r.mu.Lock()
	r.connections++
	connection := r.connections
	r.mu.Unlock()
	r.running.Go(func() {
		defer func() {
			conn.Close()
			r.ended <- struct{}{}
		}()
		reader := bufio.NewReader(conn)
		for n := 1; ; n++ {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, request.Body); err != nil {
				return
			}
			r.mu.Lock()
			r.requests++
			r.mu.Unlock()
			if !r.answer(conn, connection, n) {
				return
			}
		}
	})
}

// counts are how many connections and requests came.
func (r *receiver) counts() [2]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return [2]int{r.connections, r.requests}
}

func (r *receiver) expect(t *testing.T, connections, requests int) {
	t.Helper()
	if got, want := r.counts(), [2]int{connections, requests}; got != want {
		t.Errorf("%d connections and %d requests came, want %d and %d", got[0], got[1], want[0], want[1])
	}
}

// overPipe reaches the receiver without a network, so that a bubble's clock
// holds. A pipe can't be looked at.
func (r *receiver) overPipe(context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	r.take(far)
	return near, nil
}

// overTCP returns what reaches the receiver by a socket.
func (r *receiver) overTCP(t *testing.T) func(context.Context) (net.Conn, error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.take(conn)
		}
	})
	t.Cleanup(func() { listener.Close() })
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	}
}

func newTestHost(t *testing.T, dial func(context.Context) (net.Conn, error)) *Host {
	t.Helper()
	h := NewHost(Settings{Dial: dial, MaxIdle: 2, IdleTimeout: time.Minute, MaxHeader: 1 << 10})
	t.Cleanup(h.Close)
	return h
}

func testRequest() Request {
	return Request{Message: []byte(message), Deadline: time.Now().Add(10 * time.Second)}
}

// post makes one exchange, and returns the body of the answer.
func post(ctx context.Context, h *Host, r Request) (string, error) {
	response, err := h.Do(ctx, r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

// mustPost makes one exchange that must succeed.
func mustPost(t *testing.T, h *Host, want string) {
	t.Helper()
	if got, err := post(t.Context(), h, testRequest()); err != nil || got != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}
