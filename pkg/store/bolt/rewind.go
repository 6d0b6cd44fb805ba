package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
)

// rewindPage is how many debts are looked at in one transaction.
const rewindPage = 1000

// Rewind moves debts from the future to now. Their entries in the index lie
// after now; moving one takes it out of the way of the walk.
func (db *DB) Rewind(ctx context.Context, id uint64, now time.Time) (uint64, error) {
	var moved uint64
	after := dueKey(id, nanos(now), 0)
	for {
		keys, last, err := db.future(id, after, now)
		if err != nil {
			return moved, fmt.Errorf("rewind: %w", err)
		}
		if len(keys) > 0 {
			n, err := db.rewind(ctx, id, keys, now)
			if err != nil {
				return moved, fmt.Errorf("rewind: %w", err)
			}
			moved += n
		}
		if last == nil {
			return moved, nil
		}
		if err := ctx.Err(); err != nil {
			return moved, err
		}
		after = last
	}
}

// future returns the keys of debts from the future among the next entries of the
// index, and the entry that was looked at last, nil at the end.
func (db *DB) future(id uint64, after []byte, now time.Time) (keys []debt.Key, last []byte, err error) {
	prefix := endpointKey(id)
	err = db.view(func(tx *bbolt.Tx) error {
		keys, last = nil, nil
		debts := tx.Bucket(bucketDebts)
		cursor := tx.Bucket(bucketDue).Cursor()
		k, v := cursor.Seek(after)
		if bytes.Equal(k, after) {
			k, v = cursor.Next()
		}
		for range rewindPage {
			if k == nil || !bytes.HasPrefix(k, prefix) {
				last = nil
				return nil
			}
			s, err := decodeIndexed(debts, id, v)
			if err != nil {
				return err
			}
			if s.FromFuture(now) {
				keys = append(keys, s.Key)
			}
			last = append(last[:0], k...)
			k, v = cursor.Next()
		}
		return nil
	})
	return keys, last, err
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
			if s == nil || !s.Rewind(now) {
				continue
			}
			n++
			if err := t.save(s, true); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
