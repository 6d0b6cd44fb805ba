package style_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/style"
)

func TestTheStatusAloneDecides(t *testing.T) {
	t.Parallel()
	for _, sent := range []attempt.Outcome{
		{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200},
		{Verdict: attempt.Unavailable, Reason: attempt.ServerError, Status: 500, Error: "answered 500", Response: []byte("no")},
	} {
		m := style.Told(attempt.Request{ID: "msg_1"})
		got := m.Understand(2, attempt.Answer{Status: sent.Status, Body: []byte("{not JSON"), Truncated: true}, sent)
		want := style.Reading{Outcome: sent, Debts: []style.Result{{Outcome: sent}, {Outcome: sent}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
