package bolt

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// first returns the first debt that pick accepts, and the key of its row.
func first(tx *bbolt.Tx, pick func(*stored) bool) (key []byte, s *stored) {
	cursor := tx.Bucket(bucketOwed).Cursor()
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		id, key, err := splitRowKey(k)
		if err != nil {
			panic(err)
		}
		var w row
		if err := w.decode(v); err != nil {
			panic(err)
		}
		for end := id + rowSlots; id < end; id++ {
			s := new(stored)
			if found, err := w.debt(s, id, key); err == nil && found && pick(s) {
				return k, s
			}
		}
	}
	panic("no such debt")
}

func anyOne(*stored) bool       { return true }
func isOpen(s *stored) bool     { return !s.Failed && !s.Troubled }
func isTroubled(s *stored) bool { return s.Troubled && !s.Failed }
func isFailed(s *stored) bool   { return s.Failed }

// changeDebt writes a debt with a change that nothing else knows of.
func changeDebt(pick func(*stored) bool, change func(*stored)) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		_, s := first(tx, pick)
		change(s)
		r := newRows(tx.Bucket(bucketOwed))
		course, matter := encodeShared(nil, s)
		return r.put(s, course, matter)
	}
}

// changeCounts writes the counts of an endpoint, 0 for all.
func changeCounts(id uint64, change func(*store.Counts)) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		counts := tx.Bucket(bucketCounts)
		c, err := decodeCounts(counts.Get(endpointKey(id)))
		if err != nil {
			return err
		}
		change(&c)
		return counts.Put(endpointKey(id), encodeCounts(&c))
	}
}

