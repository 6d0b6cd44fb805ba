package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// txn is a write transaction with the small records that many ops of a group
// change kept at hand, to be written once, by flush.
type txn struct {
	db *DB

	meta, endpoints, names, health, counts *bbolt.Bucket
	debts, due, trouble                    *bbolt.Bucket
	positions, events, rejected, removed   *bbolt.Bucket
	assets                                 *bbolt.Bucket

	totals      totals
	countsOf    map[uint64]*store.Counts // 0: of all
	healthOf    map[uint64]*endpoint.Health
	totalsDirty bool
	tight       bool // there is little room
	buf         []byte
}

// totals are numbers of the whole store.
type totals struct {
	ingested   uint64
	rejected   uint64
	eventSeq   uint64 // of the newest recent event
	eventBytes uint64 // of all chunks
	latest     uint64 // Unix ns, of the latest batch by the clock
}

func newTxn(db *DB, tx *bbolt.Tx) *txn {
	t := &txn{
		db:   db,
		meta: tx.Bucket(bucketMeta), endpoints: tx.Bucket(bucketEndpoints), names: tx.Bucket(bucketNames),
		health: tx.Bucket(bucketHealth), counts: tx.Bucket(bucketCounts),
		debts: tx.Bucket(bucketDebts), due: tx.Bucket(bucketDue), trouble: tx.Bucket(bucketTrouble),
		positions: tx.Bucket(bucketPositions), events: tx.Bucket(bucketEvents),
		rejected: tx.Bucket(bucketRejected), removed: tx.Bucket(bucketRemoved), assets: tx.Bucket(bucketAssets),
		countsOf: make(map[uint64]*store.Counts),
		healthOf: make(map[uint64]*endpoint.Health),
	}
	t.totals = readTotals(t.meta)
	// Both grow at their end.
	t.events.FillPercent = 0.95
	t.due.FillPercent = 0.9
	return t
}

func readTotals(meta *bbolt.Bucket) totals {
	r := reader{rest: meta.Get(metaTotals)}
	if len(r.rest) == 0 {
		return totals{}
	}
	return totals{ingested: r.uvarint(), rejected: r.uvarint(), eventSeq: r.uvarint(), eventBytes: r.uvarint(), latest: r.uvarint()}
}

// flush writes what was kept at hand.
func (t *txn) flush() error {
	if t.totalsDirty {
		var buf []byte
		for _, n := range []uint64{t.totals.ingested, t.totals.rejected, t.totals.eventSeq, t.totals.eventBytes, t.totals.latest} {
			buf = binary.AppendUvarint(buf, n)
		}
		if err := t.meta.Put(metaTotals, buf); err != nil {
			return err
		}
	}
	for id, c := range t.countsOf {
		if err := t.counts.Put(endpointKey(id), encodeCounts(c)); err != nil {
			return err
		}
	}
	for id, h := range t.healthOf {
		record, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("encode health: %w", err)
		}
		if err := t.health.Put(endpointKey(id), record); err != nil {
			return err
		}
	}
	return nil
}

