package bolt

import (
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
	db := t.db
	counts, err := decodeCounts(t.tally.bucket.Get(endpointKey(0)))
	if err != nil {
		return err
	}
	failures := int64(counts.Open-counts.Retrying) * reservedPerDebt
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

func errMaxSize() error {
	return fmt.Errorf("%w: it has reached store.max_size: raise it; nothing is lost meanwhile", store.ErrFull)
}

func errNoSpace() error {
	return fmt.Errorf("%w: no space left on the disk: free some; nothing is lost meanwhile", store.ErrFull)
}
