package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// Settle records how attempts ended. A success ends a debt only if the
// generation sent is the one owed; debt.Settle decides.
func (db *DB) Settle(ctx context.Context, endpoint uint64, attempts []store.Attempt) ([]store.Settled, error) {
	var settled []store.Settled
	err := db.update(ctx, func(t *txn) error {
		settled = make([]store.Settled, len(attempts))
		n := 0
		for i := range attempts {
			n += len(attempts[i].Debts)
		}
		debts := make([]store.SettledDebt, n)
		for i := range attempts {
			n := len(attempts[i].Debts)
			settled[i].Debts, debts = debts[:n:n], debts[n:]
		}
		if t.endpoints.Get(endpointKey(endpoint)) == nil {
			return nil // removed while the attempts were under way
		}
		for i := range attempts {
			if err := t.settleAttempt(endpoint, &attempts[i], &settled[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("settle: %w", err)
	}
	failpoint.Reach(failpoint.Settled)
	return settled, nil
}

// settleAttempt says in settled what the attempt left.
func (t *txn) settleAttempt(id uint64, a *store.Attempt, settled *store.Settled) error {
	health, err := t.getHealth(id)
	if err != nil {
		return err
	}
	*health = health.After(a.Outcome)
	settled.Health = *health
	if a.Outcome.Verdict != attempt.Aborted {
		t.noteTime(a.Outcome.Ended())
	}
	for i := range a.Debts {
		if settled.Debts[i], err = t.settleDebt(id, &a.Debts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) settleDebt(id uint64, s *debt.Settlement) (store.SettledDebt, error) {
	if !s.Handed.IsZero() {
		return t.settleHanded(id, s)
	}
	var owed stored
	found, err := t.loadInto(&owed, id, s.Key)
	if err != nil {
		return store.SettledDebt{}, err
	}
	newer := found && owed.ID != s.ID // it was purged while the attempt was under way, and is owed again
	found = found && !newer
	if s.Acknowledged != nil && s.Outcome.Verdict == attempt.Delivered {
		// Also of a debt that was purged while the attempt was under way.
		attempts := uint64(1)
		if found {
			attempts += uint64(owed.Attempts)
		}
		taken, wanted := found && (owed.MayBeTaken() || s.Unclear && !owed.Restored), found && (owed.Released || s.Forced)
		if err := t.acknowledge(id, s.Acknowledged, attempts, taken, wanted, s.Outcome.Ended()); err != nil {
			return store.SettledDebt{}, err
		}
	}
	switch {
	case newer:
		return store.SettledDebt{}, t.doubt(&owed, *s)
	case !found:
		return store.SettledDebt{}, nil
	default:
		return t.settleOwed(&owed, *s)
	}
}

// settleOwed settles the debt that was sent.
func (t *txn) settleOwed(owed *stored, s debt.Settlement) (_ store.SettledDebt, err error) {
	if s.Outcome.Verdict == attempt.Aborted {
		err := t.doubt(owed, s)
		return stillOwed(owed), err
	}
	if s.Outcome.Verdict == attempt.Held {
		d, err := t.getDeletions(owed.Endpoint)
		if err != nil {
			return store.SettledDebt{}, err
		}
		s.ReleasedAt = d.Released
	}
	before := class(owed)
	done := owed.Settle(s)
	if !done {
		if owed.Deleting, err = t.deletes(&owed.Debt); err != nil {
			return store.SettledDebt{}, err
		}
	}
	if err := t.settle(owed, before, done, s.Outcome); done || err != nil {
		return store.SettledDebt{Found: true, Done: done}, err
	}
	return stillOwed(owed), nil
}

// stillOwed is what is told of a debt that an attempt has not ended.
func stillOwed(owed *stored) store.SettledDebt {
	d := owed.Debt
	return store.SettledDebt{Found: true, Debt: &d}
}

// doubt notes whether the endpoint may have taken what an attempt told, also one that was
// made for the debt before this one, and whether there is anything now that the debt
// would delete. Else it leaves the debt as it was.
func (t *txn) doubt(s *stored, of debt.Settlement) (err error) {
	unclear, deleting, before := s.Unclear, s.Deleting, class(s)
	s.Doubt(of)
	if s.Deleting, err = t.deletes(&s.Debt); err != nil {
		return err
	}
	if s.Unclear == unclear && s.Deleting == deleting {
		return nil
	}
	if err := t.tally.add(s.Endpoint, reclassed(before, class(s))); err != nil {
		return err
	}
	return t.save(s, false)
}

func (t *txn) settle(s *stored, before store.Counts, done bool, o attempt.Outcome) error {
	delivered, skipped := o.Verdict == attempt.Delivered, o.Verdict == attempt.Skipped
	var after store.Counts
	if !done {
		after = class(s)
	}
	diff := reclassed(before, after)
	switch {
	case o.Verdict == attempt.Held:
	case skipped:
		diff.Skipped++
		if !done {
			diff.Coalesced--
		}
		if err := t.countSkip(s.Endpoint, o.Reason); err != nil {
			return err
		}
	case done:
		diff.Delivered++
	case delivered:
		// What changed meanwhile will be told by itself after all.
		diff.Delivered++
		diff.Coalesced--
	default:
		diff.Attempts++
	}
	if err := t.tally.add(s.Endpoint, diff); err != nil {
		return err
	}
	switch {
	case done:
		return t.end(s)
	case delivered, skipped, o.Verdict == attempt.Held:
		if err := t.clearTrouble(s); err != nil {
			return err
		}
	default:
		if err := t.setTrouble(s, o); err != nil {
			return err
		}
	}
	return t.save(s, true)
}

// hastenPage is how many debts are hastened in one commit.
const hastenPage = 500

// Hasten makes debts that wait for their next retry due at now. They all have
// left a trouble record.
func (db *DB) Hasten(ctx context.Context, id uint64, now time.Time) (uint64, error) {
	var hastened uint64
	cursor := troubleKey(id, 0)
	for {
		page, next, err := db.troublePage(id, cursor)
		if err != nil {
			return hastened, fmt.Errorf("hasten: %w", err)
		}
		if len(page) > 0 {
			err := inParts(page, func(part []debt.Key) error {
				n, err := db.hasten(ctx, id, part, now)
				hastened += n
				return err
			})
			if err != nil {
				return hastened, fmt.Errorf("hasten: %w", err)
			}
		}
		if next == nil {
			break
		}
		cursor = next
	}
	if err := db.noteHastened(ctx, id); err != nil {
		return hastened, fmt.Errorf("hasten: %w", err)
	}
	return hastened, nil
}

// noteHastened takes from the endpoint's health that there is something to
// hasten.
func (db *DB) noteHastened(ctx context.Context, id uint64) error {
	return db.update(ctx, func(t *txn) error {
		if t.endpoints.Get(endpointKey(id)) == nil {
			return nil
		}
		h, err := t.getHealth(id)
		if err != nil {
			return err
		}
		*h = h.Hastened()
		return nil
	})
}

// troublePage returns the keys of debts in trouble, from a trouble key on.
func (db *DB) troublePage(id uint64, from []byte) (keys []debt.Key, next []byte, err error) {
	prefix := endpointKey(id)
	err = db.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketTrouble).Cursor()
		for k, v := cursor.Seek(from); k != nil && bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
			if len(keys) == hastenPage {
				next = bytes.Clone(k)
				return nil
			}
			key, outcome, err := decodeTrouble(v)
			if err != nil {
				return err
			}
			// What the endpoint refused it refuses in health too.
			if outcome.Verdict == attempt.Unavailable {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, next, err
}

func (db *DB) hasten(ctx context.Context, id uint64, keys []debt.Key, now time.Time) (uint64, error) {
	var n uint64
	err := db.update(ctx, func(t *txn) error {
		n = 0
		for _, key := range keys {
			s, err := t.load(id, key)
			if err != nil {
				return err
			}
			if s == nil || !s.Hasten(now) {
				continue
			}
			if err := t.save(s, false); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
