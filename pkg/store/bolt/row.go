package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
)

// Debts of one key stand side by side, in rows: one event often makes, and
// changes, the debts of many endpoints that want the same. What they are to be told,
// their matter, is then the same for all of them, and stays so whatever becomes of
// it at each endpoint: that is a debt's course, which is small (record.go). A row is
//
//	version(1), then for each matter: its length, the matter,
//	how many debts share it, and for each: slot(1) number course
//
// with lengths and counts as uvarints, and numbers as distances from the one
// before, in zigzag. A course is its length and itself, or 0 if it is that of the
// one before: as long as nothing was sent, debts that are owed at once differ in
// nothing but their numbers.
//
// So settling, retrying, holding and releasing never copy a matter: what they may
// add to a full store is bounded for each debt, however large its matter is.
const (
	rowVersion = 2
	// rowVersion1 is one of format 4: records that were shared as a whole.
	rowVersion1 = 1
)

// rowSlots is how many endpoints a row has room for, so that its size is bounded:
// those whose ids differ only in the remainder, which is the slot.
const rowSlots = 16

// row is what endpoints are owed under one key.
type row struct {
	matters [rowSlots][]byte // not all are used
	of      [rowSlots]uint8  // by slot: 1 + the index of the debt's matter; 0: there is no debt
	courses [rowSlots][]byte // by slot
	seqs    [rowSlots]uint64 // by slot: the debt's number
}

// appendRowKey appends the key of the row in which that debt stands.
func appendRowKey(buf []byte, id uint64, key debt.Key) []byte {
	return binary.BigEndian.AppendUint32(append(buf, key...), uint32(id/rowSlots))
}

// splitRowKey is the reverse of appendRowKey: id is of the endpoint in slot 0.
func splitRowKey(k []byte) (id uint64, key debt.Key, err error) {
	if len(k) < 4 {
		return 0, "", fmt.Errorf("debt key of %d bytes", len(k))
	}
	end := len(k) - 4
	return uint64(binary.BigEndian.Uint32(k[end:])) * rowSlots, debt.Key(k[:end]), nil
}

// slotOf is where the debts of an endpoint stand in their rows.
func slotOf(id uint64) int { return int(id % rowSlots) }

// decode reads what encode wrote. The matters and courses are parts of value.
func (w *row) decode(value []byte) error {
	*w = row{}
	r := reader{rest: value}
	version := r.byte()
	if version != rowVersion && version != rowVersion1 {
		return damaged("a row of debts has version %d, not %d", version, rowVersion)
	}
	for n := 0; len(r.rest) > 0; n++ {
		if n == rowSlots {
			return damaged("a row of debts has more than %d records", rowSlots)
		}
		matter := r.bytes(r.count())
		var course []byte
		if version == rowVersion1 && r.err == nil {
			var err error
			if course, matter, err = splitRecord(matter); err != nil {
				return err
			}
		}
		w.matters[n] = matter
		seq := uint64(0)
		for range r.count() {
			slot := r.byte()
			seq += unzigzag(r.uvarint())
			if version == rowVersion {
				if own := r.bytes(r.count()); len(own) > 0 {
					course = own
				}
			}
			if slot >= rowSlots || w.of[slot] != 0 || len(course) == 0 {
				r.fail(errShort)
				break
			}
			w.of[slot], w.seqs[slot], w.courses[slot] = uint8(n+1), seq, course
		}
	}
	if err := r.end(); err != nil {
		return damaged("a row of debts: %w", err)
	}
	return nil
}

// encode appends the row. One that is empty must not be kept.
func (w *row) encode(buf []byte) []byte {
	buf = append(buf, rowVersion)
	shared := w.uses()
	for n, matter := range w.matters {
		uses := shared[n+1]
		if uses == 0 {
			continue
		}
		buf = append(binary.AppendUvarint(buf, uint64(len(matter))), matter...)
		buf = binary.AppendUvarint(buf, uint64(uses))
		seq, course := uint64(0), []byte(nil)
		for slot, of := range w.of {
			if int(of) != n+1 {
				continue
			}
			buf = binary.AppendUvarint(append(buf, byte(slot)), zigzag(w.seqs[slot]-seq))
			seq = w.seqs[slot]
			if bytes.Equal(w.courses[slot], course) {
				buf = append(buf, 0)
				continue
			}
			course = w.courses[slot]
			buf = append(binary.AppendUvarint(buf, uint64(len(course))), course...)
		}
	}
	return buf
}

// uses counts the debts that share each matter, by 1 + its index.
func (w *row) uses() (shared [rowSlots + 1]uint8) {
	for _, of := range w.of {
		shared[of]++
	}
	return shared
}

func (w *row) isEmpty() bool { return w.of == [rowSlots]uint8{} }

