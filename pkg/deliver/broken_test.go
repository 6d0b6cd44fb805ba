package deliver

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
)

func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	tooLong := "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", maxAnswerHeader) + "\r\n\r\n"
	for name, c := range map[string]struct {
		answer string
		reason attempt.Reason
		status int
		text   string
	}{
		"closed before an answer": {"", attempt.ConnectionClosed, 0, "closed before an answer"},
		"closed in the status":    {"HTTP/1.1 20", attempt.BadAnswer, 0, "the answer is not valid HTTP"},
		"closed in the header":    {"HTTP/1.1 200 OK\r\nContent-", attempt.BadAnswer, 0, "the answer is not valid HTTP"},
		"closed in the body": {
			"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", attempt.ConnectionClosed, 200,
			"closed within the answer, after 4 bytes",
		},
		"closed in a chunk": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", attempt.ConnectionClosed, 200,
			"closed within the answer, after 2 bytes",
		},
		"garbage":          {"\x16\x03\x01 hello\r\n\r\n", attempt.BadAnswer, 0, "the answer is not valid HTTP"},
		"not a number":     {"HTTP/1.1 abc OK\r\n\r\n", attempt.BadAnswer, 0, "the answer is not valid HTTP"},
		"bad header":       {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", attempt.BadAnswer, 0, "the answer is not valid HTTP"},
		"bad chunk":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", attempt.BadAnswer, 200, "not valid HTTP after 0 bytes"},
		"endless header":   {tooLong, attempt.BadAnswer, 0, "the header of the answer is longer than"},
		"another protocol": {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", attempt.UnexpectedStatus, 101, "answered 101"},
		"a failure, broken off": {
			"HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n0123", attempt.ServerError, 500, "answered 500 Internal Server Error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := send(t, listen(t, says(c.answer)).url)
			if got.Verdict != attempt.Unavailable || got.Reason != c.reason || got.Status != c.status || !strings.Contains(got.Error, c.text) {
				t.Errorf("%s, %s, status %d, %q; want unavailable, %s, %d, %q", got.Verdict, got.Reason, got.Status, got.Error, c.reason, c.status, c.text)
			}
		})
	}
}

func TestAResetConnectionIsClosed(t *testing.T) {
	t.Parallel()
	target := listen(t, func(conn net.Conn, _ int) bool {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123")
		conn.(*net.TCPConn).SetLinger(0) // close with RST
		return false
	})
	_, got := send(t, target.url)
	if got.Verdict != attempt.Unavailable || got.Reason != attempt.ConnectionClosed {
		t.Errorf("%s, %s, %q", got.Verdict, got.Reason, got.Error)
	}
}

func TestAnAnswerOfHTTP10EndsWithItsConnection(t *testing.T) {
	t.Parallel()
	answer, got := send(t, listen(t, says("HTTP/1.0 200 OK\r\n\r\nthank you")).url)
	if got.Verdict != attempt.Delivered || string(answer.Body) != "thank you" {
		t.Errorf("%s, %q", got.Verdict, answer.Body)
	}
}

func TestARequestIsNotSentTwiceWhenAKeptConnectionCloses(t *testing.T) {
	t.Parallel()
	// The second request on the connection is read, and not answered.
	target := listen(t, func(conn net.Conn, before int) bool {
		if before == 0 {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			return true
		}
		return false
	})
	sender := newTestSender(t, Config{})
	if _, got := sender.Send(t.Context(), endpointAt(target.url), testRequest(), testLimits()); got.Verdict != attempt.Delivered {
		t.Fatalf("first: %+v", got)
	}
	_, got := sender.Send(t.Context(), endpointAt(target.url), testRequest(), testLimits())
	if got.Reason != attempt.ConnectionClosed || got.Error != "the connection was closed before an answer" {
		t.Errorf("second: %s, %q", got.Reason, got.Error)
	}
	if n := target.count(); n != 2 {
		t.Errorf("%d requests were sent for two attempts", n)
	}
}

func TestNobodyListening(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, got := send(t, "http://"+listener.Addr().String())
	if got.Verdict != attempt.Unavailable || got.Reason != attempt.Refusal || got.Error != "connection refused" {
		t.Errorf("%s, %s, %q", got.Verdict, got.Reason, got.Error)
	}
}

func TestNoRouteIsUnreachable(t *testing.T) {
	t.Parallel()
	sender := newTestSender(t, Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	}})
	_, got := sender.Send(t.Context(), endpointAt("http://shop.example/"), testRequest(), testLimits())
	if got.Reason != attempt.Unreachable || got.Error != "can't connect: no route to host" {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}
