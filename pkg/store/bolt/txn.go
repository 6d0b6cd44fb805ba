package bolt

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// txn is a write transaction with the small records that many ops of a group
// change kept at hand, to be written once, by flush.
type txn struct {
	db *DB
	tx *bbolt.Tx

	// What almost every op needs; bucket opens the others.
	meta, endpoints, due *bbolt.Bucket
	rows                 rows // of debts
	findDue              finder
	tracked              *bbolt.Bucket // opened by the first acknowledgement
	findTracked          finder
	filings              []filing // of what is owed at once; see fileAll

	tally       *tally
	totals      totals
	healthOf    map[uint64]*endpoint.Health
	deletionsOf map[uint64]tracking.Deletions
	skips       map[string]uint64 // by the key in the bucket, to be added
	totalsDirty bool

	room   int64        // bytes that calls that need room had at the beginning; negative: none
	noRoom func() error // why there is no more

	key    []byte // of the record at hand
	record []byte
}

// totals are numbers of the whole store.
type totals struct {
	ingested   uint64
	rejected   uint64
	eventSeq   uint64 // of the newest recent event
	eventBytes uint64 // of all chunks
	latest     uint64 // Unix ns, of the latest batch or attempt by the clock
}

// timeStep is how much later an attempt has to end to be noted as the latest: a
// clock that was set back is no matter of seconds, and most settlements need not
// write the totals.
const timeStep = time.Second

// noteTime notes when an attempt ended.
func (t *txn) noteTime(at time.Time) {
	if now := uint64(nanos(at)); now >= t.totals.latest+uint64(timeStep) {
		t.totals.latest, t.totalsDirty = now, true
	}
}

func newTxn(db *DB, tx *bbolt.Tx) *txn {
	t := &txn{
		db: db, tx: tx,
		meta: tx.Bucket(bucketMeta), endpoints: tx.Bucket(bucketEndpoints),
		rows: newRows(tx.Bucket(bucketOwed)), due: tx.Bucket(bucketDue),
		tally:    newTally(tx.Bucket(bucketCounts)),
		healthOf: make(map[uint64]*endpoint.Health), deletionsOf: make(map[uint64]tracking.Deletions), skips: make(map[string]uint64),
	}
	t.findDue = newFinder(t.due)
	t.totals = readTotals(t.meta)
	t.due.FillPercent = 0.9 // it grows at its end
	return t
}

// bucket opens a bucket that few ops need.
func (t *txn) bucket(name []byte) *bbolt.Bucket { return t.tx.Bucket(name) }

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
	if err := t.tally.flush(); err != nil {
		return err
	}
	if err := t.flushTracking(); err != nil {
		return err
	}
	for id, h := range t.healthOf {
		record, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("encode health: %w", err)
		}
		if err := t.bucket(bucketHealth).Put(endpointKey(id), record); err != nil {
			return err
		}
	}
	return nil
}

// getHealth returns an endpoint's health, to be changed in place.
func (t *txn) getHealth(id uint64) (*endpoint.Health, error) {
	if h, ok := t.healthOf[id]; ok {
		return h, nil
	}
	h, err := readHealth(t.bucket(bucketHealth), id)
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
	if err := decodeJSON(record, &h); err != nil {
		return h, damaged("health of endpoint %d: %w", id, err)
	}
	return h, nil
}

// load returns a debt, or nil if there is none.
func (t *txn) load(id uint64, key debt.Key) (*stored, error) {
	s := new(stored)
	if found, err := t.loadInto(s, id, key); err != nil || !found {
		return nil, err
	}
	return s, nil
}

// loadInto is load into s, and reports whether there is such a debt.
func (t *txn) loadInto(s *stored, id uint64, key debt.Key) (found bool, err error) {
	w, err := t.rows.load(id, key)
	if err != nil {
		return false, err
	}
	return w.debt(s, id, key)
}

