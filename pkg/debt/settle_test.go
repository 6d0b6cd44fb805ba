package debt

import (
	"bytes"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// deletion is a change that deletes asset 7.
func deletion(id string) Change {
	c := edit(id)
	c.Event.Type, c.Event.Reason = "AssetDeleted", "delete"
	return c
}

// held is a deletion that waits for a person.
func held(t *testing.T) Debt {
	t.Helper()
	d := New(NewID(noon, 1, 1), deletion("e1"), noon)
	if d.Settle(sent(&d, attempt.Held, at(6*time.Second))) || !d.Held || d.Retrying() || d.Attempts != 0 {
		t.Fatalf("not held: %+v", d)
	}
	return d
}

func TestWhatDoesNotMatterIsOwedNoMore(t *testing.T) {
	t.Parallel()
	d := failed(t)
	d.Force(at(24 * time.Hour))
	if !d.Settle(sent(&d, attempt.Skipped, at(24*time.Hour))) {
		t.Errorf("still owed: %+v", d)
	}
}

// What is learnt of an older generation says nothing of a newer one.
func TestWhatChangedWhileItWasSkippedOrHeldStaysOwed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict attempt.Verdict
		count   uint64
	}{{attempt.Skipped, 1}, {attempt.Held, 2}} {
		d := newDebt()
		d.Settle(sent(&d, attempt.Refused, at(6*time.Second)))
		d.Force(at(7 * time.Second))
		s := sent(&d, c.verdict, at(8*time.Second))
		d.Merge(edit("e2", "title"), at(8500*time.Millisecond))
		if d.Settle(s) || d.Held || d.Failed || d.Forced || d.Tries != 0 || d.Count != c.count || d.Generation != 2 {
			t.Errorf("%s: %+v", c.verdict, d)
		}
		wantDue(t, d, 13500*time.Millisecond)
	}
}

func TestWhatIsHeldWaitsForAPersonOrANewerChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		happen   func(d *Debt)
		released bool
		forced   bool
		due      time.Duration
	}{
		{"released", func(d *Debt) { d.Release(at(time.Hour)) }, true, false, time.Hour},
		{"forced", func(d *Debt) { d.Force(at(time.Hour)) }, false, true, time.Hour},
		{"changed", func(d *Debt) { d.Merge(edit("e2", "title"), at(time.Hour)) }, false, false, time.Hour + 5*time.Second},
		{"deleted again", func(d *Debt) { d.Merge(deletion("e2"), at(time.Hour)) }, false, false, time.Hour + 5*time.Second},
		{"replayed", func(d *Debt) {
			replay := deletion("e1")
			replay.Replayed = true
			d.Merge(replay, at(time.Hour))
		}, false, false, time.Hour + 5*time.Second},
	} {
		d := held(t)
		if d.Hasten(at(time.Minute)) {
			t.Errorf("%s: it is hastened", c.name)
		}
		c.happen(&d)
		if d.Held || d.Released != c.released || d.Forced != c.forced {
			t.Errorf("%s: held %v, released %v, forced %v", c.name, d.Held, d.Released, d.Forced)
		}
		if got := d.Due.Sub(noon); got != c.due {
			t.Errorf("%s: due %s after noon, want %s", c.name, got, c.due)
		}
	}
}

// It is released until the receiver has taken it: a retry must not be held anew.
func TestAReleaseHoldsUntilThereIsANewerChange(t *testing.T) {
	t.Parallel()
	d := held(t)
	d.Release(at(time.Hour))
	d.Settle(sent(&d, attempt.Unavailable, at(time.Hour)))
	if !d.Released || d.Held || d.Tries != 1 || d.Release(at(time.Hour)) {
		t.Errorf("after a failed attempt: %+v", d)
	}
	d.Merge(edit("e2", "title"), at(2*time.Hour))
	if d.Released {
		t.Error("a newer change is released, too")
	}
}

