package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// Room is kept for calls that make room: a full store must still settle, purge
// and remove. It is also what keeps bbolt from failing in the middle of a
// commit, after which it reads the whole file again.
const (
	// reservedPart of store.max_size is kept, but at most maxReserved bytes, and at
	// least leastReserved, unless that is more than half of it: a commit writes each
	// page that it changes anew before it frees the one before.
	reservedPart  = 8
	maxReserved   = 64 << 20
	leastReserved = 2 << 20
	// reservedPerDebt is kept, in bytes, for each debt that has not failed yet:
	// what its failure would leave, without the receiver's answer.
	reservedPerDebt = 256
	// reservedPerShare is kept, in bytes, for each debt that stands in a row with
	// others: its failure would leave a course of its own there, too. It leaves what
	// they share as it is (row.go).
	reservedPerShare = 128
	// leastRoom is how many bytes there must be for calls that need room.
	leastRoom = 16 << 10
	// briefError is how many bytes of an error are kept where there is little room.
	briefError = 80
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

// reserved is how many bytes of a file of the given greatest size are kept, beside
// what failures may leave.
func reserved(maxSize int64) int64 {
	return min(max(maxSize/reservedPart, min(leastReserved, maxSize/2)), maxReserved)
}

// full returns the error with which calls that need room are refused, or nil. It
// notes how much room there is.
func (t *txn) full(tx *bbolt.Tx) error {
	counts, err := decodeCounts(t.tally.bucket.Get(endpointKey(0)))
	if err != nil {
		return err
	}
	failures := int64(counts.Open-counts.Retrying) * reservedPerDebt
	if t.fullBeside(tx, failures+int64(counts.Open)*reservedPerShare) == nil {
		return nil
	}
	// Then it is worth finding out how many debts may share a row.
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
	t.room, t.noRoom = math.MaxInt64, nil
	if limit := db.opts.MaxSize; limit > 0 {
		t.room, t.noRoom = free+limit-growth(limit)-tx.Size()-reserved(limit)-failures, errMaxSize
	}
	if onDisk, ok := diskFree(db.path); ok && free+onDisk-reservedOnDisk-failures < t.room {
		t.room, t.noRoom = free+onDisk-reservedOnDisk-failures, errNoSpace
	}
	if t.room < leastRoom {
		return t.noRoom()
	}
	return nil
}

// outgrown returns the error of a transaction that has taken more room than there
// is for calls that need some, or nil. Pages are seldom filled to more than two
// thirds. A call that would find no room in an empty store either is let in as soon
// as half of it is empty, as it would wait for ever.
func (t *txn) outgrown() error {
	limit := t.db.opts.MaxSize
	if t.left() >= 0 || limit > 0 && t.room > (limit-reserved(limit))/2 {
		return nil
	}
	return t.noRoom()
}

// left is how many bytes of room are left for calls that need some.
func (t *txn) left() int64 { return t.room - t.rows.grown*3/2 }

// fitting calls do for so many records, and where they don't fit, for fewer: a
// commit writes each page that it changes anew, and fewer need less room for that.
func fitting(n int, do func(n int) error) error {
	for {
		if err := do(n); n <= 1 || !errors.Is(err, store.ErrFull) {
			return err
		}
		n /= 2
	}
}

// inParts calls do for all of the list, a part at a time if they don't fit at once.
func inParts[T any](all []T, do func(part []T) error) error {
	for part := len(all); len(all) > 0; {
		err := fitting(min(part, len(all)), func(n int) error {
			part = n
			return do(all[:n])
		})
		if err != nil {
			return err
		}
		all = all[part:]
	}
	return nil
}

// sharing returns how many debts stand in a row with another one at most: there are
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
	return fmt.Errorf("%w: no space left on the disk but what is kept of it to go on delivering: free more than %d MiB, "+
		"and %d bytes for each debt; nothing is lost meanwhile", store.ErrFull, reservedOnDisk>>20, reservedPerDebt+reservedPerShare)
}
