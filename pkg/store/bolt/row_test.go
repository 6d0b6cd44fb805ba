package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

func TestARowReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := make(map[int]string)
		seqs := make(map[int]uint64)
		var w row
		for range rapid.IntRange(1, 40).Draw(t, "changes") {
			slot := rapid.IntRange(0, rowSlots-1).Draw(t, "slot")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				w.remove(slot)
				delete(want, slot)
				continue
			}
			seqs[slot] = rapid.Uint64().Draw(t, "number")
			want[slot] = rapid.SampledFrom([]string{"", "a", "b", "c", "long"}).Draw(t, "record")
			w.put(slot, seqs[slot], []byte(want[slot]))
		}
		encoded := w.encode(nil)
		var back row
		if err := back.decode(encoded); err != nil {
			t.Fatal(err)
		}
		if back.isEmpty() != (len(want) == 0) {
			t.Fatalf("empty=%v with %d debts", back.isEmpty(), len(want))
		}
		records := make(map[string]bool)
		for slot := range rowSlots {
			record, there := want[slot]
			if !there {
				if back.of[slot] != 0 {
					t.Fatalf("slot %d has a debt", slot)
				}
				continue
			}
			records[record] = true
			if got := string(back.records[back.of[slot]-1]); got != record || back.seqs[slot] != seqs[slot] {
				t.Fatalf("slot %d has %q, number %d; want %q, %d", slot, got, back.seqs[slot], record, seqs[slot])
			}
		}
		if n := back.count(); n != len(records) {
			t.Fatalf("%d records, want %d", n, len(records))
		}
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		if err := back.decode(encoded[:cut]); err == nil && bytes.Equal(back.encode(nil), encoded) {
			t.Fatalf("%d of %d bytes are taken for all", cut, len(encoded))
		}
	})
}

// count is how many records a row has.
func (w *row) count() (n int) {
	for i := range w.records {
		if w.uses(i) > 0 {
			n++
		}
	}
	return n
}

func FuzzDecodeRow(f *testing.F) {
	for seed := range 20 {
		var w row
		for slot := range rowSlots / 2 {
			s := anyDebt().Example(seed + slot/3)
			w.put(slot*2, s.ID.Seq(), encodeShared(nil, s))
		}
		f.Add(w.encode(nil))
	}
	f.Add([]byte{rowVersion})
	f.Add([]byte{rowVersion + 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		var w, back row
		if err := w.decode(value); err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if err := back.decode(w.encode(nil)); err != nil {
			t.Fatal(err)
		}
		for slot := range rowSlots {
			if (w.of[slot] == 0) != (back.of[slot] == 0) || w.of[slot] != 0 &&
				(w.seqs[slot] != back.seqs[slot] || !bytes.Equal(w.records[w.of[slot]-1], back.records[back.of[slot]-1])) {
				t.Fatalf("slot %d reads back differently", slot)
			}
		}
	})
}

// rowsOf returns how many rows there are of keys, and how many records in them.
func rowsOf(t *testing.T, db *DB, keys ...debt.Key) (rows, records int) {
	t.Helper()
	err := db.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketOwed).ForEach(func(k, v []byte) error {
			_, key, err := splitRowKey(k)
			if err != nil {
				return err
			}
			for _, wanted := range keys {
				if key != wanted {
					continue
				}
				var w row
				if err := w.decode(v); err != nil {
					return err
				}
				rows++
				records += w.count()
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, records
}

// Endpoints that want the same share what they are owed, until one of them takes
// another course; that is then no business of the others.
func TestEndpointsThatWantTheSameShareARecord(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	s := &benchStore{DB: db}
	for n := range rowSlots - 1 { // ids begin with 1
		id, revision := addEndpoint(t, db, fmt.Sprintf("shop%d", n))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	check := func(what string, wantRecords int) {
		t.Helper()
		if rows, records := rowsOf(t, db, keyOf(1)); rows != 1 || records != wantRecords {
			t.Errorf("%s: %d rows with %d records, want 1 with %d", what, rows, records, wantRecords)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	mustIngest(t, db, s.batch(noon, []int{1}))
	check("owed", 1)
	mustIngest(t, db, s.batch(noon.Add(time.Second), []int{1}))
	check("merged", 1)

	now := noon.Add(time.Hour)
	first, second, third := s.endpoints[0], s.endpoints[1], s.endpoints[2]
	ids := make(map[debt.ID]bool)
	for _, id := range s.endpoints {
		for _, d := range claim(t, db, id, now, 8) { // files it anew, where it is due
			ids[d.ID] = true
		}
	}
	if len(ids) != len(s.endpoints) {
		t.Errorf("%d endpoints, and %d ids of debts", len(s.endpoints), len(ids))
	}
	check("claimed", 1)
	mustSettle(t, db, first, ended(now, attempt.Refused, claim(t, db, first, now, 1)...))
	check("one has failed", 2)
	mustSettle(t, db, second, ended(now, attempt.Delivered, claim(t, db, second, now, 1)...))
	check("one is told", 2)
	mustIngest(t, db, s.batch(now, []int{1}))
	check("changed again", 3)
	if _, err := db.RemoveEndpoint(t.Context(), "shop2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Maintain(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	check("one is removed", 3)
	now = now.Add(time.Hour)
	for _, id := range s.endpoints {
		due := claim(t, db, id, now, 8)
		switch {
		case id == third && len(due) == 0:
		case len(due) != 1:
			t.Fatalf("endpoint %d is owed %d", id, len(due))
		default:
			want := uint64(3)
			if id == second {
				want = 1 // it was told the others
			}
			if due[0].Count != want || (due[0].Attempts > 0) != (id == first) {
				t.Errorf("endpoint %d is owed %d changes after %d attempts", id, due[0].Count, due[0].Attempts)
			}
			mustSettle(t, db, id, ended(now, attempt.Delivered, due...))
		}
	}
	if rows, _ := rowsOf(t, db, keyOf(1)); rows != 0 {
		t.Errorf("%d rows are left of what was told", rows)
	}
}

// More endpoints than a row has room for have more rows, side by side.
func TestManyEndpointsShareFewRecords(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	s := &benchStore{DB: db}
	for n := range 5*rowSlots - 1 {
		id, revision := addEndpoint(t, db, fmt.Sprintf("shop%d", n))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	mustIngest(t, db, s.batch(noon, []int{1, 2}))
	if rows, records := rowsOf(t, db, keyOf(1), keyOf(2)); rows != 10 || records != 10 {
		t.Errorf("%d rows with %d records", rows, records)
	}
	for _, id := range s.endpoints {
		if due := claim(t, db, id, noon.Add(time.Hour), 8); len(due) != 2 {
			t.Fatalf("endpoint %d is owed %d", id, len(due))
		}
	}
}
