package bolt

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

func anyTracked() *rapid.Generator[tracking.Asset] {
	return rapid.Custom(func(t *rapid.T) tracking.Asset {
		a := tracking.Asset{
			ID: anyID().Draw(t, "id"), First: anyTime().Draw(t, "first"), Synced: anyTime().Draw(t, "synced"),
			Syncs: rapid.Uint64().Draw(t, "syncs"), Attempts: rapid.Uint64().Draw(t, "attempts"), Print: rapid.Uint64().Draw(t, "print"),
		}
		copy(a.Digest[:], rapid.SliceOfN(rapid.Byte(), len(a.Digest), len(a.Digest)).Draw(t, "digest"))
		if a.State.Given = rapid.Bool().Draw(t, "given"); a.State.Given {
			a.State.Text = rapid.StringN(0, 2*minPacked, -1).Draw(t, "state")
		}
		return a
	})
}

// A record of either version reads back as it was written; what is cut off within what
// each has is damage.
func TestATrackedAssetReadsBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	chunks, err := newChunkCoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chunks.decoder.Close)
	db := &DB{chunks: chunks}
	rapid.Check(t, func(t *rapid.T) {
		a := anyTracked().Draw(t, "asset")
		record := db.appendTracked(nil, &a)
		head := len(appendTrackedHead(nil, &a))
		if rapid.Bool().Draw(t, "version 1") {
			record, head, a.Print = tracked1(record, head), head-8, 0
		}
		back, err := chunks.decodeTracked(new(states), a.ID, record)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, sameID); diff != "" {
			t.Fatalf("-written +read:\n%s", diff)
		}
		if _, err := chunks.decodeTracked(new(states), a.ID, record[:rapid.IntRange(0, head-1).Draw(t, "cut")]); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("cut off: %v", err)
		}
		forgotten, err := withoutDigest(record)
		if err != nil {
			t.Fatal(err)
		}
		a.Digest, a.Print = tracking.Digest{}, 0
		if back, err = chunks.decodeTracked(new(states), a.ID, forgotten); err != nil || !cmp.Equal(a, back, sameID) {
			t.Fatalf("without its digest: %+v, %v; want %+v", back, err, a)
		}
	})
}

// tracked1 makes of a record, whose head is so long, one of version 1.
func tracked1(record []byte, head int) []byte {
	old := append([]byte{trackedVersion1}, record[1:head-8]...)
	return append(old, record[head:]...)
}

// What a dz of format 5 tracked is read as it was, and gets a print when it is
// acknowledged again.
func TestTheTrackedAssetsOfFormat5AreRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(memoryDir(t), "dz.db")
	db := mustOpen(t, path)
	id, _ := addEndpoint(t, db, "shop")
	ids := []event.ID{event.IntID(1), event.IntID(2)}
	acknowledge := func(at time.Time, ids ...event.ID) {
		t.Helper()
		a := ended(at, attempt.Delivered)
		for _, asset := range ids {
			ack := &tracking.Acknowledgement{ID: asset, Digest: tracking.Digest{3}, Print: 9, State: tracking.State{Text: "s", Given: true}}
			a.Debts = append(a.Debts, debt.Settlement{Key: debt.Key(asset.JSON()), Outcome: a.Outcome, Acknowledged: ack})
		}
		mustSettle(t, db, id, a)
	}
	acknowledge(noon, ids...)
	want, err := db.Tracked(t.Context(), id, ids)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, db)
	makeFormat5(t, path)
	if found := examine(t, path); found.Total != 0 || found.Format != 5 {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}

	db = mustOpen(t, path)
	for i := range want {
		want[i].Print = 0
	}
	got, err := db.Tracked(t.Context(), id, ids)
	if diff := cmp.Diff(want, got, sameID); err != nil || diff != "" {
		t.Errorf("%v, -before +after:\n%s", err, diff)
	}
	acknowledge(noon.Add(time.Hour), ids[1])
	if got, err = db.Tracked(t.Context(), id, ids); err != nil || len(got) != 2 || got[0].Print != 0 || got[1].Print != 9 || got[1].Syncs != 2 {
		t.Errorf("acknowledged again: %+v, %v", got, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	closing(t, db)
	if found := examine(t, path); found.Total != 0 || found.Format != Format {
		t.Errorf("format %d, faults %+v", found.Format, found.Faults)
	}
}

// makeFormat5 makes of a store what a dz wrote whose tracking records had no print.
func makeFormat5(t *testing.T, path string) {
	t.Helper()
	err := inDB(func(tx *bbolt.Tx) error {
		before := make(map[string][]byte)
		tracked := tx.Bucket(bucketTracked)
		err := tracked.ForEach(func(k, v []byte) error {
			_, state, err := decodeTrackedHead(event.ID{}, v)
			before[string(k)] = tracked1(v, len(v)-len(state))
			return err
		})
		for k, v := range before {
			err = errors.Join(err, tracked.Put([]byte(k), v))
		}
		return errors.Join(err, putUint64(tx.Bucket(bucketMeta), metaFormat, 5))
	})(path)
	if err != nil {
		t.Fatal(err)
	}
}