// save writes a debt and files it; see place.
func (t *txn) save(s *stored, refile bool) error {
	before := s.Filed
	s.place(refile)
	if err := t.file(filing{s.Endpoint, s.ID.Seq(), s.Key, before, s.Filed}); err != nil {
		return err
	}
	course, matter := encodeShared(t.record[:0], s)
	t.record = course[:0]
	return t.rows.put(s, course, matter)
}

// place decides where a debt is filed. It stays where it was if that is not too
// late; refile places it exactly.
func (s *stored) place(refile bool) {
	want := filedAt(s)
	keep := s.Filed != unfiled && want != unfiled && s.Filed <= want && !refile && (s.Filed != 0 || want == 0) &&
		laneOf(s.Filed) == laneOf(want)
	if !keep {
		s.Filed = want
	}
}

// filing is a move of a debt within the index of what is due, or into it, or out.
type filing struct {
	endpoint, seq uint64
	key           debt.Key
	before, after int64
}

func (t *txn) file(f filing) error {
	if f.before == f.after {
		return nil
	}
	size := int64(dueEntry + len(f.key))
	if f.before != unfiled {
		t.rows.grown -= size
		t.key = appendDueKey(t.key[:0], f.endpoint, f.before, f.seq)
		if err := t.findDue.delete(t.key); err != nil {
			return err
		}
	}
	if f.after == unfiled {
		return nil
	}
	t.rows.grown += size
	t.key = appendDueKey(t.key[:0], f.endpoint, f.after, f.seq)
	t.record = append(t.record[:0], f.key...)
	return t.due.Put(t.key, t.rows.keep(t.record))
}

// fileAll makes the moves that were gathered, in the order of the index: bbolt
// keeps what a transaction puts between two pages in one long list, and would
// shift much of it for each endpoint in turn.
func (t *txn) fileAll() error {
	slices.SortFunc(t.filings, func(a, b filing) int {
		if a.endpoint != b.endpoint {
			return cmp.Compare(a.endpoint, b.endpoint)
		}
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.seq, b.seq))
	})
	for _, f := range t.filings {
		if err := t.file(f); err != nil {
			return err
		}
	}
	return nil
}

// filedAt is where a debt belongs in the index of what is due.
func filedAt(s *stored) int64 {
	switch {
	case s.Failed:
		return unfiled
	case s.Held:
		return filedHeld
	case s.Forced:
		return 0
	case s.Behind():
		return min(nanos(s.Due), filedBehind-2) + filedBehind
	default:
		return nanos(s.Due)
	}
}

// laneOf tells the parts of the index apart, which are read one after another.
func laneOf(filed int64) int {
	switch {
	case filed == filedHeld:
		return 2
	case filed >= filedBehind:
		return 1
	default:
		return 0
	}
}

// end removes a debt altogether.
func (t *txn) end(s *stored) error {
	if err := t.file(filing{s.Endpoint, s.ID.Seq(), s.Key, s.Filed, unfiled}); err != nil {
		return err
	}
	if err := t.clearTrouble(s); err != nil {
		return err
	}
	return t.rows.remove(s.Endpoint, s.Key)
}

// setTrouble keeps what a failed attempt left; where there is little room, without
// the receiver's answer, and of the error only the beginning.
func (t *txn) setTrouble(s *stored, o attempt.Outcome) error {
	s.Troubled = true
	if t.left() < 2*int64(len(o.Response)) {
		o.Response = nil
	}
	if t.left() < 0 {
		o.Error = strings.ToValidUTF8(o.Error[:min(len(o.Error), briefError)], "")
	}
	record := encodeTrouble(s.Key, o)
	t.rows.grown += int64(len(record))
	return t.bucket(bucketTrouble).Put(troubleKey(s.Endpoint, s.ID.Seq()), record)
}

func (t *txn) clearTrouble(s *stored) error {
	if !s.Troubled {
		return nil
	}
	s.Troubled = false
	return t.bucket(bucketTrouble).Delete(troubleKey(s.Endpoint, s.ID.Seq()))
}
