package bolt

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// heldPage is how many held deletions are released or dropped in one commit.
const heldPage = 2000

// Losses returns what the guard against mass deletion goes by.
func (db *DB) Losses(_ context.Context, endpoint uint64, now time.Time) (losses tracking.Losses, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		counts, err := decodeCounts(tx.Bucket(bucketCounts).Get(endpointKey(endpoint)))
		if err != nil {
			return err
		}
		d, err := readDeletions(tx.Bucket(bucketDeletions), endpoint)
		if err != nil {
			return err
		}
		job, _, err := readResync(tx.Bucket(bucketResyncs), endpoint)
		losses = tracking.Losses{Tracked: counts.Tracked, Recent: d.Recent(now), Pending: counts.Deleting, Held: counts.Held}
		if job.Running() {
			losses.Pending += job.Deletions
		}
		return err
	})
	if err != nil {
		return losses, fmt.Errorf("read losses: %w", err)
	}
	return losses, nil
}

// ToldDeletion returns when a deletion was acknowledged last, or a time after that.
func (db *DB) ToldDeletion(_ context.Context, endpoint uint64) (told time.Time, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		d, err := readDeletions(tx.Bucket(bucketDeletions), endpoint)
		told = d.Told
		return err
	})
	if err != nil {
		return told, fmt.Errorf("read the last deletion: %w", err)
	}
	return told, nil
}

// rewindDeletions moves the deletions of late to now that lie in the future. There is
// hardly ever one.
func (db *DB) rewindDeletions(ctx context.Context, now time.Time) error {
	var ahead []uint64
	err := db.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketDeletions)
		return b.ForEach(func(k, _ []byte) error {
			if len(k) != 4 {
				return damaged("the deletions of late have a key of %d bytes", len(k))
			}
			id := endpointOf(k)
			d, err := readDeletions(b, id)
			if _, moved := d.Rewind(now); moved {
				ahead = append(ahead, id)
			}
			return err
		})
	})
	if err == nil && len(ahead) > 0 {
		err = db.update(ctx, func(t *txn) error {
			for _, id := range ahead {
				if t.endpoints.Get(endpointKey(id)) == nil {
					continue // removed since
				}
				d, err := t.getDeletions(id)
				if err != nil {
					return err
				}
				t.deletionsOf[id], _ = d.Rewind(now)
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("rewind deletions: %w", err)
	}
	return nil
}

// Held returns a page of held deletions. The cursor is the number of a debt.
func (db *DB) Held(_ context.Context, endpoint uint64, cursor string, limit int) ([]debt.Debt, string, error) {
	var after uint64
	if cursor != "" {
		var err error
		if after, err = strconv.ParseUint(cursor, 10, 64); err != nil {
			return nil, "", fmt.Errorf("list held deletions: %w", store.ErrCursor)
		}
	}
	var found []debt.Debt
	next := ""
	err := db.view(func(tx *bbolt.Tx) error {
		prefix, debts := endpointKey(endpoint), newDebtFinder(tx)
		c := tx.Bucket(bucketDue).Cursor()
		for k, v := c.Seek(dueKey(endpoint, filedHeld, after)); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			seq := dueSeq(k)
			if seq <= after {
				continue
			}
			if len(found) == limit {
				next = strconv.FormatUint(found[limit-1].ID.Seq(), 10)
				return nil
			}
			var s stored
			if err := debts.indexed(&s, endpoint, debt.Key(v)); err != nil {
				return err
			}
			found = append(found, s.Debt)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list held deletions: %w", err)
	}
	return found, next, nil
}

// Release makes deletions due that are held. They all are filed at one place. Those
// that were held, and are judged anew because of a newer change, find out when they are
// held again.
func (db *DB) Release(ctx context.Context, endpoint uint64, now time.Time) (uint64, error) {
	var released uint64
	for {
		n, more := uint64(0), false
		err := fitting(heldPage, func(page int) error {
			return db.update(ctx, func(t *txn) (err error) {
				n, more, err = t.release(endpoint, now, page)
				return err
			})
		})
		if err != nil {
			return released, fmt.Errorf("release: %w", err)
		}
		if released += n; !more {
			return released, nil
		}
	}
}

func (t *txn) release(endpoint uint64, now time.Time, page int) (n uint64, more bool, err error) {
	if t.endpoints.Get(endpointKey(endpoint)) == nil {
		return 0, false, refuse(fmt.Errorf("endpoint %d: %w", endpoint, store.ErrNotFound))
	}
	d, err := t.getDeletions(endpoint)
	if err != nil {
		return 0, false, err
	}
	keys, more := t.held(endpoint, page)
	if len(keys) > 0 {
		d.Minutes = nil
	}
	d.Released = now
	t.deletionsOf[endpoint] = d
	for _, key := range keys {
		s, err := t.loadHeld(endpoint, key)
		if err != nil {
			return 0, false, err
		}
		before := class(s)
		s.Release(now)
		if err := t.save(s, true); err != nil {
			return 0, false, err
		}
		if err := t.tally.add(endpoint, reclassed(before, class(s))); err != nil {
			return 0, false, err
		}
	}
	return uint64(len(keys)), more, nil
}

// Skips returns how many changes an endpoint was not told.
func (db *DB) Skips(_ context.Context, endpoint uint64) (map[attempt.Reason]uint64, error) {
	skips := make(map[attempt.Reason]uint64)
	err := db.view(func(tx *bbolt.Tx) error {
		prefix := endpointKey(endpoint)
		b := tx.Bucket(bucketSkips)
		cursor := b.Cursor()
		for k, v := cursor.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
			if len(v) != 8 {
				return damaged("the skips of endpoint %d can't be read", endpoint)
			}
			skips[attempt.Reason(k[len(prefix):])] = number64(v, 0)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read skips: %w", err)
	}
	return skips, nil
}

// dropHeld ends a page of held deletions: of what is not tracked any more there is
// nothing to delete.
func (t *txn) dropHeld(endpoint uint64, page int) (more bool, err error) {
	if t.endpoints.Get(endpointKey(endpoint)) == nil {
		return false, nil // removed since
	}
	keys, more := t.held(endpoint, page)
	for _, key := range keys {
		s, err := t.loadHeld(endpoint, key)
		if err != nil {
			return false, err
		}
		diff := reclassed(class(s), store.Counts{})
		diff.Dropped++
		if err := t.tally.add(endpoint, diff); err != nil {
			return false, err
		}
		if err := t.end(s); err != nil {
			return false, err
		}
	}
	return more, nil
}

// held returns the keys of a page of held deletions.
func (t *txn) held(endpoint uint64, page int) (keys []debt.Key, more bool) {
	prefix := endpointKey(endpoint)
	cursor := t.due.Cursor()
	for k, v := cursor.Seek(dueKey(endpoint, filedHeld, 0)); k != nil && bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
		if len(keys) == page {
			return keys, true
		}
		keys = append(keys, debt.Key(v))
	}
	return keys, false
}

func (t *txn) loadHeld(endpoint uint64, key debt.Key) (*stored, error) {
	s, err := t.load(endpoint, key)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, damaged("the index names a debt of endpoint %d that is not there", endpoint)
	case !s.Held:
		return nil, damaged("debt %s is filed as one that is held, and is not", s.ID)
	}
	return s, nil
}
