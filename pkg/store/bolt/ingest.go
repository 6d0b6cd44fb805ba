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
	err := db.updateGrowing(ctx, func(t *txn) error {
		if getUint64(t.meta, metaRevision) != in.Revision {
			return refuse(store.ErrRevision)
		}
		result = store.Ingested{Due: make(map[uint64]time.Time)}
		for places := sorted; len(places) > 0; {
			n := ofOneDebt(places, in.Changes)
			if err := t.owe(in.Changes, places[:n], in.Now, &result); err != nil {
				return err
			}
			places = places[n:]
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
	endpoint uint64
	head     uint64 // the first eight bytes of the key
	index    int
}

// sortChanges returns the places of changes as their debts lie in the file, so
// that each page is come to once, with those of one debt in their order.
func sortChanges(changes []debt.Change) []place {
	places := make([]place, len(changes))
	for i := range changes {
		var head [8]byte
		copy(head[:], changes[i].Key)
		places[i] = place{changes[i].Endpoint, binary.BigEndian.Uint64(head[:]), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		switch {
		case a.endpoint != b.endpoint:
			return cmp.Compare(a.endpoint, b.endpoint)
		case a.head != b.head:
			return cmp.Compare(a.head, b.head)
		default:
			return cmp.Or(cmp.Compare(changes[a.index].Key, changes[b.index].Key), cmp.Compare(a.index, b.index))
		}
	})
	return places
}

// ofOneDebt returns how many of the first places are of one debt.
func ofOneDebt(places []place, changes []debt.Change) int {
	n := 1
	for n < len(places) && places[n].endpoint == places[0].endpoint && places[n].head == places[0].head &&
		changes[places[n].index].Key == changes[places[0].index].Key {
		n++
	}
	return n
}

// owe makes or merges one debt from the changes at these places.
func (t *txn) owe(changes []debt.Change, places []place, now time.Time, result *store.Ingested) error {
	first := &changes[places[0].index]
	var s stored
	found, err := t.loadInto(&s, first.Endpoint, first.Key)
	if err != nil {
		return err
	}
	var before store.Counts
	owed := uint64(len(places))
	if found {
		before = class(&s)
	} else {
		id, err := t.nextID(now)
		if err != nil {
			return err
		}
		s = stored{Debt: debt.New(id, *first, now), Filed: unfiled}
		places = places[1:]
		result.Created++
	}
	result.Merged += uint64(len(places))
	for _, p := range places {
		s.Merge(changes[p.index], now)
	}
	if s.Deleting, err = t.deletes(&s.Debt); err != nil {
		return err
	}
	filed := s.Filed
	if err := t.save(&s, false); err != nil {
		return err
	}
	if s.Filed != filed {
		due := time.Unix(0, s.Filed%filedBehind)
		if first, ok := result.Due[s.Endpoint]; !ok || due.Before(first) {
			result.Due[s.Endpoint] = due
		}
	}
	diff := reclassed(before, class(&s))
	diff.Owed, diff.Coalesced = owed, uint64(len(places))
	return t.tally.add(s.Endpoint, diff)
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
