package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
)

// rewindPage is how many debts are looked at in one transaction.
const rewindPage = 1000

// Rewind moves debts from the future to now. It looks at every debt that is
// filed: one whose debounce was prolonged may be filed before now.
func (db *DB) Rewind(ctx context.Context, id uint64, now time.Time) (uint64, error) {
	var moved uint64
	walk := walker{prefix: endpointKey(id), page: rewindPage}
	for !walk.finished {
		var keys []debt.Key
		err := db.view(func(tx *bbolt.Tx) error {
			debts := newDebtFinder(tx)
			return walk.entries(tx.Bucket(bucketDue), func(_, v []byte) (bool, error) {
				var s stored
				err := debts.indexed(&s, id, debt.Key(v))
				if err == nil && isAhead(&s, now) {
					keys = append(keys, s.Key)
				}
				return true, err
			})
		})
		if err == nil && len(keys) > 0 {
			err = inParts(keys, func(part []debt.Key) error {
				n, err := db.rewind(ctx, id, part, now)
				moved += n
				return err
			})
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return moved, fmt.Errorf("rewind: %w", err)
		}
		if !walk.finished {
			db.releasePages()
		}
	}
	return moved, nil
}

// isAhead reports whether a debt waits for a time that has been taken back.
func isAhead(s *stored, now time.Time) bool {
	return !s.Forced && s.Due.After(now) && s.FromFuture(now)
}

func (db *DB) rewind(ctx context.Context, id uint64, keys []debt.Key, now time.Time) (uint64, error) {
	var n uint64
	err := db.update(ctx, func(t *txn) error {
		n = 0
		for _, key := range keys {
			s, err := t.load(id, key)
			if err != nil {
				return err
			}
			if s == nil || !isAhead(s, now) || !s.Rewind(now) {
				continue
			}
			n++
			if err := t.save(s, true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
