package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// Room is kept for calls that make room: a full store must still settle, purge
// and remove. It is also what keeps bbolt from failing in the middle of a
// commit, after which it reads the whole file again.
const (
	// reservedPart of store.max_size is kept, but at most maxReserved bytes.
	reservedPart = 8
	maxReserved  = 64 << 20
	// reservedPerDebt is kept, in bytes, for each debt that has not failed yet:
	// what its failure would leave, without the receiver's answer.
	reservedPerDebt = 256
	// reservedPerShare is kept, in bytes, for each debt that shares the record of
	// another endpoint's: its failure would leave a record of its own, too.
	reservedPerShare = 128
	// reservedOnDisk is how many bytes are kept of a disk that fills up.
	reservedOnDisk = 16 << 20
	// growPart of store.max_size is the step in which the file grows, but at
	// most maxGrow bytes.
	growPart = 32
	maxGrow  = 16 << 20
)

// growth returns the step in which a file of the given greatest size grows, in
// bytes.
func growth(maxSize int64) int64 {
	if maxSize <= 0 {
		return maxGrow
	}
	return min(maxSize/growPart, maxGrow)
}

// full returns the error with which calls that need room are refused, or nil.
func (t *txn) full(tx *bbolt.Tx) error {
	counts, err := decodeCounts(t.tally.bucket.Get(endpointKey(0)))
	if err != nil {
		return err
	}
	failures := int64(counts.Open-counts.Retrying) * reservedPerDebt
	if t.fullBeside(tx, failures+int64(counts.Open)*reservedPerShare) == nil {
		return nil
	}
	// Then it is worth finding out how many debts may share a record.
	sharing, err := t.sharing()
	if err != nil {
		return err
	}
	return t.fullBeside(tx, failures+int64(sharing)*reservedPerShare)
}

// fullBeside is full if so many bytes are to be kept for failures.
func (t *txn) fullBeside(tx *bbolt.Tx, failures int64) error {
	db := t.db
	stats := db.bolt.Stats()
	pages := stats.FreePageN
	if !db.copying.Load() { // else a reader needs the pending ones
		pages += stats.PendingPageN
	}
	free := int64(pages) * int64(db.bolt.Info().PageSize)
	if limit := db.opts.MaxSize; limit > 0 {
		left := free + limit - growth(limit) - tx.Size()
		if left < min(limit/reservedPart, maxReserved)+failures {
			return errMaxSize()
		}
	}
	if onDisk, ok := diskFree(db.path); ok && free+onDisk < reservedOnDisk+failures {
		return errNoSpace()
	}
	return nil
}

// sharing returns how many debts share the record of another one at most: there are
// at least as many rows as one endpoint has debts.
func (t *txn) sharing() (uint64, error) {
	var all, most uint64
	err := t.tally.bucket.ForEach(func(k, v []byte) error {
		counts, err := decodeCounts(v)
		if err != nil || bytes.Equal(k, endpointKey(0)) {
			return err
		}
		all, most = all+counts.Open, max(most, counts.Open)
		return nil
	})
	return all - most, err
}

func errMaxSize() error {
	return fmt.Errorf("%w: it has reached store.max_size: raise it; nothing is lost meanwhile", store.ErrFull)
}

func errNoSpace() error {
	return fmt.Errorf("%w: no space left on the disk: free some; nothing is lost meanwhile", store.ErrFull)
}
