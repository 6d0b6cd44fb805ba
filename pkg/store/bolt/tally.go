package bolt

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// tally counts for a group of ops: what it comes to is read once and written
// once, by flush.
type tally struct {
	bucket *bbolt.Bucket
	counts map[uint64]*store.Counts // by endpoint; 0: of all

	// all is of all, and last of the endpoint that was counted for last, as
	// changes come sorted by endpoint; nil if there were none yet.
	all, last *store.Counts
	lastOf    uint64
}

func newTally(bucket *bbolt.Bucket) *tally {
	return &tally{bucket: bucket, counts: make(map[uint64]*store.Counts)}
}

// of returns the counts of an endpoint, or with 0 of all, to be changed in
// place.
func (y *tally) of(id uint64) (*store.Counts, error) {
	if c, ok := y.counts[id]; ok {
		return c, nil
	}
	c, err := decodeCounts(y.bucket.Get(endpointKey(id)))
	if err != nil {
		return nil, err
	}
	y.counts[id] = &c
	return &c, nil
}

// add adds to the counts of an endpoint and of all. Differences may be negative:
// unsigned numbers wrap both ways.
func (y *tally) add(id uint64, diff store.Counts) (err error) {
	if y.all == nil {
		if y.all, err = y.of(0); err != nil {
			return err
		}
	}
	if y.last == nil || y.lastOf != id {
		if y.last, err = y.of(id); err != nil {
			return err
		}
		y.lastOf = id
	}
	y.all.Add(diff)
	y.last.Add(diff)
	return nil
}

// forget drops the counts of an endpoint that is no more.
func (y *tally) forget(id uint64) error {
	delete(y.counts, id)
	y.last = nil
	return y.bucket.Delete(endpointKey(id))
}

func (y *tally) flush() error {
	for id, c := range y.counts {
		if err := y.bucket.Put(endpointKey(id), encodeCounts(c)); err != nil {
			return err
		}
	}
	return nil
}

// class is how a debt is counted.
func class(s *stored) store.Counts {
	switch {
	case s == nil:
		return store.Counts{}
	case s.Failed:
		return store.Counts{Failed: 1}
	case s.Held:
		return store.Counts{Held: 1}
	}
	c := store.Counts{Open: 1}
	if s.Retrying() {
		c.Retrying = 1
	}
	if s.Background {
		c.Background = 1
	}
	if s.Deleting && !s.Released { // a person wants those: they are no loss to guard against
		c.Deleting = 1
	}
	return c
}

// reclassed is the difference that a debt makes that was counted as before and
// is now counted as after.
func reclassed(before, after store.Counts) store.Counts {
	after.Open -= before.Open
	after.Retrying -= before.Retrying
	after.Background -= before.Background
	after.Deleting -= before.Deleting
	after.Held -= before.Held
	after.Failed -= before.Failed
	return after
}

func encodeCounts(c *store.Counts) []byte {
	var buf []byte
	for _, n := range []uint64{
		c.Open, c.Retrying, c.Failed, c.Owed, c.Coalesced, c.Delivered, c.Attempts, c.Dropped,
		c.Background, c.Deleting, c.Held, c.Tracked, c.Skipped,
	} {
		buf = binary.AppendUvarint(buf, n)
	}
	return buf
}

func decodeCounts(record []byte) (store.Counts, error) {
	if len(record) == 0 {
		return store.Counts{}, nil
	}
	r := reader{rest: record}
	c := store.Counts{
		Open: r.uvarint(), Retrying: r.uvarint(), Failed: r.uvarint(), Owed: r.uvarint(),
		Coalesced: r.uvarint(), Delivered: r.uvarint(), Attempts: r.uvarint(), Dropped: r.uvarint(),
	}
	if len(r.rest) > 0 { // format 2 counted no more
		c.Background, c.Deleting, c.Held = r.uvarint(), r.uvarint(), r.uvarint()
		c.Tracked, c.Skipped = r.uvarint(), r.uvarint()
	}
	if err := r.end(); err != nil {
		return store.Counts{}, damaged("counts: %w", err)
	}
	return c, nil
}
