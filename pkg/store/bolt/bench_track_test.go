package bolt

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// benchTracked has an endpoint track so many assets, and returns their ids.
func (s *benchStore) benchTracked(b *testing.B, assets int) []event.ID {
	b.Helper()
	ids := make([]event.ID, assets)
	known := make([]catalogue.Asset, assets)
	for i := range ids {
		ids[i] = event.IntID(int64(10_000 + i))
		known[i] = catalogue.Asset{ID: ids[i], ItemID: event.IntID(int64(7_000_000 + i)), Changed: noon, Data: []byte(`{"title":"Sea"}`)}
	}
	if _, err := s.ImportAssets(b.Context(), known, noon); err != nil {
		b.Fatal(err)
	}
	s.acknowledged(b, noon, ids)
	return ids
}

// acknowledged settles requests of 200 assets that an endpoint has acknowledged, of which
// nothing is owed any more.
func (s *benchStore) acknowledged(b *testing.B, now time.Time, ids []event.ID) {
	b.Helper()
	for part := range slices.Chunk(ids, 200) {
		a := store.Attempt{Outcome: attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200, Started: now}}
		for _, id := range part {
			ack := &tracking.Acknowledgement{ID: id, State: tracking.State{Text: `{"row": ` + id.JSON() + `, "revision": 1, "by": "shop"}`, Given: true}}
			a.Debts = append(a.Debts, debt.Settlement{Key: debt.Key(id.JSON()), Outcome: a.Outcome, Acknowledged: ack})
		}
		mustSettle(b, s.DB, s.endpoints[0], a)
	}
}

// BenchmarkTrack goes by requests of 200 through what is known and tracked of 20,000
// assets: as they are acknowledged again, and as they are read to be told. One turn is
// all of them.
func BenchmarkTrack(b *testing.B) {
	const assets, request = 20_000, 200
	s := openBench(b, Options{NoSync: true}, 1)
	ids := s.benchTracked(b, assets)
	for _, c := range []struct {
		name string
		do   func(part []event.ID) error
	}{
		{"acknowledge", func(part []event.ID) error { s.acknowledged(b, noon, part); return nil }},
		{"tracked", func(part []event.ID) error { _, err := s.Tracked(b.Context(), s.endpoints[0], part); return err }},
		{"assets", func(part []event.ID) error { _, err := s.AssetParts(b.Context(), catalogue.Outline, part); return err }},
		{"list", func(part []event.ID) error {
			_, _, err := s.ListAssetParts(b.Context(), catalogue.Bare, part[0].JSON(), request)
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for part := range slices.Chunk(ids, request) {
					if err := c.do(part); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/assets, "µs/asset")
		})
	}
}

// BenchmarkBareResync does with bbolt alone, by requests of 200 assets, what a
// synchronisation of tracked assets can't do without: to replace each asset's
// tracking record; and, owed, to put its debt and the debt's place in the index, by
// pages of 1,000, and to take both out again. One turn is all of 20,000 assets.
func BenchmarkBareResync(b *testing.B) {
	const assets, page, request = 20_000, 1000, 200
	for _, owed := range []bool{false, true} {
		b.Run("owed="+strconv.FormatBool(owed), func(b *testing.B) {
			bare := openBare(b)
			tracked, owing, due := make([][]byte, assets), make([][]byte, assets), make([][]byte, assets)
			for i := range assets {
				id := event.IntID(int64(10_000 + i))
				tracked[i] = appendTrackedKey(nil, 1, id)
				owing[i] = appendRowKey(nil, 1, debt.Key(id.JSON()))
				due[i] = dueKey(1, filedBehind, uint64(i))
			}
			acknowledge := func() {
				for from := 0; from < assets; from += request {
					inBare(b, bare, func(tracks, owes, index *bbolt.Bucket) {
						for i := from; i < from+request; i++ {
							tracks.Get(tracked[i])
							putSized(b, tracks, tracked[i], 100)
							if owed {
								owes.Get(owing[i])
								removeKey(b, index, due[i])
								removeKey(b, owes, owing[i])
							}
						}
					})
				}
			}
			acknowledge()
			b.ReportAllocs()
			for b.Loop() {
				for from := 0; owed && from < assets; from += page {
					inBare(b, bare, func(_, owes, index *bbolt.Bucket) {
						for i := from; i < from+page; i++ {
							owes.Get(owing[i])
							putSized(b, index, due[i], len(owing[i])-4)
							putSized(b, owes, owing[i], 80)
						}
					})
				}
				acknowledge()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/assets, "µs/asset")
		})
	}
}

func inBare(b *testing.B, bare *bbolt.DB, do func(tracks, owes, index *bbolt.Bucket)) {
	b.Helper()
	err := bare.Update(func(tx *bbolt.Tx) error {
		var buckets [3]*bbolt.Bucket
		for i := range buckets {
			var err error
			if buckets[i], err = tx.CreateBucketIfNotExists([]byte{byte(i)}); err != nil {
				return err
			}
		}
		do(buckets[0], buckets[1], buckets[2])
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func putSized(b *testing.B, bucket *bbolt.Bucket, key []byte, size int) {
	b.Helper()
	if err := bucket.Put(key, make([]byte, size)); err != nil {
		b.Fatal(err)
	}
}

func removeKey(b *testing.B, bucket *bbolt.Bucket, key []byte) {
	b.Helper()
	if err := bucket.Delete(key); err != nil {
		b.Fatal(err)
	}
}
