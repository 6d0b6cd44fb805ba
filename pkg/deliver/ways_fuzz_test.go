package deliver

import (
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// Whatever comes for an answer, both ways make the same of it, and within the
// limits.
func FuzzBothWaysTakeAnAnswerAlike(f *testing.F) {
	for _, answers := range []map[string]string{wholeAnswers(), overlongAnswers(), brokenAnswers()} {
		for _, text := range answers {
			if len(text) < 4<<10 {
				f.Add([]byte(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ours, theirs := takenOverPipe(t, overHTTP1, text), takenOverPipe(t, overNetHTTP, text)
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("http1 differs from net/http (-net/http +http1):\n%s", diff)
		}
		if n := len(ours.Answer.Body); n > 100 {
			t.Errorf("%d bytes of the answer were kept", n)
		}
	})
}

// takenOverPipe makes one attempt at a receiver that answers with text and
// closes.
func takenOverPipe(t *testing.T, w way, text []byte) exchanged {
	t.Helper()
	at := time.Unix(1_795_255_200, 0)
	sender := newTestSender(t, Config{Now: func() time.Time { return at }, Dial: pipeTo(t, func(conn net.Conn) {
		readRequest(conn)
		conn.Write(text) // the sender closes when it has enough
	})})
	if w == overNetHTTP {
		viaNetHTTP(sender)
	}
	answer, outcome := sender.Send(t.Context(), endpointAt("http://shop.example/hook"), testRequest(), Limits{Answer: 100, Timeout: 10 * time.Second})
	outcome.Started, outcome.Duration = time.Time{}, 0
	if outcome.Verdict == attempt.Aborted {
		t.Errorf("%s: the attempt was broken off", w)
	}
	return exchanged{Answer: answer, Outcome: outcome}
}
