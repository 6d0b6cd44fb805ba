package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// resetPage is how many tracked assets are forgotten in one commit.
const resetPage = 20_000

// ResetTracked forgets all that an endpoint tracks, page by page: if it ends early,
// what is left is still tracked, and to be reset once more.
func (db *DB) ResetTracked(ctx context.Context, endpoint uint64) (uint64, error) {
	var forgotten uint64
	for more := true; more; {
		n := 0
		err := fitting(resetPage, func(page int) error {
			return db.update(ctx, func(t *txn) (err error) {
				n, err = t.resetPage(endpoint, page)
				more = n == page
				return err
			})
		})
		if err != nil {
			return forgotten, fmt.Errorf("reset: %w", err)
		}
		forgotten += uint64(n)
	}
	for more := true; more; {
		err := fitting(heldPage, func(page int) error {
			return db.update(ctx, func(t *txn) (err error) {
				more, err = t.dropHeld(endpoint, page)
				return err
			})
		})
		if err != nil {
			return forgotten, fmt.Errorf("reset: %w", err)
		}
	}
	if err := db.deleteNothing(ctx, endpoint); err != nil {
		return forgotten, fmt.Errorf("reset: %w", err)
	}
	return forgotten, nil
}

// deleteNothing notes of deletions that an endpoint is still owed that it tracks their
// assets no more. They all are in the index of what is due, or have left a trouble
// record; one that moves between pages of the index meanwhile has left one too, or has
// changed, and was judged then.
func (db *DB) deleteNothing(ctx context.Context, endpoint uint64) error {
	for _, named := range []struct {
		bucket []byte
		key    func(v []byte) (debt.Key, error)
	}{
		{bucketDue, func(v []byte) (debt.Key, error) { return debt.Key(v), nil }},
		{bucketTrouble, func(v []byte) (debt.Key, error) {
			key, _, err := decodeTrouble(v)
			return key, err
		}},
	} {
		walk := walker{prefix: endpointKey(endpoint), page: resetPage}
		for !walk.finished {
			var stale []debt.Key
			err := db.view(func(tx *bbolt.Tx) error {
				debts, s := newDebtFinder(tx), new(stored)
				return walk.entries(tx.Bucket(named.bucket), func(_, v []byte) (bool, error) {
					key, err := named.key(v)
					if err == nil {
						err = debts.indexed(s, endpoint, key)
					}
					if err == nil && (s.Deleting || s.Deletes() && (s.Unclear || s.Restored)) {
						stale = append(stale, key)
					}
					return true, err
				})
			})
			if err := errors.Join(err, ctx.Err()); err != nil {
				return err
			}
			if err := inParts(stale, func(part []debt.Key) error { return db.judgeDeletions(ctx, endpoint, part) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeDeletions notes of deletions whether they delete anything that is tracked. What
// an endpoint may have taken is forgotten, too.
func (db *DB) judgeDeletions(ctx context.Context, endpoint uint64, keys []debt.Key) error {
	return db.update(ctx, func(t *txn) error {
		for _, key := range keys {
			s, err := t.load(endpoint, key)
			if err != nil {
				return err
			}
			if s == nil {
				continue // ended in the meantime
			}
			before := class(s)
			if s.Deleting, err = t.deletesTracked(&s.Debt); err != nil {
				return err
			}
			if s.Deletes() { // it may have changed in the meantime
				s.Unclear, s.Restored = false, false
			}
			if err := t.tally.add(endpoint, reclassed(before, class(s))); err != nil {
				return err
			}
			if err := t.save(s, false); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *txn) resetPage(endpoint uint64, page int) (int, error) {
	if t.endpoints.Get(endpointKey(endpoint)) == nil {
		return 0, refuse(fmt.Errorf("endpoint %d: %w", endpoint, store.ErrNotFound))
	}
	var keys [][]byte
	prefix := endpointKey(endpoint)
	cursor := t.bucket(bucketTracked).Cursor()
	for k, _ := cursor.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix) && len(keys) < page; k, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := t.bucket(bucketTracked).Delete(k); err != nil {
			return 0, err
		}
	}
	d, err := t.getDeletions(endpoint)
	if err != nil {
		return 0, err
	}
	t.deletionsOf[endpoint] = tracking.Deletions{Told: d.Told}
	return len(keys), t.tally.add(endpoint, store.Counts{Tracked: -uint64(len(keys))})
}
