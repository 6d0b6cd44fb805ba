package bolt

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// failurePage is how many trouble records one read transaction looks at.
const failurePage = 500

// Failures lists what is selected, after the cursor.
func (db *DB) Failures(ctx context.Context, sel debt.Selection, cursor string, limit int) ([]debt.Failure, string, error) {
	scan, err := newScan(sel, cursor)
	if err != nil {
		return nil, "", err
	}
	var found []debt.Failure
	for {
		page, err := scan.page(db, limit-len(found))
		if err != nil {
			return nil, "", fmt.Errorf("list failures: %w", err)
		}
		found = append(found, page...)
		if scan.finished {
			return found, "", nil
		}
		if len(found) >= limit {
			return found, scan.cursor(), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
	}
}

// Failure returns the debt of that id, if its last attempt failed.
func (db *DB) Failure(_ context.Context, id debt.ID) (debt.Failure, error) {
	var failure debt.Failure
	err := db.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketEndpoints).ForEach(func(k, _ []byte) error {
			endpointID := endpointOf(k)
			record := tx.Bucket(bucketTrouble).Get(troubleKey(endpointID, id.Seq()))
			if record == nil {
				return nil
			}
			f, err := decodeFailure(tx, endpointID, record)
			if err == nil && f.ID == id {
				failure = f
			}
			return err
		})
	})
	if err != nil {
		return debt.Failure{}, fmt.Errorf("read failure %s: %w", id, err)
	}
	if failure.ID != id {
		return debt.Failure{}, fmt.Errorf("failure %s: %w", id, store.ErrNotFound)
	}
	return failure, nil
}

