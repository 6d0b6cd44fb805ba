package deliver

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The answer stops after each of its bytes, and the connection stays: the
// attempt's time runs out, or dz is stopped meanwhile.
func TestBothWaysWaitForAnAnswerAlike(t *testing.T) {
	t.Parallel()
	for name, text := range cutAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for end := range len(text) + 1 {
				for _, stopped := range []time.Duration{time.Hour, 3 * time.Second} {
					ours, theirs := waited(t, overHTTP1, text[:end], stopped), waited(t, overNetHTTP, text[:end], stopped)
					if diff := cmp.Diff(theirs, ours); diff != "" {
						t.Fatalf("after %q, stopped after %s (-net/http +http1):\n%s", text[:end], stopped, diff)
					}
				}
			}
		})
	}
}

// waited makes an attempt at a receiver that says something and then no more;
// dz is stopped after a while.
func waited(t *testing.T, w way, text string, stopped time.Duration) (found exchanged) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sender := newTestSender(t, Config{Dial: pipeTo(t, func(conn net.Conn) {
			readRequest(conn)
			io.WriteString(conn, text)
			io.Copy(io.Discard, conn) // until the other side hangs up
		})})
		if w == overNetHTTP {
			viaNetHTTP(sender)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		defer time.AfterFunc(stopped, cancel).Stop()
		found.Answer, found.Outcome = sender.Send(ctx, endpointAt("http://shop.example/hook"), testRequest(), testLimits())
	})
	return found
}
