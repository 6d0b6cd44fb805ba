package bolt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

// Positions returns where the streams of a source were read to.
func (db *DB) Positions(_ context.Context, sourceName string) ([]source.Position, error) {
	var positions []source.Position
	prefix := positionKey(sourceName, "")
	err := db.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketPositions).Cursor()
		for k, v := cursor.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = cursor.Next() {
			positions = append(positions, source.Position{Stream: string(k[len(prefix):]), Data: bytes.Clone(v)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions of source %s: %w", sourceName, err)
	}
	return positions, nil
}

// Ingest makes a batch durable: its debts, its assets, what is remembered of it,
// and its positions, in one transaction. So a position never runs ahead of what it
// stands for, whenever the process ends.
func (db *DB) Ingest(ctx context.Context, in store.Ingest) (store.Ingested, error) {
	chunk := db.makeChunk(in)
	assets := db.packAssets(in.Assets)
	sorted := sortChanges(in.Changes)
	var result store.Ingested
	err := db.updateGrowing(ctx, func(t *txn) (err error) {
		if getUint64(t.meta, metaRevision) != in.Revision {
			return refuse(store.ErrRevision)
		}
		if result, err = t.owe(in.Changes, sorted, in.Now); err != nil {
			return err
		}
		t.totals.latest = max(t.totals.latest, uint64(nanos(in.Now)))
		t.totalsDirty = true
		if !in.Replayed {
			t.totals.ingested += uint64(len(in.Events))
			t.totals.rejected += uint64(len(in.Rejected))
			t.totalsDirty = true
		}
		if _, err := t.learn(assets, in.Now); err != nil {
			return err
		}
		if chunk != nil {
			result.First = t.totals.eventSeq + 1
		}
		if err := t.addChunk(chunk, len(in.Events), in.Now); err != nil {
			return err
		}
		for i := range in.Rejected {
			if err := t.reject(&in.Rejected[i]); err != nil {
				return err
			}
		}
		return t.setPositions(in.Source, in.Positions)
	})
	if err != nil {
		return store.Ingested{}, fmt.Errorf("ingest: %w", err)
	}
	return result, nil
}

// place says where one of a batch's changes stands, and what it is sorted by.
type place struct {
	head     uint64 // the first eight bytes of the key
	endpoint uint64
	index    int
}

// sortChanges returns the places of changes as their debts lie in the file, so
// that each row is come to once, with those of one debt in their order.
func sortChanges(changes []debt.Change) []place {
	places := make([]place, len(changes))
	for i := range changes {
		var head [8]byte
		copy(head[:], changes[i].Key)
		places[i] = place{binary.BigEndian.Uint64(head[:]), changes[i].Endpoint, i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return cmp.Or(cmp.Compare(changes[a.index].Key, changes[b.index].Key), cmp.Compare(a.endpoint, b.endpoint),
			cmp.Compare(a.index, b.index))
	})
	return places
}

// ofOneRow returns how many of the first places are of one row.
func ofOneRow(places []place, changes []debt.Change) int {
	n := 1
	for n < len(places) && places[n].endpoint/rowSlots == places[0].endpoint/rowSlots && places[n].head == places[0].head &&
		changes[places[n].index].Key == changes[places[0].index].Key {
		n++
	}
	return n
}

// ofOneDebt returns how many of the first places, of one row, are of one debt.
func ofOneDebt(places []place) int {
	n := 1
	for n < len(places) && places[n].endpoint == places[0].endpoint {
		n++
	}
	return n
}

// owe makes or merges the debts of all changes, which lie at these places.
func (t *txn) owe(changes []debt.Change, places []place, now time.Time) (store.Ingested, error) {
	result := store.Ingested{Due: make(map[uint64]time.Time)}
	t.filings = t.filings[:0]
	for len(places) > 0 {
		n := ofOneRow(places, changes)
		if err := t.oweRow(changes, places[:n], now, &result); err != nil {
			return store.Ingested{}, err
		}
		places = places[n:]
	}
	return result, t.fileAll()
}

// merging is how one debt was made or merged, which often is how the next one is.
type merging struct {
	places  []place // of the changes; none: the next one can't be made so
	from    uint8   // what the row said of the debt before
	course  []byte  // likewise
	debt    stored
	filed   int64 // before
	changed store.Counts
	// What the row says of the debt from now on.
	newCourse, matter []byte
}

// isFrom reports whether the debt in a slot was the same before.
func (o *merging) isFrom(w *row, slot int) bool {
	return o.from == w.of[slot] && (o.from == 0 || bytes.Equal(o.course, w.courses[slot]))
}

// oweRow makes or merges the debts of one row from the changes at these places.
func (t *txn) oweRow(changes []debt.Change, places []place, now time.Time, result *store.Ingested) error {
	key := changes[places[0].index].Key
	w, err := t.rows.load(places[0].endpoint, key)
	if err != nil {
		return err
	}
	var o merging
	for len(places) > 0 {
		n := ofOneDebt(places)
		id, slot := places[0].endpoint, slotOf(places[0].endpoint)
		if len(o.places) == 0 || !o.isFrom(w, slot) || !alike(changes, o.places, places[:n]) {
			if o, err = t.oweOne(w, changes, places[:n], now); err != nil {
				return err
			}
		}
		diff := o.changed
		if w.of[slot] == 0 {
			if w.seqs[slot], err = t.meta.NextSequence(); err != nil {
				return err
			}
			result.Created++
			t.rows.grown += reservedPerDebt + reservedPerShare // it may fail
		}
		result.Merged += diff.Coalesced
		if o.debt.Filed != o.filed {
			t.filings = append(t.filings, filing{id, w.seqs[slot], key, o.filed, o.debt.Filed})
			due := time.Unix(0, o.debt.Filed%filedBehind)
			if first, ok := result.Due[id]; !ok || due.Before(first) {
				result.Due[id] = due
			}
		}
		if err := t.tally.add(id, diff); err != nil {
			return err
		}
		w.put(slot, w.seqs[slot], o.newCourse, o.matter)
		places = places[n:]
	}
	return t.rows.save()
}

// oweOne makes or merges one debt from the changes at these places. It says what that
// comes to, and writes nothing.
func (t *txn) oweOne(w *row, changes []debt.Change, places []place, now time.Time) (merging, error) {
	first := &changes[places[0].index]
	slot := slotOf(first.Endpoint)
	o := merging{places: places, from: w.of[slot], course: w.courses[slot]}
	s := &o.debt
	found, err := w.debt(s, first.Endpoint, first.Key)
	if err != nil {
		return o, err
	}
	var before store.Counts
	merged := places
	if found {
		before = class(s)
	} else {
		*s = stored{Debt: debt.New(debt.NewID(now, t.db.salt, 0), *first, now), Filed: unfiled}
		merged = places[1:]
	}
	for _, p := range merged {
		s.Merge(changes[p.index], now)
	}
	for _, p := range places {
		s.Restored = s.Restored || t.db.doubts(changes[p.index].Event, now)
	}
	if s.Deleting, err = t.deletes(&s.Debt); err != nil {
		return o, err
	}
	if s.Deletes() {
		o.places = nil // another endpoint may track another asset
	}
	o.filed = s.Filed
	s.place(false)
	o.changed = reclassed(before, class(s))
	o.changed.Owed, o.changed.Coalesced = uint64(len(places)), uint64(len(merged))
	o.newCourse, o.matter = encodeShared(make([]byte, 0, 128), s)
	return o, nil
}

// alike reports whether changes mean the same to two endpoints that are owed the
// same.
func alike(changes []debt.Change, a, b []place) bool {
	return slices.EqualFunc(a, b, func(a, b place) bool {
		x, y := &changes[a.index], &changes[b.index]
		return x.Event == y.Event && x.Window == y.Window && x.Background == y.Background && x.Replayed == y.Replayed &&
			x.Fold == nil && y.Fold == nil && bytes.Equal(x.Note, y.Note)
	})
}

func (t *txn) setPositions(sourceName string, positions []source.Position) error {
	for _, p := range positions {
		key := positionKey(sourceName, p.Stream)
		if p.Data == nil {
			if err := t.bucket(bucketPositions).Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := t.bucket(bucketPositions).Put(key, p.Data); err != nil {
			return err
		}
	}
	return nil
}

// maxRejected is how many rejections are kept; beyond it the oldest go. They
// stay in the count.
const maxRejected = 10_000

// reject keeps input that could not be read.
func (t *txn) reject(r *source.Rejection) error {
	seq, err := t.bucket(bucketRejected).NextSequence()
	if err != nil {
		return err
	}
	record, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode rejection: %w", err)
	}
	if err := t.bucket(bucketRejected).Put(seqKey(seq), record); err != nil {
		return err
	}
	if seq > maxRejected {
		return t.bucket(bucketRejected).Delete(seqKey(seq - maxRejected))
	}
	return nil
}
