package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

func TestARowReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type parts struct{ course, matter string }
		want := make(map[int]parts)
		seqs := make(map[int]uint64)
		anyPart := rapid.SampledFrom([]string{"", "a", "b", "c", "long"})
		var w row
		for range rapid.IntRange(1, 40).Draw(t, "changes") {
			slot := rapid.IntRange(0, rowSlots-1).Draw(t, "slot")
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				w.remove(slot)
				delete(want, slot)
				continue
			}
			seqs[slot] = rapid.Uint64().Draw(t, "number")
			want[slot] = parts{"v" + anyPart.Draw(t, "course"), anyPart.Draw(t, "matter")}
			w.put(slot, seqs[slot], []byte(want[slot].course), []byte(want[slot].matter))
		}
		encoded := w.encode(nil)
		var back row
		if err := back.decode(encoded); err != nil {
			t.Fatal(err)
		}
		if back.isEmpty() != (len(want) == 0) {
			t.Fatalf("empty=%v with %d debts", back.isEmpty(), len(want))
		}
		matters := make(map[string]bool)
		for slot := range rowSlots {
			debt, there := want[slot]
			if !there {
				if back.of[slot] != 0 {
					t.Fatalf("slot %d has a debt", slot)
				}
				continue
			}
			matters[debt.matter] = true
			if got := (parts{string(back.courses[slot]), string(back.matters[back.of[slot]-1])}); got != debt || back.seqs[slot] != seqs[slot] {
				t.Fatalf("slot %d has %q, number %d; want %q, %d", slot, got, back.seqs[slot], debt, seqs[slot])
			}
		}
		if n := back.count(); n != len(matters) {
			t.Fatalf("%d matters, want %d", n, len(matters))
		}
		cut := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")
		if err := back.decode(encoded[:cut]); err == nil && bytes.Equal(back.encode(nil), encoded) {
			t.Fatalf("%d of %d bytes are taken for all", cut, len(encoded))
		}
	})
}

// count is how many matters a row has.
func (w *row) count() (n int) {
	shared := w.uses()
	for i := range w.matters {
		if shared[i+1] > 0 {
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
			course, matter := encodeShared(nil, s)
			w.put(slot*2, s.ID.Seq(), course, matter)
		}
		f.Add(w.encode(nil))
		f.Add(encodeRow1(&w))
	}
	f.Add([]byte{rowVersion})
	f.Add([]byte{rowVersion + 1})
	f.Add(rowWithoutCourse())
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
				(w.seqs[slot] != back.seqs[slot] || !bytes.Equal(w.courses[slot], back.courses[slot]) ||
					!bytes.Equal(w.matters[w.of[slot]-1], back.matters[back.of[slot]-1])) {
				t.Fatalf("slot %d reads back differently", slot)
			}
		}
	})
}

// rowWithoutCourse is a row whose first debt takes over the course of the one before,
// where there is none.
func rowWithoutCourse() []byte { return []byte{rowVersion, 1, 'm', 2, 8, 0, 0, 3, 0, 1, 'c'} }

// A debt that has no course must not be given that of another one, when that is
// changed.
func TestARowInWhichADebtHasNoCourseIsDamaged(t *testing.T) {
	t.Parallel()
	var w row
	if err := w.decode(rowWithoutCourse()); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("read with %v; then it is %q", err, w.encode(nil))
	}
}

// encodeRow1 writes a row as a dz of format 4 did: what shares a record is alike in
// its course, too.
func encodeRow1(w *row) []byte {
	type sharing struct {
		record string
		slots  []int
	}
	var shared []sharing
	for slot := range rowSlots {
		if w.of[slot] == 0 {
			continue
		}
		record := string(w.courses[slot]) + string(w.matters[w.of[slot]-1])
		at := slices.IndexFunc(shared, func(s sharing) bool { return s.record == record })
		if at < 0 {
			at, shared = len(shared), append(shared, sharing{record: record})
		}
		shared[at].slots = append(shared[at].slots, slot)
	}
	buf := []byte{rowVersion1}
	for _, s := range shared {
		buf = binary.AppendUvarint(appendString(buf, s.record), uint64(len(s.slots)))
		seq := uint64(0)
		for _, slot := range s.slots {
			buf = binary.AppendUvarint(append(buf, byte(slot)), zigzag(w.seqs[slot]-seq))
			seq = w.seqs[slot]
		}
	}
	return buf
}

// rowsOf returns how many rows there are of keys, and how many matters in them.
func rowsOf(t *testing.T, db *DB, keys ...debt.Key) (rows, matters int) {
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
				matters += w.count()
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, matters
}

