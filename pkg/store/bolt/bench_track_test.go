package bolt

import (
	"strconv"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

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
				tracked[i] = trackedKey(1, id)
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