func encodeCounts(c *store.Counts) []byte {
	var buf []byte
	for _, n := range []uint64{c.Open, c.Retrying, c.Failed, c.Owed, c.Coalesced, c.Delivered, c.Attempts, c.Dropped} {
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
	if err := r.end(); err != nil {
		return store.Counts{}, damaged("counts: %w", err)
	}
	return c, nil
}

// count adds to the counts of an endpoint and of all. Differences may be
// negative: unsigned numbers wrap both ways.
func (t *txn) count(id uint64, diff store.Counts) error {
	for _, who := range []uint64{id, 0} {
		c, ok := t.countsOf[who]
		if !ok {
			read, err := decodeCounts(t.counts.Get(endpointKey(who)))
			if err != nil {
				return err
			}
			c = &read
			t.countsOf[who] = c
		}
		c.Add(diff)
	}
	return nil
}

// getHealth returns an endpoint's health, to be changed in place.
func (t *txn) getHealth(id uint64) (*endpoint.Health, error) {
	if h, ok := t.healthOf[id]; ok {
		return h, nil
	}
	h, err := readHealth(t.health, id)
	if err != nil {
		return nil, err
	}
	t.healthOf[id] = &h
	return &h, nil
}

func readHealth(b *bbolt.Bucket, id uint64) (endpoint.Health, error) {
	var h endpoint.Health
	record := b.Get(endpointKey(id))
	if record == nil {
		return h, nil
	}
	if err := json.Unmarshal(record, &h); err != nil {
		return h, damaged("health of endpoint %d: %w", id, err)
	}
	return h, nil
}

// nextID makes the id of a new debt.
func (t *txn) nextID(now time.Time) (debt.ID, error) {
	seq, err := t.meta.NextSequence()
	if err != nil {
		return debt.ID{}, err
	}
	return debt.NewID(now, t.db.salt, seq), nil
}

// load returns a debt, or nil if there is none.
func (t *txn) load(id uint64, key debt.Key) (*stored, error) {
	record := t.debts.Get(debtKey(id, key))
	if record == nil {
		return nil, nil
	}
	return decodeDebt(id, key, record)
}

// class is how a debt is counted.
func class(s *stored) store.Counts {
	switch {
	case s == nil:
		return store.Counts{}
	case s.Failed:
		return store.Counts{Failed: 1}
	case s.Retrying():
		return store.Counts{Open: 1, Retrying: 1}
	default:
		return store.Counts{Open: 1}
	}
}

// recount counts a debt that was counted as before and is now as s.
func (t *txn) recount(id uint64, before store.Counts, s *stored) error {
	diff := class(s)
	diff.Open -= before.Open
	diff.Retrying -= before.Retrying
	diff.Failed -= before.Failed
	return t.count(id, diff)
}

// save writes a debt and files it. It stays filed where it was if that is not
// too late; refile files it exactly.
func (t *txn) save(s *stored, refile bool) error {
	want := int64(unfiled)
	switch {
	case s.Failed:
	case s.Forced:
		want = 0
	default:
		want = nanos(s.Due)
	}
	keep := s.Filed != unfiled && want != unfiled && s.Filed <= want && !refile && (s.Filed != 0 || want == 0)
	if !keep && s.Filed != want {
		if err := t.unfile(s); err != nil {
			return err
		}
		if want != unfiled {
			if err := t.due.Put(dueKey(s.Endpoint, want, s.ID.Seq()), []byte(s.Key)); err != nil {
				return err
			}
		}
		s.Filed = want
	}
	// bbolt keeps the value until the transaction ends, so it gets one of its own.
	t.buf = encodeDebt(t.buf[:0], s)
	return t.debts.Put(debtKey(s.Endpoint, s.Key), bytes.Clone(t.buf))
}

// unfile takes a debt out of the index of what is due.
func (t *txn) unfile(s *stored) error {
	if s.Filed == unfiled {
		return nil
	}
	err := t.due.Delete(dueKey(s.Endpoint, s.Filed, s.ID.Seq()))
	s.Filed = unfiled
	return err
}

// end removes a debt altogether.
func (t *txn) end(s *stored) error {
	if err := t.unfile(s); err != nil {
		return err
	}
	if err := t.clearTrouble(s); err != nil {
		return err
	}
	return t.debts.Delete(debtKey(s.Endpoint, s.Key))
}

// setTrouble keeps what a failed attempt left; where there is little room,
// without the receiver's answer.
func (t *txn) setTrouble(s *stored, o attempt.Outcome) error {
	s.Troubled = true
	if t.tight {
		o.Response = nil
	}
	return t.trouble.Put(troubleKey(s.Endpoint, s.ID.Seq()), encodeTrouble(s.Key, o))
}

func (t *txn) clearTrouble(s *stored) error {
	if !s.Troubled {
		return nil
	}
	s.Troubled = false
	return t.trouble.Delete(troubleKey(s.Endpoint, s.ID.Seq()))
}