// Endpoints that want the same share what they are to be told, also when one of them
// takes another course; that is no business of the others.
func TestEndpointsThatWantTheSameShareWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	s := &benchStore{DB: db}
	for n := range rowSlots - 1 { // ids begin with 1
		id, revision := addEndpoint(t, db, fmt.Sprintf("shop%d", n))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	check := func(what string) {
		t.Helper()
		if rows, matters := rowsOf(t, db, keyOf(1)); rows != 1 || matters != 1 {
			t.Errorf("%s: %d rows with %d matters, want 1 with 1", what, rows, matters)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	mustIngest(t, db, s.batch(noon, []int{1}))
	check("owed")
	mustIngest(t, db, s.batch(noon.Add(time.Second), []int{1}))
	check("merged")

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
	check("claimed")
	mustSettle(t, db, first, ended(now, attempt.Refused, claim(t, db, first, now, 1)...))
	check("one has failed")
	mustSettle(t, db, second, ended(now, attempt.Delivered, claim(t, db, second, now, 1)...))
	check("one is told")
	mustIngest(t, db, s.batch(now, []int{1}))
	check("changed again")
	if _, err := db.RemoveEndpoint(t.Context(), "shop2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Maintain(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	check("one is removed")
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
func TestManyEndpointsShareFewRows(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	s := &benchStore{DB: db}
	for n := range 5*rowSlots - 1 {
		id, revision := addEndpoint(t, db, fmt.Sprintf("shop%d", n))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	mustIngest(t, db, s.batch(noon, []int{1, 2}))
	if rows, matters := rowsOf(t, db, keyOf(1), keyOf(2)); rows != 10 || matters != 10 {
		t.Errorf("%d rows with %d matters", rows, matters)
	}
	for _, id := range s.endpoints {
		if due := claim(t, db, id, noon.Add(time.Hour), 8); len(due) != 2 {
			t.Fatalf("endpoint %d is owed %d", id, len(due))
		}
	}
}

// What a dz of format 4 wrote is read as it was, and written anew when it changes.
func TestARowOfFormat4IsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := mustOpen(t, path)
	s := &benchStore{DB: db}
	for n := range 3 {
		id, revision := addEndpoint(t, db, fmt.Sprintf("shop%d", n))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	mustIngest(t, db, s.batch(noon, []int{1, 2}))
	now := noon.Add(time.Hour)
	mustSettle(t, db, s.endpoints[0], ended(now, attempt.Refused, claim(t, db, s.endpoints[0], now, 1)...))
	want := make(map[uint64][]debt.Debt)
	now = now.Add(time.Hour)
	for _, id := range s.endpoints {
		want[id] = claim(t, db, id, now, 8)
	}
	closing(t, db)
	makeFormat4(t, path)
	if found := examine(t, path); found.Total != 0 || found.Format != 4 {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}

	db = mustOpen(t, path)
	for _, id := range s.endpoints {
		debts := claim(t, db, id, now, 8)
		if diff := cmp.Diff(want[id], debts, sameID, cmpopts.EquateEmpty(), exceptInherited); diff != "" {
			t.Errorf("endpoint %d, -before +after:\n%s", id, diff)
		}
		mustSettle(t, db, id, ended(now, attempt.Refused, debts...))
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if rows, matters := rowsOf(t, db, keyOf(1), keyOf(2)); rows != 2 || matters != 2 {
		t.Errorf("%d rows with %d matters, want 2 with 2", rows, matters)
	}
	closing(t, db)
	if found := examine(t, path); found.Total != 0 || found.Format != Format {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}
}

// makeFormat4 makes of a store what a dz wrote whose debts shared records as a whole.
func makeFormat4(t *testing.T, path string) {
	t.Helper()
	err := inDB(func(tx *bbolt.Tx) error {
		before := make(map[string][]byte)
		owed := tx.Bucket(bucketOwed)
		err := owed.ForEach(func(k, v []byte) error {
			var w row
			err := w.decode(v)
			before[string(k)] = encodeRow1(&w)
			return err
		})
		for k, v := range before {
			err = errors.Join(err, owed.Put([]byte(k), v))
		}
		return errors.Join(err, putUint64(tx.Bucket(bucketMeta), metaFormat, 4))
	})(path)
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRow puts a debt into a row of its own, and encodes it.
func BenchmarkRow(b *testing.B) {
	course, matter := make([]byte, 40), make([]byte, 60)
	var w row
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		w.put(1, 17, course, matter)
		buf = w.encode(buf[:0])
		w.remove(1)
	}
}
