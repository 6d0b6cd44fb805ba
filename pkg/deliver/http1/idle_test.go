package http1

import (
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnIdleConnectionIsClosedAfterItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := receive(t, says(nothing))
		h := newTestHost(t, r.overPipe)
		begun := time.Now()
		mustPost(t, h, "")
		<-time.After(59 * time.Second)
		mustPost(t, h, "") // it is as good as new
		<-r.ended
		if took := time.Since(begun); took != 119*time.Second {
			t.Errorf("it was closed after %s, want 1m59s", took)
		}
		r.expect(t, 1, 2)
		mustPost(t, h, "")
		r.expect(t, 2, 3)
	})
}

// The connection used last is used next, so that those too many grow old.
func TestConnectionsTooManyGrowOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := receive(t, says(thanks))
		h := newTestHost(t, r.overPipe)
		var open []*http.Response
		for range 2 {
			response, err := h.Do(t.Context(), testRequest())
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, response)
		}
		for _, response := range open {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		for range 4 {
			<-time.After(20 * time.Second)
			mustPost(t, h, "thanks")
		}
		if n := len(r.ended); n != 1 {
			t.Errorf("%d of 2 connections were closed, want the one that was not needed", n)
		}
		r.expect(t, 2, 6)
	})
}

func TestNoMoreConnectionsAreKeptThanMayBe(t *testing.T) {
	t.Parallel()
	r := receive(t, says(thanks))
	h := newTestHost(t, r.overPipe)
	var open []*http.Response
	for range 5 {
		response, err := h.Do(t.Context(), testRequest())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, response)
	}
	for _, response := range open {
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	for range 3 {
		<-r.ended
	}
	if n := len(h.idle); n != 2 {
		t.Errorf("%d connections are kept, want 2", n)
	}
}

func TestAClosedHostKeepsNoConnection(t *testing.T) {
	t.Parallel()
	r := receive(t, says(thanks))
	h := newTestHost(t, r.overPipe)
	mustPost(t, h, "thanks")
	response, err := h.Do(t.Context(), testRequest())
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	h.Close() // twice is as good as once
	if content, err := io.ReadAll(response.Body); err != nil || string(content) != "thanks" {
		t.Errorf("an exchange under way: %q, %v", content, err)
	}
	response.Body.Close()
	<-r.ended
	mustPost(t, h, "thanks")
	<-r.ended
	r.expect(t, 2, 3)
}

// While a machine sleeps its monotonic clock stands still, and so do timers.
func TestAConnectionDoesNotOutliveASleepOfTheMachine(t *testing.T) {
	t.Parallel()
	r := receive(t, says(nothing))
	h := newTestHost(t, r.overPipe)
	mustPost(t, h, "")
	h.idle[0].since = h.idle[0].since.Round(0).Add(-2 * time.Minute)
	mustPost(t, h, "")
	<-r.ended
	r.expect(t, 2, 2)
}

// What came on an idle connection is seen before the next request is written.
func TestADeadConnectionIsNotUsed(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(net.Conn){
		"closed":          func(conn net.Conn) { conn.Close() },
		"half closed":     func(conn net.Conn) { conn.(*net.TCPConn).CloseWrite() },
		"reset":           func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0); conn.Close() },
		"something else":  func(conn net.Conn) { io.WriteString(conn, "hello?") },
		"408, and closed": func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 408 Timeout\r\n\r\n"); conn.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conns := make(chan net.Conn, 1)
			r := receive(t, func(conn net.Conn, connection, _ int) bool {
				io.WriteString(conn, nothing)
				if connection == 1 {
					conns <- conn
				}
				return true
			})
			h := newTestHost(t, r.overTCP(t))
			mustPost(t, h, "")
			end(<-conns)
			waitUntilHeard(t, h.idle[0])
			mustPost(t, h, "")
			r.expect(t, 2, 2)
			h.Close()
		})
	}
}

// waitUntilHeard waits until what a receiver did has come over the network.
func waitUntilHeard(t *testing.T, c *conn) {
	t.Helper()
	if c.socket == nil {
		t.Skip("connections can't be looked at here")
	}
	for limit := time.Now().Add(10 * time.Second); c.socket.quiet(); {
		if time.Now().After(limit) {
			t.Fatal("nothing came")
		}
	}
}
