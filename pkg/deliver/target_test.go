package deliver

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// What requests have in common is kept; the test changes what it was made of,
// and nothing that says so.
func TestAChangedEndpointIsNoticed(t *testing.T) {
	t.Parallel()
	var got http.Header
	var host, path string
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) { got, host, path = r.Header, r.Host, r.URL.Path })
	sender, ep := newTestSender(t, Config{}), endpointAt(target+"/old")
	ep.Headers = map[string]string{"X-Key": "old", "X-Old": "1"}
	send := func() {
		t.Helper()
		if _, outcome := sender.Send(t.Context(), ep, testRequest(), testLimits()); outcome.Verdict != attempt.Delivered {
			t.Fatalf("%s, %q", outcome.Verdict, outcome.Error)
		}
	}
	send()
	ep.Headers["X-Key"] = "new"
	delete(ep.Headers, "X-Old")
	send()
	if got.Get("X-Key") != "new" || got.Values("X-Old") != nil || path != "/old" {
		t.Errorf("after other headers: %s, %v", path, got)
	}
	ep.URL = strings.Replace(target, "127.0.0.1", "dam:secret@localhost", 1) + "/new"
	send()
	if path != "/new" || !strings.HasPrefix(host, "localhost:") || !strings.HasPrefix(got.Get("Authorization"), "Basic ") {
		t.Errorf("after another url: %s%s, %v", host, path, got)
	}
	ep.URL = "http://169.254.169.254/"
	if _, outcome := sender.Send(t.Context(), ep, testRequest(), testLimits()); outcome.Reason != attempt.Denied {
		t.Errorf("after a refused address: %s, %q", outcome.Reason, outcome.Error)
	}
}

func TestRequestsOfOneEndpointShareNoHeader(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://dam:secret@shop.example/")
	ep.Headers = map[string]string{"X-Key": "k"}
	target, err := newTarget(ep, "dz/test")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_795_255_200, 0)
	first := target.header(testRequest(), now)
	for name := range first {
		first.Add(name, "added")
		first.Del(name)
	}
	for name, values := range target.header(testRequest(), now) {
		if len(values) != 1 || values[0] == "added" {
			t.Errorf("%s: %q", name, values)
		}
	}
}

// net/http sends again what it knows the receiver not to have read, or may: then
// the message has to be there a second time.
func TestAMessageThatIsSentAgainIsWhole(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 3)
	served := 0
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- string(body)
		if served++; served == 2 {
			panic(http.ErrAbortHandler) // on the kept connection
		}
	})
	sender, ep := newTestSender(t, Config{}), endpointAt(serve(t, receiver))
	ep.Headers = map[string]string{"Idempotency-Key": "1"}
	for range 2 {
		if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Verdict != attempt.Delivered {
			t.Errorf("%s, %q", got.Verdict, got.Error)
		}
	}
	close(bodies)
	n := 0
	for body := range bodies {
		if n++; body != testBody {
			t.Errorf("request %d: %q", n, body)
		}
	}
	if n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// The receiver may have taken the first of two, whatever becomes of the second.
func TestAMessageThatCanNotBeSentAgainWasSentAllTheSame(t *testing.T) {
	t.Parallel()
	for _, w := range []way{overHTTP1, overNetHTTP} {
		t.Run(string(w), func(t *testing.T) {
			t.Parallel()
			var requests, dials atomic.Int64
			url := serve(t, func(http.ResponseWriter, *http.Request) {
				if requests.Add(1) == 2 {
					panic(http.ErrAbortHandler) // on the kept connection
				}
			})
			sender := newTestSender(t, Config{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				if dials.Add(1) > 1 {
					return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}})
			if w == overNetHTTP {
				viaNetHTTP(sender)
			}
			ep := endpointAt(url)
			ep.Headers = map[string]string{"Idempotency-Key": "1"}
			for _, want := range []attempt.Reason{attempt.OK, attempt.ConnectionClosed, attempt.Refusal} {
				if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Reason != want {
					t.Errorf("%s (%s), want %s", got.Reason, got.Error, want)
				}
			}
			if requests.Load() != 2 || dials.Load() != 3 {
				t.Errorf("%d requests over %d connections", requests.Load(), dials.Load())
			}
		})
	}
}

func TestAMessageGoesOutInOnePiece(t *testing.T) {
	t.Parallel()
	config := Config{Dial: pipeTo(t, func(conn net.Conn) {
		buf := make([]byte, 16<<10)
		n, err := conn.Read(buf) // of a pipe: as much as one Write gave
		if err != nil || !strings.HasSuffix(string(buf[:n]), testBody) {
			t.Errorf("first came %q, %v", buf[:n], err)
		}
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})}
	_, got := newTestSender(t, config).Send(t.Context(), endpointAt("http://shop.example/"), testRequest(), testLimits())
	if got.Verdict != attempt.Delivered {
		t.Errorf("%s, %q", got.Verdict, got.Error)
	}
}
