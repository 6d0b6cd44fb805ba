package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// snapshots are n assets with data as a DAM's, some deleted.
func snapshots(n int) []catalogue.Asset {
	assets := make([]catalogue.Asset, n)
	for i := range assets {
		assets[i] = catalogue.Asset{
			ID: event.IntID(int64(i)), ItemID: event.IntID(int64(i + 1000)), Changed: noon, Deleted: i%5 == 4,
			Data: fmt.Appendf(nil, `{"assetId":%d,"title":"Figure %d","metadata":{"keywords":%q}}`, i, i, strings.Repeat("river, boat, ", i%40)),
		}
	}
	return assets
}

func TestASnapshotIsCompressedWhereThatPays(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(memoryDir(t), "dz.db"))
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = '!' + byte(i*i*7919>>5)%90
	}
	for _, c := range []struct {
		name, data string
		most       int // bytes, packed
	}{
		{"nothing", "", 0},
		{"a small one", `{"title":"A"}`, 14},
		{"one that can't be compressed", string(noise), 301},
		{"a common one", `{"keywords":"` + strings.Repeat("river, boat, ", 100) + `"}`, 100},
	} {
		packed := db.pack(json.RawMessage(c.data))
		if len(packed) > c.most {
			t.Errorf("%s: %d bytes of %d, want at most %d", c.name, len(packed), len(c.data), c.most)
		}
		if back, err := db.chunks.unpack(nil, packed); err != nil || string(back) != c.data {
			t.Errorf("%s: unpacked to %q, %v", c.name, back, err)
		}
	}
}

// A batch that comes in again must not cost a write.
func TestWhatIsKnownAlreadyIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(memoryDir(t), "dz.db"))
	assets := snapshots(5000)
	allocated := func() int64 {
		before := db.bolt.Stats()
		if _, err := db.ImportAssets(t.Context(), assets, noon); err != nil {
			t.Fatal(err)
		}
		after := db.bolt.Stats()
		return after.TxStats.GetPageCount() - before.TxStats.GetPageCount()
	}
	first := allocated()
	if again := allocated(); again > first/10 {
		t.Errorf("%d pages are written for nothing new, and %d for all", again, first)
	}
}

func FuzzDecodeAsset(f *testing.F) {
	db := mustOpen(f, filepath.Join(f.TempDir(), "dz.db"))
	for _, a := range snapshots(50) {
		a.Data = db.pack(a.Data)
		f.Add(encodeAsset(a))
	}
	f.Add(encodeAsset(catalogue.Asset{Deleted: true}))
	f.Add(encodeAsset(catalogue.Asset{Data: db.packData([]byte(`{"metadata":{"a":"` + strings.Repeat("b", minSplit) + `"}}`))}))
	f.Add([]byte{assetVersion, 0, 0, 0, 0, 9})
	id := event.IntID(7)
	f.Fuzz(func(t *testing.T, record []byte) {
		a, err := db.chunks.readAsset(catalogue.Whole, id, record)
		if err != nil {
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		packed := a
		packed.Data = db.packData(a.Data)
		back, err := db.chunks.readAsset(catalogue.Whole, id, encodeAsset(packed))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Data) == 0 {
			a.Data = nil // plain data of no bytes
		}
		if diff := cmp.Diff(a, back, sameID); diff != "" {
			t.Fatal(diff)
		}
	})
}

// BenchmarkLearn keeps a batch of 1,000 snapshots, of so many assets.
func BenchmarkLearn(b *testing.B) {
	for _, of := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("assets=%d", of), func(b *testing.B) {
			s := openBench(b, Options{NoSync: true}, 0)
			assets := snapshots(1000)
			now, from := noon, 0
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				for i, n := range items(from, len(assets), of) {
					assets[i].ID, assets[i].Changed = event.IntID(int64(n)), now
				}
				from += len(assets)
				mustIngest(b, s.DB, store.Ingest{Source: "spool", Now: now, Revision: s.revision, Assets: assets})
			}
			b.ReportMetric(float64(from)/b.Elapsed().Seconds(), "assets/s")
		})
	}
}

// What nobody looks at of an asset is not read: damage in it goes unseen.
func TestAnOutlineLeavesTheMetadataUnread(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "dz.db"))
	for _, inside := range []string{strings.Repeat(`"x":"again and again",`, 100), strings.Repeat(`"x":1,`, 10)} {
		data := `{"a":1,"metadata":{` + inside + `"y":2},"b":2}`
		packed := db.packData([]byte(data))
		whole, err := db.chunks.unpackData(nil, catalogue.Whole, packed)
		if err != nil || string(whole) != data {
			t.Fatalf("%.80s, %v", whole, err)
		}
		outline, err := db.chunks.unpackData(nil, catalogue.Outline, packed)
		if large := len(inside) > minSplit; err != nil || large != (string(outline) == `{"a":1,"metadata":{},"b":2}`) {
			t.Errorf("the outline is %.80s, %v", outline, err)
		}
		if bare, err := db.chunks.unpackData(nil, catalogue.Bare, packed); bare != nil || err != nil {
			t.Errorf("no data is %.80s, %v", bare, err)
		}
		for i := range packed {
			for _, part := range []catalogue.Part{catalogue.Whole, catalogue.Outline} {
				if cut, err := db.chunks.unpackData(nil, part, packed[:i]); err == nil && len(cut) >= len(data) {
					t.Errorf("%d of %d bytes were unpacked as %.80s", i, len(packed), cut)
				} else if err != nil && !errors.Is(err, store.ErrDamaged) {
					t.Errorf("%d of %d bytes: %v", i, len(packed), err)
				}
			}
		}
	}
}