// Check is what all other tests trust, so it must find each kind of fault.
func TestCheckFindsWhatDoesNotFitTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		plant func(*bbolt.Tx) error
		want  string
	}{
		{"a debt that is not filed", func(tx *bbolt.Tx) error {
			_, s := first(tx, isOpen)
			return tx.Bucket(bucketDue).Delete(dueKey(s.Endpoint, s.Filed, s.ID.Seq()))
		}, "is not in the index of what is due"},
		{"a debt filed after it is due", changeDebt(isOpen, func(s *stored) { s.Due = s.Due.Add(-1) }), "after it is due"},
		{"a debt filed twice", func(tx *bbolt.Tx) error {
			_, s := first(tx, isOpen)
			return tx.Bucket(bucketDue).Put(dueKey(s.Endpoint, s.Filed-1, s.ID.Seq()), []byte(s.Key))
		}, "stands twice in the index"},
		{"an entry of the index without a debt", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketDue).Put(dueKey(2, 1, 999), []byte("nobody"))
		}, "names a debt of endpoint 2 that is not there"},
		{"a failure that is filed", changeDebt(isFailed, func(s *stored) { s.Filed = 5 }), "is failed=true and filed at 5"},
		{"a failure that is none", changeDebt(isFailed, func(s *stored) { s.Failed = false }), "is failed=false and filed at -1"},
		{"trouble that is missing", func(tx *bbolt.Tx) error {
			_, s := first(tx, isTroubled)
			return tx.Bucket(bucketTrouble).Delete(troubleKey(s.Endpoint, s.ID.Seq()))
		}, "is troubled=true, and its trouble record exists=false"},
		{"trouble that is too much", func(tx *bbolt.Tx) error {
			_, s := first(tx, isOpen)
			return tx.Bucket(bucketTrouble).Put(troubleKey(s.Endpoint, s.ID.Seq()), encodeTrouble(s.Key, attempt.Outcome{}))
		}, "is troubled=false, and its trouble record exists=true"},
		{"trouble of no debt", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketTrouble).Put(troubleKey(2, 999), encodeTrouble("nobody", attempt.Outcome{}))
		}, "that is not there"},
		{"trouble that can't be read", func(tx *bbolt.Tx) error {
			_, s := first(tx, isTroubled)
			return tx.Bucket(bucketTrouble).Put(troubleKey(s.Endpoint, s.ID.Seq()), []byte{99})
		}, "trouble record has version 99"},
		{"a debt that can't be read", func(tx *bbolt.Tx) error {
			key, _ := first(tx, anyOne)
			return tx.Bucket(bucketOwed).Put(key, []byte{rowVersion, 0, 1, 2, 2, 3, debtVersion, 0, 1})
		}, "debt record"},
		{"a debt with half a key", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketOwed).Put([]byte{1}, []byte{1})
		}, "debt key of 1 bytes"},
		{"a row that can't be read", func(tx *bbolt.Tx) error {
			key, _ := first(tx, anyOne)
			return tx.Bucket(bucketOwed).Put(key, []byte{rowVersion, 9})
		}, "a row of debts"},
		{"a row without debts", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketOwed).Put(appendRowKey(nil, 2, "nobody"), []byte{rowVersion})
		}, "a row of debts holds none"},
		{"a wrong count of open debts", changeCounts(2, func(c *store.Counts) { c.Open++; c.Owed++ }), "counted are"},
		{"a wrong count of retried debts", changeCounts(2, func(c *store.Counts) { c.Retrying-- }), "counted are"},
		{"a wrong count of failures", changeCounts(2, func(c *store.Counts) { c.Failed--; c.Owed-- }), "counted are"},
		{"counts that do not add up", changeCounts(2, func(c *store.Counts) { c.Delivered++ }), "do not add up"},
		{"totals that do not add up", changeCounts(0, func(c *store.Counts) { c.Coalesced++ }), "do not add up"},
		{"totals of other debts", changeCounts(0, func(c *store.Counts) { c.Open--; c.Owed-- }), "all endpoints"},
		{"counts that can't be read", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketCounts).Put(endpointKey(2), []byte{1})
		}, "counts"},
		{"an endpoint that can't be read", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketEndpoints).Put(endpointKey(2), []byte("{"))
		}, "endpoint"},
		{"a name without an endpoint", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketNames).Put([]byte("nobody"), endpointKey(77))
		}, "belongs to no endpoint"},
		{"a chunk of events that can't be read", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketEvents).Put(seqKey(10_000), []byte{chunkVersion, chunkCompressed, 0, 1, 0, 7})
		}, "chunk of events"},
		{"an asset that can't be read", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketAssets).Put(assetKey(event.IntID(3)), []byte{assetVersion, 0})
		}, "record of an asset"},
		{"an asset with data that can't be unpacked", func(tx *bbolt.Tx) error {
			a := catalogue.Asset{Data: []byte{packedCompressed, 1, 2, 3}}
			return tx.Bucket(bucketAssets).Put(assetKey(event.IntID(3)), encodeAsset(a))
		}, "an asset's data"},
		{"an asset whose data is no object", func(tx *bbolt.Tx) error {
			a := catalogue.Asset{Data: []byte{packedPlain, '[', ']'}}
			return tx.Bucket(bucketAssets).Put(assetKey(event.IntID(3)), encodeAsset(a))
		}, "the data of asset 3 is no JSON object"},
		{"an asset under a key that is no id's", func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketAssets).Put([]byte{0, 2, '3'}, encodeAsset(catalogue.Asset{}))
		}, "the key of asset 3 is not its own"},
		{"bytes of events miscounted", func(tx *bbolt.Tx) error {
			k, _ := tx.Bucket(bucketEvents).Cursor().First()
			return tx.Bucket(bucketEvents).Delete(k)
		}, "recent events are counted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(memoryDir(t), "dz.db")
			fillStore(t, path, 30)
			if err := inDB(c.plant)(path); err != nil {
				t.Fatal(err)
			}
			err := mustOpen(t, path).Check(t.Context())
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestCheckNamesAFewOfManyFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	fillStore(t, path, 300)
	if err := inDB(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(bucketDue); err != nil {
			return err
		}
		_, err := tx.CreateBucket(bucketDue)
		return err
	})(path); err != nil {
		t.Fatal(err)
	}
	err := mustOpen(t, path).Check(t.Context())
	if err == nil || strings.Count(err.Error(), "\n") != maxFaults-1 {
		t.Errorf("got %v, want %d faults", err, maxFaults)
	}
}
