package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// claimPage is how many entries of the index one read transaction looks at.
const claimPage = 256

// Claim returns what is due. Entries whose debt was prolonged since are filed
// anew on the way.
func (db *DB) Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	c := claiming{request: r, taken: make(map[event.Object]bool)}
	for {
		c.stale = c.stale[:0]
		if err := db.view(c.page); err != nil {
			return store.Claim{}, fmt.Errorf("claim: %w", err)
		}
		if len(c.stale) > 0 {
			// In a full store they stay where they are: what is due comes first,
			// and makes room.
			if err := db.refile(ctx, r.Endpoint, c.stale); err != nil && !errors.Is(err, store.ErrFull) {
				return store.Claim{}, fmt.Errorf("claim: %w", err)
			}
		}
		if c.finished || ctx.Err() != nil {
			return c.claim, ctx.Err()
		}
	}
}

// claiming is a claim under way.
type claiming struct {
	request  store.ClaimRequest
	claim    store.Claim
	taken    map[event.Object]bool
	after    []byte // the index entry that was looked at last
	stale    []debt.Key
	finished bool
}

// page looks at the next entries.
func (c *claiming) page(tx *bbolt.Tx) error {
	r := &c.request
	prefix := endpointKey(r.Endpoint)
	if tx.Bucket(bucketEndpoints).Get(prefix) == nil {
		c.finished = true // removed; its debts are cleared away later
		return nil
	}
	now := nanos(r.Now)
	debts := tx.Bucket(bucketDebts)
	cursor := tx.Bucket(bucketDue).Cursor()
	k, v := cursor.Seek(prefix)
	if c.after != nil {
		if k, v = cursor.Seek(c.after); bytes.Equal(k, c.after) {
			k, v = cursor.Next()
		}
	}
	for range claimPage {
		if k == nil || !bytes.HasPrefix(k, prefix) {
			c.finished = true
			return nil
		}
		filed := dueTime(k)
		if filed > now || (r.ForcedOnly && filed != 0) {
			c.finished = true
			if r.ForcedOnly {
				return nil
			}
			c.next(time.Unix(0, filed))
			return nil
		}
		if len(c.claim.Debts) >= r.Limit {
			c.next(r.Now)
			c.finished = true
			return nil
		}
		if r.BusyKey != nil && r.BusyKey(debt.Key(v)) {
			// Its turn comes when the attempt under way has ended.
			c.after = append(c.after[:0], k...)
			k, v = cursor.Next()
			continue
		}
		s, err := decodeIndexed(debts, r.Endpoint, v)
		if err != nil {
			return err
		}
		switch {
		case nanos(s.Due) > now && !s.Forced:
			c.stale = append(c.stale, s.Key)
			c.next(s.Due)
		case c.taken[s.Object] || c.busy(s):
			// Its turn comes when the attempt under way has ended.
		default:
			c.taken[s.Object] = true
			c.claim.Debts = append(c.claim.Debts, s.Debt)
		}
		c.after = append(c.after[:0], k...)
		k, v = cursor.Next()
	}
	return nil
}

// busy reports whether the debt must wait for an attempt under way.
func (c *claiming) busy(s *stored) bool {
	r := &c.request
	return (r.Busy != nil && r.Busy(s.Object)) || (r.BusyKey != nil && r.BusyKey(s.Key))
}

// next notes when there may be more to claim.
func (c *claiming) next(at time.Time) {
	if c.claim.Next.IsZero() || at.Before(c.claim.Next) {
		c.claim.Next = at
	}
}

// decodeIndexed reads the debt that an entry of the index names.
func decodeIndexed(debts *bbolt.Bucket, id uint64, key []byte) (*stored, error) {
	record := debts.Get(debtKey(id, debt.Key(key)))
	if record == nil {
		return nil, damaged("the index names a debt of endpoint %d that is not there", id)
	}
	return decodeDebt(id, debt.Key(key), record)
}

// refile puts debts into the index where they are due.
func (db *DB) refile(ctx context.Context, id uint64, keys []debt.Key) error {
	return db.update(ctx, func(t *txn) error {
		for _, key := range keys {
			s, err := t.load(id, key)
			if err != nil {
				return err
			}
			if s == nil {
				continue // ended in the meantime
			}
			if err := t.save(s, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// CountDue counts the entries of the index up to now, without those of debts that
// are being retried. A backlog's index lies scattered over the whole file, so what
// was walked through is given back on the way.
func (db *DB) CountDue(ctx context.Context, id uint64, now time.Time) (uint64, error) {
	const page = 20_000
	var filed, retrying uint64
	walk := walker{prefix: endpointKey(id), page: page}
	for !walk.finished {
		err := db.view(func(tx *bbolt.Tx) error {
			return walk.entries(tx.Bucket(bucketDue), func(k, _ []byte) (bool, error) {
				due := dueTime(k) <= nanos(now)
				if due {
					filed++
				}
				return due, nil
			})
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, fmt.Errorf("count what is due: %w", err)
		}
		if !walk.finished {
			db.releasePages()
		}
	}
	walk = walker{prefix: endpointKey(id), page: failurePage}
	for !walk.finished {
		err := db.view(func(tx *bbolt.Tx) error {
			return walk.entries(tx.Bucket(bucketTrouble), func(_, v []byte) (bool, error) {
				f, err := decodeFailure(tx, id, v)
				if err == nil && f.Retrying() && nanos(f.Due) <= nanos(now) {
					retrying++
				}
				return true, err
			})
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return 0, fmt.Errorf("count what is due: %w", err)
		}
		if !walk.finished {
			db.releasePages()
		}
	}
	return filed - min(retrying, filed), nil
}

// walker goes through the entries of a bucket that share a prefix, a page a
// transaction.
type walker struct {
	prefix   []byte
	page     int
	after    []byte
	finished bool
}

// entries visits the next page. visit returns false to end the walk.
func (w *walker) entries(b *bbolt.Bucket, visit func(k, v []byte) (bool, error)) error {
	cursor := b.Cursor()
	k, v := cursor.Seek(w.prefix)
	if w.after != nil {
		if k, v = cursor.Seek(w.after); bytes.Equal(k, w.after) {
			k, v = cursor.Next()
		}
	}
	for range w.page {
		if k == nil || !bytes.HasPrefix(k, w.prefix) {
			w.finished = true
			return nil
		}
		more, err := visit(k, v)
		if err != nil || !more {
			w.finished = true
			return err
		}
		w.after = append(w.after[:0], k...)
		k, v = cursor.Next()
	}
	return nil
}
