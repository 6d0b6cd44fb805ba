package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// maxFaults bounds how many faults Check names.
const maxFaults = 20

// Check reads everything and reports what does not fit together: bad pages,
// records that can't be read, debts that are not filed, or filed where they
// should not be, and counts that are wrong. It is one long read transaction,
// for a store that is not in use.
func (db *DB) Check(ctx context.Context) error {
	var faults []error
	fault := func(format string, args ...any) {
		if len(faults) < maxFaults {
			faults = append(faults, damaged(format, args...))
		}
	}
	err := db.view(func(tx *bbolt.Tx) error {
		if err := checkPages(db.path, tx, db.bolt.Info().PageSize); err != nil {
			fault("%w", err)
			return nil
		}
		for err := range tx.Check() {
			fault("%w", err)
		}
		if len(faults) > 0 {
			return nil
		}
		counts := make(map[uint64]store.Counts)
		if err := checkDebts(tx, counts, fault); err != nil {
			return err
		}
		if err := checkIndexes(tx, fault); err != nil {
			return err
		}
		return checkCounts(tx, counts, fault)
	})
	if err == nil {
		err = ctx.Err()
	}
	return errors.Join(append(faults, err)...)
}

type faultFunc func(format string, args ...any)

// checkDebts checks that each debt is filed as it should be.
func checkDebts(tx *bbolt.Tx, counts map[uint64]store.Counts, fault faultFunc) error {
	due, trouble := tx.Bucket(bucketDue), tx.Bucket(bucketTrouble)
	return tx.Bucket(bucketDebts).ForEach(func(k, v []byte) error {
		id, key, err := splitDebtKey(k)
		if err != nil {
			fault("%w", err)
			return nil
		}
		if tx.Bucket(bucketRemoved).Get(k[:4]) != nil {
			return nil
		}
		s, err := decodeDebt(id, key, v)
		if err != nil {
			fault("%w", err)
			return nil
		}
		c := counts[id]
		c.Add(class(s))
		counts[id] = c
		switch {
		case s.Failed != (s.Filed == unfiled):
			fault("debt %s is failed=%v and filed at %d", s.ID, s.Failed, s.Filed)
		case s.Filed != unfiled && s.Filed > nanos(s.Due):
			fault("debt %s is filed at %d, after it is due at %d", s.ID, s.Filed, nanos(s.Due))
		case s.Filed != unfiled && !bytes.Equal(due.Get(dueKey(id, s.Filed, s.ID.Seq())), []byte(key)):
			fault("debt %s is not in the index of what is due", s.ID)
		}
		if record := trouble.Get(troubleKey(id, s.ID.Seq())); (record != nil) != s.Troubled {
			fault("debt %s is troubled=%v, and its trouble record exists=%v", s.ID, s.Troubled, record != nil)
		}
		return nil
	})
}

// checkIndexes checks that each entry of an index belongs to a debt.
func checkIndexes(tx *bbolt.Tx, fault faultFunc) error {
	debts, removed := tx.Bucket(bucketDebts), tx.Bucket(bucketRemoved)
	err := tx.Bucket(bucketDue).ForEach(func(k, v []byte) error {
		if removed.Get(k[:4]) != nil {
			return nil
		}
		s, err := decodeIndexed(debts, uint64(binary.BigEndian.Uint32(k)), v)
		if err != nil {
			fault("%w", err)
		} else if !bytes.Equal(k, dueKey(s.Endpoint, s.Filed, s.ID.Seq())) {
			fault("debt %s stands twice in the index of what is due", s.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketTrouble).ForEach(func(k, v []byte) error {
		if removed.Get(k[:4]) != nil {
			return nil
		}
		if _, err := decodeFailure(tx, uint64(binary.BigEndian.Uint32(k)), v); err != nil {
			fault("%w", err)
		}
		return nil
	})
}

// checkCounts compares the counts with what was counted.
func checkCounts(tx *bbolt.Tx, counted map[uint64]store.Counts, fault faultFunc) error {
	var open, failed uint64
	err := tx.Bucket(bucketCounts).ForEach(func(k, v []byte) error {
		c, err := decodeCounts(v)
		if err != nil {
			fault("%w", err)
			return nil
		}
		if c.Owed != c.Coalesced+c.Delivered+c.Open+c.Failed+c.Dropped {
			fault("counts of endpoint %x do not add up: %+v", k, c)
		}
		if id := uint64(binary.BigEndian.Uint32(k)); id != 0 {
			want := counted[id]
			if c.Open != want.Open || c.Retrying != want.Retrying || c.Failed != want.Failed {
				fault("endpoint %d counts %d open, %d retrying and %d failed debts, and has %d, %d and %d",
					id, c.Open, c.Retrying, c.Failed, want.Open, want.Retrying, want.Failed)
			}
			open, failed = open+c.Open, failed+c.Failed
		}
		return nil
	})
	if err != nil {
		return err
	}
	total, err := decodeCounts(tx.Bucket(bucketCounts).Get(endpointKey(0)))
	if err != nil {
		return err
	}
	if total.Open != open || total.Failed != failed {
		fault("all endpoints count %d open and %d failed debts, and have %d and %d", total.Open, total.Failed, open, failed)
	}
	return nil
}
