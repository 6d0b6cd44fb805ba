package bolt

import (
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// isOwed reports whether an endpoint is owed anything, also what has failed or is held.
func (t *txn) isOwed(endpoint uint64) (bool, error) {
	counts, err := t.tally.of(endpoint)
	return counts.Open+counts.Held+counts.Failed > 0, err
}

// owedAlready returns those changes that merge into a debt, and their places.
func (t *txn) owedAlready(endpoint uint64, changes *debt.Alike) (owed []debt.Change, at []int, err error) {
	if some, err := t.isOwed(endpoint); err != nil || !some {
		return nil, nil, err
	}
	for i := range changes.Of {
		w, err := t.rows.load(endpoint, changes.Of[i].Key)
		if err != nil {
			return nil, nil, err
		}
		if w.of[slotOf(endpoint)] != 0 {
			owed, at = append(owed, changes.At(i)), append(at, i)
		}
	}
	return owed, at, nil
}

// settleHanded settles an attempt at what was handed on. If that has seen to it, there
// never is a debt: it counts as one that was made and ended. Else it is owed from now on,
// with what the attempt has left; of an attempt that was not made, nothing is.
func (t *txn) settleHanded(id uint64, s *debt.Settlement) (store.SettledDebt, error) {
	var owed stored
	found, err := t.isOwed(id)
	if found && err == nil {
		found, err = t.loadInto(&owed, id, s.Key) // because of a change meanwhile
	}
	if err != nil {
		return store.SettledDebt{}, err
	}
	done := store.Counts{Owed: 1}
	switch s.Outcome.Verdict {
	case attempt.Delivered:
		done.Delivered = 1
		if s.Acknowledged != nil {
			if err := t.acknowledge(id, s.Acknowledged, 1, s.Unclear, false, s.Outcome.Ended()); err != nil {
				return store.SettledDebt{}, err
			}
		}
	case attempt.Skipped:
		done.Skipped = 1
		if err := t.countSkip(id, s.Outcome.Reason); err != nil {
			return store.SettledDebt{}, err
		}
	case attempt.Aborted:
		if !s.IsUnclear() {
			return store.SettledDebt{}, nil
		}
		return t.oweHanded(&owed, found, id, *s)
	default:
		return t.oweHanded(&owed, found, id, *s)
	}
	if found {
		if err := t.doubt(&owed, *s); err != nil {
			return store.SettledDebt{}, err
		}
	}
	return store.SettledDebt{Found: true, Done: true}, t.tally.add(id, done)
}

// oweHanded owes what was handed on. found says that it is owed already, because of
// another change: then the attempt was none at that.
func (t *txn) oweHanded(owed *stored, found bool, id uint64, s debt.Settlement) (store.SettledDebt, error) {
	changes, at := []debt.Change{s.Handed.Change()}, s.Handed.At
	if found && owed.LastSeen.After(at) {
		at = owed.LastSeen // what came since is the latest change still
	}
	if _, err := t.owe(changes, sortChanges(changes), at); err != nil {
		return store.SettledDebt{}, err
	}
	there, err := t.loadInto(owed, id, s.Key)
	switch {
	case err != nil:
		return store.SettledDebt{}, err
	case !there:
		return store.SettledDebt{}, damaged("what was just owed to endpoint %d is not there", id)
	case found:
		err := t.doubt(owed, s)
		return stillOwed(owed), err
	}
	s.ID = owed.ID
	return t.settleOwed(owed, s)
}
