package bolt

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// makeFormat2 makes of a store what a dz wrote that tracked nothing: without the
// buckets of format 3, with counts of eight numbers, and debts with one byte of
// flags.
func makeFormat2(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range sinceFormat3() {
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
