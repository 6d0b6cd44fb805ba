package debt

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// failedBy is the settlement of an attempt at the debt as it is.
func failedBy(d *Debt, v attempt.Verdict, reason attempt.Reason) Settlement {
	s := sent(d, v, at(6*time.Second))
	s.Outcome.Reason = reason
	return s
}

func TestWhatTheReceiverMayHaveTakenIsRememberedUntilItAcknowledges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		happen func(d *Debt)
		want   bool
	}{
		{"nothing", func(*Debt) {}, true},
		{"a newer change", func(d *Debt) { d.Merge(deletion("e2"), at(time.Hour)) }, true},
		{"a retry that is asked for", func(d *Debt) { d.Force(at(time.Hour)) }, true},
		{"one that can't be sent", func(d *Debt) { d.Settle(failedBy(d, attempt.Unavailable, attempt.Refusal)) }, true},
		{"one that is not made", func(d *Debt) { d.Settle(sent(d, attempt.Aborted, at(time.Hour))) }, true},
		{"one that holds it, and a release", func(d *Debt) {
			d.Settle(sent(d, attempt.Held, at(time.Hour)))
			d.Release(at(2 * time.Hour))
		}, true},
		{"an older change that does not matter", func(d *Debt) {
			s := sent(d, attempt.Skipped, at(time.Hour))
			d.Merge(edit("e2"), at(time.Hour))
			d.Settle(s)
		}, true},
		{"an older change that is acknowledged", func(d *Debt) {
			s := sent(d, attempt.Delivered, at(time.Hour))
			d.Merge(edit("e2"), at(time.Hour))
			d.Settle(s)
		}, false},
	} {
		d := newDebt()
		d.Settle(failedBy(&d, attempt.Unavailable, attempt.Timeout))
		d.Restored = true
		if c.happen(&d); d.Unclear != c.want || d.Restored != c.want {
			t.Errorf("after a restore, a timeout and %s: unclear is %v, restored %v", c.name, d.Unclear, d.Restored)
		}
	}
}

func TestWhatNeverCameToTheReceiverIsClear(t *testing.T) {
	t.Parallel()
	d := newDebt()
	for _, reason := range []attempt.Reason{attempt.Refusal, attempt.DNS, attempt.Compose} {
		if d.Settle(failedBy(&d, attempt.Unavailable, reason)); d.Unclear {
			t.Errorf("after %s it is unclear", reason)
		}
	}
}

// An attempt that is not settled by itself hands its doubt on to whatever is.
func TestADoubtIsHandedOn(t *testing.T) {
	t.Parallel()
	for _, verdict := range []attempt.Verdict{attempt.Aborted, attempt.Skipped, attempt.Held} {
		d := newDebt()
		s := sent(&d, verdict, at(6*time.Second))
		s.Unclear = true
		if d.Merge(edit("e2"), at(6*time.Second)); d.Settle(s) || !d.Unclear {
			t.Errorf("%s: it is clear", verdict)
		}
		other := newDebt()
		if other.Doubt(s); !other.Unclear || other.Attempts != 0 {
			t.Errorf("%s: of a debt made since: %+v", verdict, other)
		}
	}
}

// What was recorded before an attempt is taken back by one that was never sent, and
// by nothing else: a kill in the middle of it leaves the doubt.
func TestADoubtThatIsForetold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		verdict attempt.Verdict
		reason  attempt.Reason
		before  bool // it was unclear before
		want    bool
	}{
		{"never sent", attempt.Unavailable, attempt.Refusal, false, false},
		{"never sent, of one that was unclear", attempt.Unavailable, attempt.Refusal, true, true},
		{"not made", attempt.Aborted, "", false, false},
		{"timed out", attempt.Unavailable, attempt.Timeout, false, true},
		{"acknowledged", attempt.Delivered, "", true, false},
	} {
		d := newDebt()
		d.Unclear = c.before
		s := failedBy(&d, c.verdict, c.reason)
		s.Foretold, d.Unclear = true, true // as it is recorded
		if d.Merge(edit("e2"), at(6*time.Second)); d.Settle(s) || d.Unclear != c.want {
			t.Errorf("%s: unclear is %v", c.name, d.Unclear)
		}
	}
}

// What was foretold of a debt that was purged says nothing of the one made since, which
// may be unclear because of something else: a restore, for example.
func TestADoubtThatWasNotForetoldOfThisDebtStays(t *testing.T) {
	t.Parallel()
	purged := newDebt()
	s := failedBy(&purged, attempt.Unavailable, attempt.Refusal)
	s.Foretold = true
	for _, unclear := range []bool{false, true} {
		d := New(NewID(noon, 1, 2), edit("e2"), noon)
		d.Unclear = unclear
		if d.Doubt(s); d.Unclear != unclear {
			t.Errorf("unclear is %v, and was %v", d.Unclear, unclear)
		}
	}
}