// A deletion is judged anew as there is a newer change, and a person releases all that
// is held: it was held when they looked.
func TestAReleaseIsOfWhatIsJudgedAnewToo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		releasedAt time.Time
		meanwhile  func(d *Debt) // it is judged
		released   bool
		held       bool
		due        time.Duration
	}{
		{"never", time.Time{}, nil, false, true, time.Hour + 5*time.Second},
		{"before the change", at(time.Hour - time.Second), nil, false, true, time.Hour + 5*time.Second},
		{"after it", at(time.Hour + time.Second), nil, true, false, time.Hour + 5*time.Second},
		{"while it is judged", at(time.Hour + 7*time.Second), nil, true, false, time.Hour + 5*time.Second},
		{"while it is judged, and it changes again", at(time.Hour + 7*time.Second), func(d *Debt) {
			d.Merge(deletion("e3"), at(time.Hour+8*time.Second))
		}, false, false, time.Hour + 13*time.Second},
		{"while it is judged, after it changed again", at(time.Hour + 9*time.Second), func(d *Debt) {
			d.Merge(deletion("e3"), at(time.Hour+8*time.Second))
		}, true, false, time.Hour + 13*time.Second},
	} {
		d := held(t)
		d.Merge(deletion("e2"), at(time.Hour))
		s := sent(&d, attempt.Held, at(time.Hour+6*time.Second))
		s.ReleasedAt = c.releasedAt
		if c.meanwhile != nil {
			c.meanwhile(&d)
		}
		if d.Settle(s) || d.Released != c.released || d.Held != c.held || d.WasHeld == (c.released || c.held) {
			t.Errorf("%s: released %v, held %v, was held %v", c.name, d.Released, d.Held, d.WasHeld)
		}
		if got := d.Due.Sub(noon); got != c.due {
			t.Errorf("%s: due %s after noon, want %s", c.name, got, c.due)
		}
	}
}

// What was never held before was not looked at by who released others.
func TestAReleaseIsNotOfWhatWasNotHeldYet(t *testing.T) {
	t.Parallel()
	d := New(NewID(noon, 1, 1), deletion("e1"), noon)
	s := sent(&d, attempt.Held, at(6*time.Second))
	s.ReleasedAt = at(6100 * time.Millisecond)
	if d.Settle(s); !d.Held || d.Released {
		t.Errorf("held %v, released %v", d.Held, d.Released)
	}
}

// An asset that was told as it is was back, whether the receiver took it or not: if it
// goes again, that is another deletion, which nobody has looked at.
func TestWhatWasHeldIsForgottenOnceTheObjectIsBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict attempt.Verdict
		reason  attempt.Reason
		wasHeld bool
	}{
		{attempt.Unavailable, attempt.ServerError, false},
		{attempt.Unavailable, attempt.Refusal, false},
		{attempt.Refused, attempt.ClientError, false},
		{attempt.Gone, attempt.EndpointGone, false},
		{attempt.Refused, attempt.Compose, true}, // it is not known yet
		{attempt.Aborted, "", true},
	} {
		d := held(t)
		d.Merge(edit("e2", "title"), at(time.Hour))
		s := sent(&d, c.verdict, at(time.Hour+6*time.Second))
		s.Outcome.Reason = c.reason
		if d.Settle(s); d.WasHeld != c.wasHeld {
			t.Errorf("%s, %q: was held %v, want %v", c.verdict, c.reason, d.WasHeld, c.wasHeld)
		}
		gone := sent(&d, attempt.Held, at(3*time.Hour))
		gone.ReleasedAt = at(2 * time.Hour)
		if d.Settle(gone); d.Released != c.wasHeld || d.Held == c.wasHeld {
			t.Errorf("%s, %q, and gone after a release: released %v, held %v", c.verdict, c.reason, d.Released, d.Held)
		}
	}
}

func TestARetryAskedForWhileADeletionIsHeldIsMade(t *testing.T) {
	t.Parallel()
	for _, change := range []bool{false, true} {
		d := New(NewID(noon, 1, 1), deletion("e1"), noon)
		s := sent(&d, attempt.Held, at(6*time.Second))
		if change {
			d.Merge(deletion("e2"), at(6100*time.Millisecond))
		}
		d.Force(at(6500 * time.Millisecond))
		if d.Settle(s) || !d.Forced || d.Held {
			t.Errorf("changed %v: forced %v, held %v", change, d.Forced, d.Held)
		}
	}
}

func TestOnlyTheLatestChangeDeletes(t *testing.T) {
	t.Parallel()
	d := New(ID{}, deletion("e1"), noon)
	if !d.Deletes() {
		t.Error("a deletion does not delete")
	}
	d.Merge(edit("e2", "title"), noon)
	if d.Deletes() {
		t.Error("what came back is deleted")
	}
	replay := deletion("e1")
	replay.Replayed = true
	d.Merge(replay, noon)
	if d.Deletes() {
		t.Error("an old deletion that is replayed deletes what has come back")
	}
	d.Merge(deletion("e3"), noon)
	if !d.Deletes() {
		t.Error("deleted again, it does not delete")
	}
}

