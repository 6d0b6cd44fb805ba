package bolt

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// makeFormat3 makes of a store what a dz wrote that gave each debt a record of its
// own.
func makeFormat3(t *testing.T, path string) {
	t.Helper()
	err := inDB(func(tx *bbolt.Tx) error {
		debts, err := tx.CreateBucket(bucketDebts)
		if err != nil {
			return err
		}
		err = tx.Bucket(bucketOwed).ForEach(func(k, v []byte) error {
			first, key, err := splitRowKey(k)
			if err != nil {
				return err
			}
			var w row
			if err := w.decode(v); err != nil {
				return err
			}
			for id := first; id < first+rowSlots; id++ {
				var s stored
				if found, err := w.debt(&s, id, key); err != nil {
					return err
				} else if found {
					if err := debts.Put(debtKey(id, key), encodeDebt(&s)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		return errors.Join(err, tx.DeleteBucket(bucketOwed), putUint64(tx.Bucket(bucketMeta), metaFormat, 3))
	})(path)
	if err != nil {
		t.Fatal(err)
	}
}

// makeFormat2 makes of a store what a dz wrote that tracked nothing: without the
// buckets of format 3, with counts of eight numbers, and debts with one byte of
// flags.
func makeFormat2(t *testing.T, path string) {
	t.Helper()
	makeFormat3(t, path)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range sinceFormat[3] {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		counts := tx.Bucket(bucketCounts)
		all := make(map[string][]byte)
		if err := counts.ForEach(func(k, v []byte) error {
			c, err := decodeCounts(v)
			var buf []byte
			for _, n := range []uint64{c.Open, c.Retrying, c.Failed, c.Owed, c.Coalesced, c.Delivered, c.Attempts, c.Dropped} {
				buf = binary.AppendUvarint(buf, n)
			}
			all[string(k)] = buf
			return err
		}); err != nil {
			return err
		}
		for k, v := range all {
			if err := counts.Put([]byte(k), v); err != nil {
				return err
			}
		}
		debts := tx.Bucket(bucketDebts)
		clear(all)
		if err := debts.ForEach(func(k, v []byte) error {
			all[string(k)] = append([]byte{debtVersion2, v[1]}, v[3:]...)
			return nil
		}); err != nil {
			return err
		}
		for k, v := range all {
			if err := debts.Put([]byte(k), v); err != nil {
				return err
			}
		}
		return putUint64(tx.Bucket(bucketMeta), metaFormat, 2)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAStoreOfFormat2IsReadAndTracksFromThenOn(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "dz.db")
	open := func() *DB {
		db, err := Open(path, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	db := open()
	added, err := db.AddEndpoint(ctx, testEndpoint("shop"))
	if err != nil {
		t.Fatal(err)
	}
	id := added.Endpoint.ID
	var changes []debt.Change
	for n := range 3 {
		changes = append(changes, debt.Change{Endpoint: id, Key: debt.Key([]byte{'k', byte('0' + n)}), Event: &event.Event{
			ID: "e", Source: "/dam", Type: "AssetMetadataUpdated", ChangeType: event.AssetChanged,
			Object: event.Object{Kind: event.Asset, ItemID: event.IntID(int64(n)), BaseID: event.IntID(int64(n))},
		}})
	}
	if _, err := db.Ingest(ctx, store.Ingest{Source: "test", Now: now, Revision: added.Revision, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	makeFormat2(t, path)

	db = open()
	claim, err := db.Claim(ctx, store.ClaimRequest{Endpoint: id, Now: now, Limit: 10})
	if err != nil || len(claim.Debts) != 3 {
		t.Fatalf("claimed %d, %v; want the three that were owed", len(claim.Debts), err)
	}
	s := debt.SettlementOf(&claim.Debts[0])
	s.Outcome = attempt.Outcome{Verdict: attempt.Delivered, Started: now}
	s.Acknowledged = &tracking.Acknowledgement{ID: event.IntID(0), State: tracking.State{Text: "x", Given: true}}
	if _, err := db.Settle(ctx, id, []store.Attempt{{Outcome: s.Outcome, Debts: []debt.Settlement{s}}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open()
	tracked, err := db.Tracked(ctx, id, []event.ID{event.IntID(0)})
	if err != nil || len(tracked) != 1 || tracked[0].State.Text != "x" {
		t.Errorf("tracked %+v, %v", tracked, err)
	}
	stats, err := db.Stats(ctx)
	if want := (store.Counts{Open: 2, Tracked: 1, Owed: 3, Delivered: 1}); err != nil || stats.Endpoints[id] != want {
		t.Errorf("counts %+v, %v; want %+v", stats.Endpoints[id], err, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Each debt had a record of its own once: what is owed, to whom, and what became of
// it, is the same after the store was opened.
func TestTheDebtsOfAStoreOfFormat3AreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	id := fillStore(t, path, 30)
	db := mustOpen(t, path)
	other, revision := addEndpoint(t, db, "other")
	mustIngest(t, db, batch(other, revision, noon.Add(time.Hour), 0, upTo(40)...))
	type contents struct {
		Stats    store.Stats
		Failures []debt.Failure
		Retrying []debt.Failure
		Due      [][]debt.Debt
	}
	read := func(db *DB) (c contents) {
		t.Helper()
		var err error
		if c.Stats, err = db.Stats(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Stats.Size = 0
		if c.Failures, _, err = db.Failures(t.Context(), debt.Selection{}, "", 1000); err != nil {
			t.Fatal(err)
		}
		if c.Retrying, _, err = db.Failures(t.Context(), debt.Selection{Retrying: true}, "", 1000); err != nil {
			t.Fatal(err)
		}
		for _, id := range []uint64{id, other} {
			c.Due = append(c.Due, claim(t, db, id, noon.Add(1000*time.Hour), 1000))
		}
		return c
	}
	before := read(db)
	closing(t, db)
	if len(before.Due[1]) != 40 || len(before.Failures) != 10 {
		t.Fatalf("%d are due, and %d failed", len(before.Due[1]), len(before.Failures))
	}
	makeFormat3(t, path)
	if found := examine(t, path); found.Total != 0 || found.Format != 3 {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}

	db = mustOpen(t, path)
	if diff := cmp.Diff(before, read(db), sameID, cmpopts.EquateEmpty(), exceptInherited); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	closing(t, db)
	if found := examine(t, path); found.Total != 0 || found.Format != Format {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}
}

// There is no way back to an older dz, so whoever makes a store one of this format
// can tell.
func TestItIsToldThatAStoreHadAnOlderFormat(t *testing.T) {
	t.Parallel()
	older := filepath.Join(memoryDir(t), "dz.db")
	fillStore(t, older, 10)
	makeFormat3(t, older)
	opened, compacted, kept, failed := copied(t, older), copied(t, older), copied(t, older), copied(t, older)
	for _, want := range []int{3, Format} {
		db := mustOpen(t, opened)
		if got := db.FormatBefore(); got != want {
			t.Errorf("an opened store had format %d, want %d", got, want)
		}
		closing(t, db)
		if done, err := Compact(t.Context(), compacted); err != nil || done.FormatBefore != want {
			t.Errorf("compacting tells %+v, %v; want format %d", done, err, want)
		}
		if done, compacted, err := compactIf(t.Context(), kept, func(*bbolt.DB) bool { return false }, noStep); err != nil || compacted || done.FormatBefore != want {
			t.Errorf("looking whether to compact tells %+v, %v; want format %d", done, err, want)
		}
		fails := func(string) error { return store.ErrFull }
		if done, _, err := compactIf(t.Context(), failed, isAny, fails); !errors.Is(err, store.ErrFull) || done.FormatBefore != want {
			t.Errorf("compacting that fails tells %+v, %v; want format %d", done, err, want)
		}
	}
	done, err := Restore(t.Context(), older, opened, noon)
	if err != nil || done.FormatBefore != 3 || done.Format != Format {
		t.Errorf("restoring tells %+v, %v", done, err)
	}
}

// The debts are moved some at a time. Where a crash ends that, the next start goes
// on, and what lies between is no damage.
func TestAStoreGoesOnBeingMadeOneOfThisFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := mustOpen(t, path)
	id, revision := addEndpoint(t, db, "shop")
	const debts = migratePage + 100
	mustIngest(t, db, batch(id, revision, noon, 0, upTo(debts)...))
	closing(t, db)
	makeFormat3(t, path)
	if err := inDB(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket(bucketOwed); err != nil {
			return err
		}
		more, err := moveDebts(tx)
		if !more && err == nil {
			err = errors.New("all was moved at once")
		}
		return errors.Join(err, putUint64(tx.Bucket(bucketMeta), metaFormat, Format))
	})(path); err != nil {
		t.Fatal(err)
	}
	if found := examine(t, path); found.Total != 0 {
		t.Errorf("faults %+v", found.Faults)
	}
	db = mustOpen(t, path)
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(claim(t, db, id, noon.Add(time.Hour), debts+1)); n != debts {
		t.Errorf("%d debts are due, want %d", n, debts)
	}
}

// A dz of format 3 freed the index of a removed endpoint first, and its debts last.
// Where it was stopped in between, nothing leads to them any more.
func TestAStoreOfFormat3IsReadInTheMiddleOfARemoval(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := mustOpen(t, path)
	gone, _ := addEndpoint(t, db, "gone")
	other, revision := addEndpoint(t, db, "other")
	const debts = 500
	mustIngest(t, db, batch(gone, revision, noon, 0, upTo(debts)...))
	mustIngest(t, db, batch(other, revision, noon, 0, upTo(debts)...))
	if _, err := db.RemoveEndpoint(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	closing(t, db)
	makeFormat3(t, path)
	if err := inDB(func(tx *bbolt.Tx) error {
		cursor, n := tx.Bucket(bucketDue).Cursor(), 0
		for k, _ := cursor.Seek(dueKey(gone, 0, 0)); n < debts-10; k, _ = cursor.Seek(dueKey(gone, 0, 0)) {
			if err := tx.Bucket(bucketDue).Delete(k); err != nil {
				return err
			}
			n++
		}
		return nil
	})(path); err != nil {
		t.Fatal(err)
	}

	db = mustOpen(t, path)
	if err := db.Maintain(t.Context(), noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(claim(t, db, other, noon.Add(time.Hour), 2*debts)); n != debts {
		t.Errorf("%d debts of the other endpoint are due, want %d", n, debts)
	}
	closing(t, db)
	if found := examine(t, path); found.Total != 0 {
		t.Errorf("%d faults, the first %+v", found.Total, found.Faults[0])
	}
}
