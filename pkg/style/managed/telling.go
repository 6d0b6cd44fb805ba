package managed

import (
	"errors"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// maxLooks is how often an asset is looked at again, by the endpoint's schedule of
// retries, whose deletion or creation the catalogue does not show yet.
const maxLooks = 3

// telling is what becomes of one debt.
type telling struct {
	debt  *debt.Debt
	known *tracking.Asset // nil: not tracked
	judgement
	apart *attempt.Outcome // of one that is no part of the request; else nil
}

// isSent reports whether the request tells it.
func (t *telling) isSent() bool { return t.apart == nil }

// guarded reports whether it is a deletion that the guard may hold: not one that a
// person wants sent, nor one of an asset that the endpoint can't be known to have, unless
// it was held before.
func (t *telling) guarded() bool {
	return t.isSent() && t.action == style.Delete && (t.known != nil || t.debt.MayBeTaken() || t.debt.WasHeld) &&
		!t.debt.Released && !t.debt.Forced
}

func (t *telling) refuse(err error) {
	t.apart = &attempt.Outcome{Verdict: attempt.Refused, Reason: attempt.Compose, Error: err.Error()}
}

// decide says whether an asset is told, and what. The endpoint may know of one that
// is not tracked if it may have been told of it before.
func (t *telling) decide(set *settings, shown *catalogue.Answer) {
	j, err := set.judge(shown, t.known)
	if err != nil {
		t.refuse(err)
		return
	}
	t.judgement = j
	n, err := decodeNote(t.debt.Note)
	if err != nil {
		n = note{whatever: true}
	}
	if err := t.isBehind(n, &shown.Asset); err != nil {
		t.refuse(err)
		return
	}
	if t.action == style.Nothing && (t.debt.Unclear || t.debt.Restored) {
		t.action = style.Delete
		return
	}
	skip := func(why attempt.Reason) {
		t.apart = &attempt.Outcome{Verdict: attempt.Skipped, Reason: why, Error: j.text}
	}
	switch {
	case j.action == style.Nothing:
		skip(j.why)
	case j.action == style.Create, j.action == style.Delete, t.debt.Forced:
	default:
		// What a change comes to beside what was acknowledged means nothing if the
		// endpoint may have taken something else since.
		if told, why := set.relevant(n, &j); !told && !t.debt.IsDoubtful() {
			skip(why)
		}
	}
}

var (
	errStillShown = errors.New("an event says that the asset is deleted, and the catalogue still shows it")
	errNotYet     = errors.New("an event says that the asset was created, and the catalogue does not show it yet")
)

// isBehind reports that the catalogue does not show yet what the event says. A DAM
// may tell a change before its API shows it: then it is looked at again, some
// times, and after that the catalogue is right. It is at once where no event says
// anything, as a synchronisation has found that the asset was gone, and where a person
// has decided.
func (t *telling) isBehind(n note, shown *catalogue.Asset) error {
	d := t.debt
	switch {
	case d.Attempts >= maxLooks || d.Forced || d.Released || d.Background || d.EventID == "" || shown.Changed.After(d.ChangeTime):
		return nil
	case d.Deletes() && !shown.Deleted && shown.Data != nil && t.action != style.Delete:
		return errStillShown
	case n.created && !d.Deletes() && shown.Deleted && shown.Changed.IsZero() && t.known == nil:
		return errNotYet
	default:
		return nil
	}
}