// What is owed again without an event describes a debt only where no event does.
func TestOnlyAnEventDescribesADebtThatHasOne(t *testing.T) {
	t.Parallel()
	live, replayed, again, gone := edit("live", "title"), edit("replayed", "title"), edit("", "title"), deletion("")
	replayed.Replayed, again.Replayed = true, true
	for _, c := range []struct {
		name    string
		changes []Change
		id      string
		replay  bool
	}{
		{"again", []Change{again, again}, "", true},
		{"an event, again", []Change{live, again}, "live", false},
		{"again, an event", []Change{again, live}, "live", false},
		{"a replayed event, again", []Change{replayed, again}, "replayed", true},
		{"again, a replayed event", []Change{again, replayed}, "replayed", true},
		{"all of them", []Change{replayed, live, replayed, again}, "live", false},
		{"an event, found gone", []Change{live, gone}, "", false},
		{"found gone, a replayed event", []Change{gone, replayed}, "", false},
		{"found gone, an event", []Change{gone, live}, "live", false},
		{"found gone, again", []Change{gone, again}, "", true},
	} {
		d := New(ID{}, c.changes[0], noon)
		for _, change := range c.changes[1:] {
			d.Merge(change, noon)
		}
		if d.EventID != c.id || d.Replayed != c.replay || d.Count != uint64(len(c.changes)) {
			t.Errorf("%s: event %q, replayed %v, %d changes; want %q, %v, %d", c.name, d.EventID, d.Replayed, d.Count, c.id, c.replay, len(c.changes))
		}
		if deletes := c.id == "" && !c.replay; d.Deletes() != deletes {
			t.Errorf("%s: it deletes is %v", c.name, d.Deletes())
		}
	}
}

func TestABackgroundDebtComesForwardWithALiveChange(t *testing.T) {
	t.Parallel()
	behind := edit("e1", "title")
	behind.Background = true
	d := New(ID{}, behind, noon)
	d.Merge(behind, noon)
	if !d.Background {
		t.Error("it left the background by itself")
	}
	s := sent(&d, attempt.Delivered, at(6*time.Second))
	d.Merge(edit("e2", "title"), at(6*time.Second))
	d.Merge(behind, at(6*time.Second))
	if d.Background {
		t.Error("a live change waits in the background")
	}
	if d.Settle(s); d.Background {
		t.Error("a live change waits in the background since it was settled")
	}
}

// folding is a change whose note is added to those before.
func folding(note string, replayed bool) Change {
	c := edit("e", "title")
	c.Note, c.Replayed = []byte(note), replayed
	c.Fold = func(known, news []byte) []byte { return append(bytes.Clone(known), news...) }
	return c
}

func TestAFoldedNoteIsOneOfAllChanges(t *testing.T) {
	t.Parallel()
	d := New(ID{}, folding("a", false), noon)
	d.Merge(folding("b", false), noon)
	d.Merge(folding("c", true), noon)
	if string(d.Note) != "abc" || d.Replayed {
		t.Errorf("the note is %q, replayed %v; want abc of a change that was not", d.Note, d.Replayed)
	}
	// A delivery under way may not have told the last of them.
	s := sent(&d, attempt.Delivered, at(6*time.Second))
	d.Merge(folding("d", false), at(6*time.Second))
	if d.Settle(s); string(d.Note) != "abcd" {
		t.Errorf("the note is %q, want abcd", d.Note)
	}
	d.Merge(edit("alone", "title"), at(7*time.Second))
	if string(d.Note) != "alone" {
		t.Errorf("the note is %q, want that of the change that does not fold", d.Note)
	}
}

func TestADebtIsToBlameUntilItChanges(t *testing.T) {
	t.Parallel()
	d := newDebt()
	s := sent(&d, attempt.Refused, at(6*time.Second))
	s.Blamed = true
	d.Settle(s)
	d.Settle(sent(&d, attempt.Unavailable, d.Due))
	d.Force(d.Due)
	if !d.Blamed {
		t.Error("it is forgotten that it was to blame")
	}
	d.Merge(edit("e2", "title"), d.Due)
	if d.Blamed {
		t.Error("a newer change is to blame for what an older one did")
	}
	s = sent(&d, attempt.Refused, d.Due)
	s.Blamed = true
	d.Merge(edit("e3", "title"), d.Due)
	if d.Settle(s); d.Blamed {
		t.Error("a newer change is to blame for what an attempt at an older one did")
	}
}

// An endpoint may work for all debts but some, and seem to come and go because of
// these: they must become failures all the same.
func TestADebtIsNotHastenedForEver(t *testing.T) {
	t.Parallel()
	d := newDebt()
	now := d.Due
	for !d.Failed {
		d.Settle(sent(&d, attempt.Unavailable, now))
		now = now.Add(2 * time.Second)
		d.Hasten(now)
		if d.Attempts > 1000 {
			t.Fatalf("after %d attempts it is no failure: %+v", d.Attempts, d)
		}
	}
	if want := len(schedule) + 1 + maxBeside; d.Attempts != want {
		t.Errorf("a failure after %d attempts, want %d", d.Attempts, want)
	}
}