// Retry forces what is selected, a page at a time.
func (db *DB) Retry(ctx context.Context, sel debt.Selection, now time.Time, cursor string, limit int) ([]debt.Failure, string, error) {
	page, next, err := db.Failures(ctx, sel, cursor, limit)
	if err != nil || len(page) == 0 {
		return nil, next, err
	}
	var all []debt.Failure
	err = inParts(page, func(part []debt.Failure) error {
		forced, err := db.force(ctx, part, sel, now)
		all = append(all, forced...)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("retry failures: %w", err)
	}
	return all, next, nil
}

// force forces those of a page that are still as selected, and returns them.
func (db *DB) force(ctx context.Context, page []debt.Failure, sel debt.Selection, now time.Time) (forced []debt.Failure, err error) {
	err = db.update(ctx, func(t *txn) error {
		forced = nil
		return t.eachFailure(page, sel, func(s *stored, f debt.Failure) error {
			before := class(s)
			s.Force(now)
			f.Debt = s.Debt
			forced = append(forced, f)
			if err := t.tally.add(s.Endpoint, reclassed(before, class(s))); err != nil {
				return err
			}
			return t.save(s, false)
		})
	})
	if err != nil {
		return nil, err
	}
	return forced, nil
}

// Purge ends what is selected, a page at a time.
func (db *DB) Purge(ctx context.Context, sel debt.Selection, cursor string, limit int) (uint64, string, error) {
	page, next, err := db.Failures(ctx, sel, cursor, limit)
	if err != nil || len(page) == 0 {
		return 0, next, err
	}
	var all uint64
	err = inParts(page, func(part []debt.Failure) error {
		purged, err := db.purge(ctx, part, sel)
		all += purged
		return err
	})
	if err != nil {
		return 0, "", fmt.Errorf("purge failures: %w", err)
	}
	return all, next, nil
}

// purge ends those of a page that are still as selected, and counts them.
func (db *DB) purge(ctx context.Context, page []debt.Failure, sel debt.Selection) (purged uint64, err error) {
	err = db.update(ctx, func(t *txn) error {
		purged = 0
		return t.eachFailure(page, sel, func(s *stored, _ debt.Failure) error {
			purged++
			diff := reclassed(class(s), store.Counts{})
			diff.Dropped++
			if err := t.tally.add(s.Endpoint, diff); err != nil {
				return err
			}
			return t.end(s)
		})
	})
	if err != nil {
		return 0, err
	}
	return purged, nil
}

// eachFailure calls do with those of a page that are still as selected.
func (t *txn) eachFailure(page []debt.Failure, sel debt.Selection, do func(*stored, debt.Failure) error) error {
	for _, f := range page {
		if t.endpoints.Get(endpointKey(f.Endpoint)) == nil {
			continue // removed since the page was read
		}
		s, err := t.load(f.Endpoint, f.Key)
		if err != nil {
			return err
		}
		if s == nil || s.ID != f.ID || !s.Troubled {
			continue
		}
		f.Debt = s.Debt
		if !sel.Match(f) {
			continue
		}
		if err := do(s, f); err != nil {
			return err
		}
	}
	return nil
}

// scan walks the trouble records that a selection may mean.
type scan struct {
	sel       debt.Selection
	endpoints []uint64 // those that are meant, in the order of the keys; none: all
	after     []byte   // the key that was looked at last
	finished  bool
}

func newScan(sel debt.Selection, cursor string) (*scan, error) {
	s := &scan{sel: sel, endpoints: slices.Sorted(slices.Values(sel.Endpoints))}
	if cursor != "" {
		after, err := hex.DecodeString(cursor)
		if err != nil || len(after) != len(troubleKey(0, 0)) {
			return nil, store.ErrCursor
		}
		s.after = after
	}
	return s, nil
}

func (s *scan) cursor() string { return hex.EncodeToString(s.after) }

// page returns up to limit failures out of the next records.
func (s *scan) page(db *DB, limit int) ([]debt.Failure, error) {
	var found []debt.Failure
	err := db.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketTrouble).Cursor()
		var k, v []byte
		if s.after == nil {
			k, v = cursor.First()
		} else if k, v = cursor.Seek(s.after); bytes.Equal(k, s.after) {
			k, v = cursor.Next()
		}
		for range failurePage {
			if k, v = s.skip(cursor, k, v); k == nil {
				s.finished = true
				return nil
			}
			if len(found) >= limit {
				return nil
			}
			f, err := decodeFailure(tx, endpointOf(k), v)
			if err != nil {
				return err
			}
			if s.sel.Match(f) && tx.Bucket(bucketEndpoints).Get(k[:4]) != nil {
				found = append(found, f)
			}
			s.after = append(s.after[:0], k...)
			k, v = cursor.Next()
		}
		return nil
	})
	return found, err
}

// skip moves on to the next record of an endpoint that is meant, if this one is
// of another.
func (s *scan) skip(cursor *bbolt.Cursor, k, v []byte) (key, record []byte) {
	for k != nil && len(s.endpoints) > 0 {
		at, meant := slices.BinarySearch(s.endpoints, endpointOf(k))
		if meant {
			return k, v
		}
		if at == len(s.endpoints) {
			return nil, nil
		}
		k, v = cursor.Seek(endpointKey(s.endpoints[at]))
	}
	return k, v
}

// decodeFailure reads a trouble record and the debt it belongs to.
func decodeFailure(tx *bbolt.Tx, endpointID uint64, record []byte) (debt.Failure, error) {
	key, outcome, err := decodeTrouble(record)
	if err != nil {
		return debt.Failure{}, err
	}
	if tx.Bucket(bucketEndpoints).Get(endpointKey(endpointID)) == nil {
		// The endpoint is being removed, and its debts may be gone already.
		return debt.Failure{Debt: debt.Debt{Endpoint: endpointID, Key: key}, Outcome: outcome}, nil
	}
	var s stored
	if err := newDebtFinder(tx).indexed(&s, endpointID, key); err != nil {
		return debt.Failure{}, err
	}
	return debt.Failure{Debt: s.Debt, Outcome: outcome}, nil
}
