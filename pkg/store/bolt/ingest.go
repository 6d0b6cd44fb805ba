package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

// Ingest makes a batch durable: its debts, what is remembered of it, and its
// positions, in one transaction. So a position never runs ahead of what it
// stands for, whenever the process ends.
func (db *DB) Ingest(ctx context.Context, in store.Ingest) (store.Ingested, error) {
	chunk := db.makeChunk(in)
	groups := groupChanges(in.Changes)
	var result store.Ingested
	err := db.updateGrowing(ctx, func(t *txn) error {
		if getUint64(t.meta, metaRevision) != in.Revision {
			return refuse(store.ErrRevision)
		}
		result = store.Ingested{Due: make(map[uint64]time.Time)}
		for _, g := range groups {
			if err := t.owe(g, in.Now, &result); err != nil {
				return err
			}
		}
		t.totals.latest = max(t.totals.latest, uint64(nanos(in.Now)))
		t.totalsDirty = true
		if !in.Replayed {
			t.totals.ingested += uint64(len(in.Events))
			t.totals.rejected += uint64(len(in.Rejected))
			t.totalsDirty = true
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

// changeGroup holds the changes that make one debt, in their order.
type changeGroup struct {
	endpoint uint64
	key      debt.Key
	changes  []debt.Change
}

// groupChanges gathers the changes of each debt, so that it is read and written
// once, and sorts the debts as they lie in the file.
func groupChanges(changes []debt.Change) []changeGroup {
	type name struct {
		endpoint uint64
		key      debt.Key
	}
	at := make(map[name]int, len(changes))
	groups := make([]changeGroup, 0, len(changes))
	for i := range changes {
		n := name{changes[i].Endpoint, changes[i].Key}
		index, ok := at[n]
		if !ok {
			index = len(groups)
			at[n] = index
			groups = append(groups, changeGroup{endpoint: n.endpoint, key: n.key})
		}
		groups[index].changes = append(groups[index].changes, changes[i])
	}
	slices.SortFunc(groups, func(a, b changeGroup) int {
		if a.endpoint != b.endpoint {
			if a.endpoint < b.endpoint {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a.key), string(b.key))
	})
	return groups
}

// owe makes or merges one debt.
func (t *txn) owe(g changeGroup, now time.Time, result *store.Ingested) error {
	s, err := t.load(g.endpoint, g.key)
	if err != nil {
		return err
	}
	changes := g.changes
	before := class(s)
	diff := store.Counts{Owed: uint64(len(changes))}
	if s == nil {
		id, err := t.nextID(now)
		if err != nil {
			return err
		}
		s = &stored{Debt: debt.New(id, changes[0], now), Filed: unfiled}
		changes = changes[1:]
		result.Created++
	}
	diff.Coalesced = uint64(len(changes))
	result.Merged += diff.Coalesced
	for _, c := range changes {
		s.Merge(c, now)
	}
	filed := s.Filed
	if err := t.save(s, false); err != nil {
		return err
	}
	if s.Filed != filed {
		due := time.Unix(0, s.Filed)
		if first, ok := result.Due[g.endpoint]; !ok || due.Before(first) {
			result.Due[g.endpoint] = due
		}
	}
	if err := t.count(g.endpoint, diff); err != nil {
		return err
	}
	return t.recount(g.endpoint, before, s)
}

func (t *txn) setPositions(sourceName string, positions []source.Position) error {
	for _, p := range positions {
		key := positionKey(sourceName, p.Stream)
		if p.Data == nil {
			if err := t.positions.Delete(key); err != nil {
				return err
			}
			continue
		}
		if err := t.positions.Put(key, p.Data); err != nil {
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
	seq, err := t.rejected.NextSequence()
	if err != nil {
		return err
	}
	record, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode rejection: %w", err)
	}
	if err := t.rejected.Put(seqKey(seq), record); err != nil {
		return err
	}
	if seq > maxRejected {
		return t.rejected.Delete(seqKey(seq - maxRejected))
	}
	return nil
}
