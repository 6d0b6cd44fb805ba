package deliver

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// In a bubble the clock stands still while anybody works, so an attempt takes
// exactly as long as its limit.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	hang := func(conn net.Conn) {
		readRequest(conn)
		io.Copy(io.Discard, conn) // until the other side hangs up
	}
	drip := func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		for {
			<-time.After(time.Second)
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
	drippingHeader := func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: ")
		for {
			<-time.After(time.Second)
			if _, err := io.WriteString(conn, "x"); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		url              string
		receive          func(net.Conn) // nil: no connection comes about
		connect, request time.Duration
		takes            time.Duration
		reason           attempt.Reason
		text             string
	}{
		"no answer": {
			"http://shop.example/", hang, 5 * time.Second, 30 * time.Second,
			30 * time.Second, attempt.Timeout, "no answer within 30s",
		},
		"an answer that drips": {
			"http://shop.example/", drip, 5 * time.Second, 10500 * time.Millisecond,
			10500 * time.Millisecond, attempt.Timeout, "the answer was not complete within 10.5s: 10 bytes came",
		},
		"a header that drips": {
			"http://shop.example/", drippingHeader, 5 * time.Second, 10 * time.Second,
			10 * time.Second, attempt.Timeout, "no answer within 10s",
		},
		"no connection": {
			"http://shop.example/", nil, 5 * time.Second, 30 * time.Second,
			5 * time.Second, attempt.ConnectTimeout, "no connection within 5s",
		},
		"no connection in a short time for all": {
			"http://shop.example/", nil, 5 * time.Second, 2 * time.Second,
			2 * time.Second, attempt.ConnectTimeout, "no connection within 2s",
		},
		"no TLS handshake": {
			"https://shop.example/", func(conn net.Conn) { io.Copy(io.Discard, conn) }, 5 * time.Second, 30 * time.Second,
			5 * time.Second, attempt.ConnectTimeout, "no TLS handshake within 5s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := Config{Dial: lose}
				if c.receive != nil {
					config.Dial = pipeTo(t, c.receive)
				}
				sender := newTestSender(t, config)
				ep := endpointAt(c.url)
				ep.ConnectTimeout = timespan.Span(c.connect)
				_, got := sender.Send(t.Context(), ep, testRequest(), Limits{Answer: 1 << 10, Timeout: c.request})
				if got.Verdict != attempt.Unavailable || got.Reason != c.reason || got.Error != c.text || got.Duration != c.takes {
					t.Errorf("%s, %s, %q after %s; want %s, %q after %s",
						got.Verdict, got.Reason, got.Error, got.Duration, c.reason, c.text, c.takes)
				}
			})
		})
	}
}

func TestTheEndpointsOwnTimeoutWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sender := newTestSender(t, Config{Dial: pipeTo(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })})
		ep := endpointAt("http://shop.example/")
		ep.Timeout = timespan.Span(3 * time.Second)
		_, got := sender.Send(t.Context(), ep, testRequest(), Limits{Timeout: 100 * time.Second})
		if got.Duration != 3*time.Second || got.Reason != attempt.Timeout {
			t.Errorf("%s after %s", got.Reason, got.Duration)
		}
	})
}

func TestShutdownBreaksAnAttemptOffAndBlamesNobody(t *testing.T) {
	t.Parallel()
	answering := func(conn net.Conn) {
		readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxxx")
		io.Copy(io.Discard, conn)
	}
	for name, receive := range map[string]func(net.Conn){
		"while connecting":  nil,
		"before the answer": func(conn net.Conn) { io.Copy(io.Discard, conn) },
		"within the answer": answering,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				config := Config{Dial: lose}
				if receive != nil {
					config.Dial = pipeTo(t, receive)
				}
				sender := newTestSender(t, config)
				_, got := sender.Send(ctx, endpointAt("http://shop.example/"), testRequest(), testLimits())
				if got.Verdict != attempt.Aborted || got.Reason != attempt.Shutdown || got.Duration != time.Second {
					t.Errorf("%s, %s after %s", got.Verdict, got.Reason, got.Duration)
				}
				if !strings.Contains(got.Error, "broke the attempt off") {
					t.Errorf("error %q", got.Error)
				}
			})
		})
	}
}
