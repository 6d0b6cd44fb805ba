package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, body string }{
		"nothing": {nothing, ""},
		"thanks":  {thanks, "thanks"},
		"chunks":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nthanks\r\n0\r\n\r\n", "thanks"},
		"interim": {"HTTP/1.1 103 Early Hints\r\n\r\n" + thanks, "thanks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, says(c.answer))
			h := newTestHost(t, r.overTCP(t))
			for range 5 {
				mustPost(t, h, c.body)
			}
			r.expect(t, 1, 5)
			h.Close()
		})
	}
}

// A kept connection that closes as the request comes: it was read, and not
// answered.
func TestARequestIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		again    bool
		first    bool // the connection closes on its first request, and not on its second
		requests int
		fails    bool
	}{
		"on a kept connection":            {requests: 2, fails: true},
		"again, on a kept connection":     {again: true, requests: 3},
		"again, but on a new connection":  {again: true, first: true, requests: 1, fails: true},
		"on a new connection that closes": {first: true, requests: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, func(conn net.Conn, connection, request int) bool {
				if connection == 1 && (c.first || request == 2) {
					return false
				}
				io.WriteString(conn, nothing)
				return true
			})
			h := newTestHost(t, r.overTCP(t))
			if !c.first {
				mustPost(t, h, "")
			}
			again := testRequest()
			again.Again = c.again
			_, err := post(t.Context(), h, again)
			if (err != nil) != c.fails || c.fails && !errors.Is(err, io.EOF) {
				t.Errorf("error is %v", err)
			}
			if got := r.counts()[1]; got != c.requests {
				t.Errorf("%d requests came, want %d", got, c.requests)
			}
			h.Close()
		})
	}
}

// A pipe can't be looked at: that it is closed shows when it takes no byte.
func TestWhatAKeptConnectionTookNothingOfIsSentOverAnother(t *testing.T) {
	t.Parallel()
	r := receive(t, func(conn net.Conn, connection, _ int) bool {
		io.WriteString(conn, nothing)
		return connection > 1
	})
	h := newTestHost(t, r.overPipe)
	mustPost(t, h, "")
	<-r.ended
	mustPost(t, h, "")
	r.expect(t, 2, 2)
}

func TestAnAnswerMayComeBeforeTheRequestIsRead(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h := newTestHost(t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 50 {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 1))
			io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
			conn.Close() // with bytes unread, which resets the connection
		}
	}()
	for range 50 {
		r := testRequest()
		r.Message = []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n" + strings.Repeat("x", 30_000))
		response, err := h.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge || string(content) != "no" {
			t.Errorf("%d, %q, %v", response.StatusCode, content, err)
		}
	}
	<-done
}

func TestAnExchangeEndsAtItsDeadlineAndWithItsContext(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(net.Conn, int, int) bool{
		"no answer":              func(conn net.Conn, _, _ int) bool { return true },
		"a header without end":   says("HTTP/1.1 200 OK\r\nX-A"),
		"a body without end":     says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
		"interims without end":   says("HTTP/1.1 102 Processing\r\n\r\n"),
		"until the connection's": says("HTTP/1.1 200 OK\r\n\r\nhello"),
	} {
		for _, cancelled := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					r := receive(t, answer)
					h := newTestHost(t, r.overPipe)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					want := 10 * time.Second
					if cancelled {
						want = 3 * time.Second
						time.AfterFunc(want, cancel)
					}
					begun := time.Now()
					_, err := post(ctx, h, testRequest())
					if took := time.Since(begun); took != want || !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("%v after %s, want the end after %s", err, took, want)
					}
					<-r.ended // its connection is not kept
				})
			})
		}
	}
}

func TestNothingIsSentForWhatIsOver(t *testing.T) {
	t.Parallel()
	r := receive(t, says(nothing))
	h := newTestHost(t, r.overPipe)
	mustPost(t, h, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := post(ctx, h, testRequest()); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	late := testRequest()
	late.Deadline = time.Now().Add(-time.Second)
	if _, err := post(t.Context(), h, late); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	r.expect(t, 1, 1)
}

func TestDialIsWithinTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTestHost(t, func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		begun := time.Now()
		_, err := post(t.Context(), h, testRequest())
		var dial *DialError
		if took := time.Since(begun); !errors.As(err, &dial) || took != 10*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestALongHeaderIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	r := receive(t, func(conn net.Conn, _, _ int) bool {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-A: ")
		for {
			n, err := io.WriteString(conn, strings.Repeat("x", 100))
			sent.Add(int64(n))
			if err != nil {
				return false
			}
		}
	})
	h := newTestHost(t, r.overPipe)
	_, err := post(t.Context(), h, testRequest())
	var long *HeaderError
	if !errors.As(err, &long) || long.Limit != 1<<10 {
		t.Errorf("error is %v", err)
	}
	<-r.ended
	if n := sent.Load(); n > 1<<10 {
		t.Errorf("%d bytes were read", n)
	}
}

func TestABodyThatIsNotWantedEndsItsConnection(t *testing.T) {
	t.Parallel()
	r := receive(t, says(thanks))
	h := newTestHost(t, r.overPipe)
	response, err := h.Do(t.Context(), testRequest())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	response.Body.Close() // twice is as good as once
	<-r.ended
	if _, err := response.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("reading on: %v", err)
	}
	mustPost(t, h, "thanks")
	r.expect(t, 2, 2)
}
