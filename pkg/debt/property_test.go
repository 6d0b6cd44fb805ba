package debt

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// life is a debt in the hands of rapid, with what must be true of it.
type life struct {
	debt    Debt
	now     time.Time
	flight  *Settlement
	merged  uint64 // changes so far: the generation
	told    uint64 // the newest generation that was delivered
	changes uint64 // since the ones that were delivered: the count
	asked   bool   // a retry is owed to a person
}

// A debt goes through any life that a store and a lane can give it; whatever
// happens, no change is forgotten, no retry that a person asked for is left
// out, and a debt that is no failure is due within the longest time that its
// policies allow.
func TestNoLifeLosesAChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &life{debt: newDebt(), now: noon, merged: 1, changes: 1}
		t.Repeat(map[string]func(*rapid.T){
			"":        l.check,
			"wait":    l.wait,
			"change":  l.change,
			"send":    l.send,
			"end":     l.end,
			"force":   l.force,
			"hasten":  func(*rapid.T) { l.debt.Hasten(l.now) },
			"release": func(*rapid.T) { l.debt.Release(l.now) },
		})
	})
}

func (l *life) wait(t *rapid.T) {
	l.now = l.now.Add(time.Duration(rapid.IntRange(1, 120_000).Draw(t, "ms")) * time.Millisecond)
}

func (l *life) change(t *rapid.T) {
	before := l.debt
	l.debt.Merge(edit("e", rapid.SampledFrom([]string{"a", "b"}).Draw(t, "field")), l.now)
	l.merged++
	l.changes++
	if l.debt.Generation != before.Generation+1 {
		t.Fatalf("the generation goes from %d to %d", before.Generation, l.debt.Generation)
	}
	if l.debt.Due.After(l.now.Add(window.Interval)) {
		t.Fatalf("a change at %s is due at %s, beyond its quiet window", l.now, l.debt.Due)
	}
}

// send begins an attempt if the debt is due.
func (l *life) send(t *rapid.T) {
	if l.flight != nil || l.debt.Failed || l.debt.Held || l.debt.Due.After(l.now) {
		t.Skip("not to be sent")
	}
	s := SettlementOf(&l.debt)
	s.Outcome.Started = l.now
	s.Window, s.Schedule = window, schedule
	l.flight, l.asked = &s, false
}

func (l *life) end(t *rapid.T) {
	if l.flight == nil {
		t.Skip("nothing under way")
	}
	s := *l.flight
	l.flight = nil
	s.Jitter = rapid.Float64Range(0, 0.999).Draw(t, "jitter")
	s.Outcome.Duration = l.now.Sub(s.Outcome.Started)
	s.Outcome.Verdict = rapid.SampledFrom([]attempt.Verdict{
		attempt.Delivered, attempt.Refused, attempt.Unavailable, attempt.Gone, attempt.Aborted,
		attempt.Skipped, attempt.Held,
	}).Draw(t, "verdict")
	if s.Outcome.Verdict == attempt.Unavailable && rapid.Bool().Draw(t, "asks") {
		s.Outcome.NotBefore = l.now.Add(time.Minute)
	}
	s.Blamed = s.Outcome.Verdict == attempt.Refused && rapid.Bool().Draw(t, "blamed")
	if s.Outcome.Verdict == attempt.Delivered || s.Outcome.Verdict == attempt.Skipped {
		l.told, l.changes = s.Generation, l.merged-s.Generation
	}
	if s.Outcome.Verdict == attempt.Aborted && s.Forced {
		l.asked = true
	}
	done := l.debt.Settle(s)
	if done != (l.told == l.merged) {
		t.Fatalf("generation %d of %d was told; done is %v", l.told, l.merged, done)
	}
	if done {
		l.debt = New(NewID(l.now, 1, l.debt.ID.Seq()+1), edit("e", "a"), l.now)
		l.merged, l.told, l.changes, l.asked = 1, 0, 1, false
	}
}

func (l *life) force(t *rapid.T) {
	// A moment later than the attempt under way, as a person's call is.
	l.now = l.now.Add(time.Millisecond)
	l.debt.Force(l.now)
	l.asked = true
}

func (l *life) check(t *rapid.T) {
	d := l.debt
	if d.Generation != l.merged {
		t.Fatalf("generation %d, want %d", d.Generation, l.merged)
	}
	if d.Count != l.changes {
		t.Fatalf("count %d, want %d", d.Count, l.changes)
	}
	if d.Tries > d.Attempts || d.Tries > len(schedule)+1 {
		t.Fatalf("%d tries of %d attempts", d.Tries, d.Attempts)
	}
	if d.FirstSeen.After(d.LastSeen) || d.Since.After(d.LastSeen) {
		t.Fatalf("first seen %s, since %s, last seen %s", d.FirstSeen, d.Since, d.LastSeen)
	}
	if l.asked && (!d.Forced || d.Failed || d.Due.After(l.now)) {
		t.Fatalf("a person asked for it, and it is forced %v, failed %v, due %s at %s", d.Forced, d.Failed, d.Due, l.now)
	}
	if d.Held {
		if d.Failed || d.Forced || d.Released || d.Tries != 0 || d.Attempts != 0 {
			t.Fatalf("it is held, and yet: %+v", d)
		}
		return
	}
	if d.Failed {
		if d.Tries != len(schedule)+1 || d.Forced {
			t.Fatalf("a failure after %d tries, forced %v", d.Tries, d.Forced)
		}
		return
	}
	if latest := l.now.Add(schedule[len(schedule)-1].Std() * 11 / 10); d.Due.After(latest) {
		t.Fatalf("at %s it is due at %s", l.now, d.Due)
	}
	if d.Tries == 0 && !d.Forced && !d.Released && d.LastSeen.After(d.LastAttempt) && !d.Due.Equal(window.Due(d.Since, d.LastSeen)) {
		t.Fatalf("since %s, last seen %s, it is due at %s", d.Since, d.LastSeen, d.Due)
	}
}