// put gives a slot's debt that number, course and matter, or shares one that is the
// same.
func (w *row) put(slot int, seq uint64, course, matter []byte) {
	w.of[slot], w.seqs[slot], w.courses[slot] = 0, seq, course
	free, shared := -1, w.uses()
	for n, other := range w.matters {
		used := shared[n+1] > 0
		if used && bytes.Equal(other, matter) {
			w.of[slot] = uint8(n + 1)
			return
		}
		if !used && free < 0 {
			free = n
		}
	}
	// There are as many matters as slots, and this slot uses none of them.
	w.matters[free], w.of[slot] = matter, uint8(free+1)
}

// remove takes a slot's debt out of the row.
func (w *row) remove(slot int) { w.of[slot] = 0 }

// debt reads the debt of an endpoint into s, and reports whether there is one.
func (w *row) debt(s *stored, id uint64, key debt.Key) (found bool, err error) {
	slot := slotOf(id)
	if w.of[slot] == 0 {
		return false, nil
	}
	if err := s.decode(id, key, w.courses[slot], w.matters[w.of[slot]-1]); err != nil {
		return false, err
	}
	s.ID = s.ID.WithSeq(w.seqs[slot])
	return true, nil
}

func zigzag(n uint64) uint64   { return n<<1 ^ uint64(int64(n)>>63) }
func unzigzag(n uint64) uint64 { return n>>1 ^ -(n & 1) }

// debtFinder finds debts in one transaction that changes none.
type debtFinder struct {
	rows *follower
	key  []byte
	row  row
}

func newDebtFinder(tx *bbolt.Tx) *debtFinder {
	return &debtFinder{rows: newFollower(tx.Bucket(bucketOwed))}
}

// find reads a debt into s, and reports whether there is one.
func (f *debtFinder) find(s *stored, id uint64, key debt.Key) (found bool, err error) {
	f.key = appendRowKey(f.key[:0], id, key)
	value := f.rows.get(f.key)
	if value == nil {
		return false, nil
	}
	if err := f.row.decode(value); err != nil {
		return false, err
	}
	return f.row.debt(s, id, key)
}

// indexed is find for a debt that another record names.
func (f *debtFinder) indexed(s *stored, id uint64, key debt.Key) error {
	found, err := f.find(s, id, key)
	if err == nil && !found {
		err = damaged("the index names a debt of endpoint %d that is not there", id)
	}
	return err
}

// rows reads and writes rows in one write transaction. It keeps the one that was
// read last at hand until it is written.
type rows struct {
	keeper

	bucket *bbolt.Bucket
	find   finder
	key    []byte // of the row at hand
	row    row
	atHand bool
	there  bool // in the bucket, where find is, as long as it is at hand
	size   int  // of it there
	value  []byte
	// grown is how many bytes the transaction has added to the store, about; what it
	// has removed counts likewise.
	grown int64
}

func newRows(bucket *bbolt.Bucket) rows { return rows{bucket: bucket, find: newFinder(bucket)} }

// load returns the row in which that debt stands, or an empty one, to be changed
// in place.
func (r *rows) load(id uint64, key debt.Key) (*row, error) {
	n := len(r.key)
	r.key = appendRowKey(r.key, id, key)
	same := r.atHand && bytes.Equal(r.key[:n], r.key[n:])
	r.key = append(r.key[:0], r.key[n:]...)
	if same {
		return &r.row, nil
	}
	r.atHand = false
	value := r.find.get(r.key)
	r.size = len(value)
	if r.there = value != nil; !r.there {
		r.row = row{}
	} else if err := r.row.decode(value); err != nil {
		return nil, err
	}
	r.atHand = true
	return &r.row, nil
}

// save writes the row at hand.
func (r *rows) save() error {
	r.atHand = false
	if r.row.isEmpty() {
		if !r.there {
			return nil
		}
		r.grown -= int64(len(r.key) + r.size)
		return r.find.cursor.Delete()
	}
	r.value = r.row.encode(r.value[:0])
	r.grown += int64(len(r.value) - r.size)
	if !r.there {
		r.grown += int64(len(r.key))
	}
	return r.bucket.Put(r.key, r.keep(r.value))
}

// put writes one debt.
func (r *rows) put(s *stored, course, matter []byte) error {
	w, err := r.load(s.Endpoint, s.Key)
	if err != nil {
		return err
	}
	w.put(slotOf(s.Endpoint), s.ID.Seq(), course, matter)
	return r.save()
}

// remove ends one debt, if there is one.
func (r *rows) remove(id uint64, key debt.Key) error {
	w, err := r.load(id, key)
	if err != nil || w.of[slotOf(id)] == 0 {
		return err
	}
	w.remove(slotOf(id))
	return r.save()
}

// keeper keeps copies of values for bbolt.
type keeper struct{ values []byte }

// Values are kept in blocks of these sizes, in bytes.
const (
	leastValues = 1 << 10
	mostValues  = 64 << 10
)

// keep returns a copy of a value for bbolt, which holds it until the transaction
// ends.
func (t *keeper) keep(value []byte) []byte {
	if len(value) > cap(t.values)-len(t.values) {
		t.values = make([]byte, 0, max(len(value), leastValues, min(2*cap(t.values), mostValues)))
	}
	start := len(t.values)
	t.values = append(t.values, value...)
	return t.values[start:len(t.values):len(t.values)]
}
