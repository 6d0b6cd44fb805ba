package debt

import (
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// Settlement says how one attempt at a debt ended.
type Settlement struct {
	Key        Key
	ID         ID     // of the debt that was sent
	Generation uint64 // that was sent
	Count      uint64 // of changes that were sent
	Forced     bool   // as it was when it was sent
	Outcome    attempt.Outcome
	// Acknowledged is what the answer says that the endpoint now knows of the
	// object; nil if the style does not track that.
	Acknowledged *tracking.Acknowledgement
	// Blamed: it failed because of this debt; the receiver took others of the same
	// request.
	Blamed bool
	// Unclear: the receiver may have taken it in an attempt that failed, this one
	// or one before it that is not settled by itself.
	Unclear bool
	// Foretold: that it may have was made durable before the attempt, so that a kill
	// leaves it so; if the attempt says that it has not, that is no longer unclear.
	Foretold bool
	// Handed is what was told without a debt of its own; zero if there is one. It is owed
	// now unless the attempt has seen to it.
	Handed Handed
	// ReleasedAt is when a person last released what the endpoint held; zero: never.
	ReleasedAt time.Time
	Window     endpoint.Window
	Schedule   endpoint.Schedule
	Jitter     float64 // chance in [0,1)
}

// IsUnclear reports whether the receiver may have taken what it did not acknowledge.
func (s *Settlement) IsUnclear() bool {
	return s.Outcome.Verdict != attempt.Delivered && (s.Unclear || s.Outcome.IsUnclear())
}

// Doubt notes whether the receiver may have taken what an attempt told of the debt's
// key, also if that was told for another debt. Only what was foretold of this one is
// taken back: it may be unclear because of something else.
func (d *Debt) Doubt(s Settlement) {
	foretold := s.Foretold && s.ID == d.ID
	d.Unclear = s.IsUnclear() || d.Unclear && !foretold
}

// Settle applies an outcome. It reports true if nothing is owed any more.
//
// A generation that has risen since it was sent stays owed, due after its
// debounce, whether the older one was delivered or not.
func (d *Debt) Settle(s Settlement) (done bool) {
	o := s.Outcome
	d.Doubt(s)
	if o.Verdict == attempt.Aborted {
		return false // still due, and still forced if it was
	}
	told := o.Verdict == attempt.Delivered
	if told {
		d.Unclear, d.Restored = false, false
		d.LastAttempt = o.Ended()
	}
	if (told || o.Verdict == attempt.Skipped) && d.Generation == s.Generation {
		return true
	}
	// A person who asked while this attempt was under way gets one of their own.
	askedAgain := d.Forced && (!s.Forced || d.Due.After(o.Started))
	d.Forced = false
	switch {
	case o.Verdict == attempt.Held:
		d.hold(s)
	case told || o.Verdict == attempt.Skipped:
		d.WasHeld = false
		// Only what changed meanwhile is left to be told, at least one change.
		if d.Count > s.Count {
			d.Count -= s.Count
		} else {
			d.Count = 1
		}
		d.FirstSeen = earlier(o.Started, d.LastSeen)
		d.Attempts = 0
		d.begin(s)
	default:
		// A deletion would have been held again, so the object was back when the message
		// was made. Without a message that is not known.
		d.WasHeld = d.WasHeld && o.Reason == attempt.Compose
		d.LastAttempt = o.Ended()
		d.Attempts++
		d.fail(s)
	}
	if askedAgain {
		d.Force(o.Ended())
	}
	return false
}

// hold makes a debt wait for a person, or for a newer change; if there is one
// already, it is owed, to be judged once more. One that was held before is due still
// if a person has released it since its latest change, while it was judged or waited
// to be.
func (d *Debt) hold(s Settlement) {
	d.Attempts, d.Tries = 0, 0
	isNewer := d.Generation != s.Generation
	d.Released = d.WasHeld && !d.LastSeen.After(s.ReleasedAt)
	d.WasHeld = isNewer && !d.Released
	d.Held = !isNewer && !d.Released
	if isNewer {
		d.begin(s)
	}
}

// fail decides when a debt whose attempt failed is due again.
func (d *Debt) fail(s Settlement) {
	o := s.Outcome
	switch {
	case d.Generation != s.Generation:
		d.begin(s)
	case o.Verdict == attempt.Gone:
		// The endpoint pauses; this object is not to blame, and waits like the
		// others.
		d.Due = o.Ended()
	default:
		d.Tries++
		d.Blamed = d.Blamed || s.Blamed
		delay, again := s.Schedule.Next(d.Tries, s.Jitter)
		d.Failed = !again
		if again {
			d.Due = later(o.Ended().Add(delay), o.NotBefore)
		}
	}
}

// begin starts a debounce for what changed while an attempt was under way. It was
// seen before the attempt began if that was late; the receiver is left alone for
// an interval all the same.
func (d *Debt) begin(s Settlement) {
	d.Tries = 0
	d.Since = earlier(s.Outcome.Started, d.LastSeen)
	d.Due = s.Window.Due(d.Since, later(d.LastSeen, s.Outcome.Started))
}

// SettlementOf returns a settlement of the debt as it was claimed, or is known to
// be since; the outcome and the policies are for the caller to add.
func SettlementOf(d *Debt) Settlement {
	return Settlement{
		Key: d.Key, ID: d.ID,
		Generation: d.Generation, Count: d.Count, Forced: d.Forced, Unclear: d.Unclear,
	}
}
