package bolt

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// benchBatch is how many changes a batch holds.
const benchBatch = 1000

// scattered is the n-th of many numbers in no order, as ids of a DAM come.
func scattered(n int) int { return int(uint32(n) * 2654435761 >> 4) }

// benchStore is a store as the daemon opens it.
func benchStore(b *testing.B) (db *DB, id, revision uint64) {
	b.Helper()
	db, err := Open(filepath.Join(b.TempDir(), "dz.db"), Options{
		KeepEvents: DefaultKeepEvents, MaxEventBytes: DefaultMaxEventBytes,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	id, revision = addEndpoint(b, db, "shop")
	return db, id, revision
}

// items returns n scattered numbers out of the first of many.
func items(from, n, of int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = scattered((from + i) % of)
	}
	return list
}

// barePuts puts n 300-byte values under scattered keys, out of so many, in
// transactions of a batch each, and returns how long that took: what bbolt
// itself needs on this machine, in this run.
func barePuts(b *testing.B, n, of int) time.Duration {
	b.Helper()
	bare, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMmap,
	})
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	for from := 0; from < n; from += benchBatch {
		if err := bare.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
			if err != nil {
				return err
			}
			for _, item := range items(from, min(benchBatch, n-from), of) {
				if err := bucket.Put(binary.BigEndian.AppendUint64(nil, uint64(item)), make([]byte, 300)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(begin)
	if err := bare.Close(); err != nil {
		b.Fatal(err)
	}
	return took
}

// benchIngest ingests b.N changes of so many objects.
func benchIngest(b *testing.B, of int) {
	b.Helper()
	db, id, revision := benchStore(b)
	now := time.Now()
	b.ReportAllocs()
	for from := 0; from < b.N; from += benchBatch {
		b.StopTimer()
		in := batch(id, revision, now.Add(time.Duration(from)), 300, items(from, min(benchBatch, b.N-from), of)...)
		b.StartTimer()
		mustIngest(b, db, in)
	}
	b.StopTimer()
	took := b.Elapsed()
	b.ReportMetric(float64(b.N)/took.Seconds(), "changes/s")
	b.ReportMetric(float64(barePuts(b, b.N, of))/float64(took), "of-bare-bbolt")
}

func BenchmarkIngest(b *testing.B) {
	b.Run("objects=distinct", func(b *testing.B) { benchIngest(b, 1<<30) })
	b.Run("objects=100000", func(b *testing.B) { benchIngest(b, 100_000) })
	b.Run("objects=100", func(b *testing.B) { benchIngest(b, 100) })
}

// BenchmarkDeliver claims and settles one debt an attempt, with so many attempts
// settled at once, as the lanes of an endpoint do.
func BenchmarkDeliver(b *testing.B) {
	for _, concurrency := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			db, id, revision := benchStore(b)
			now := time.Now()
			for from := 0; from < b.N; from += benchBatch {
				mustIngest(b, db, batch(id, revision, now, 300, items(from, min(benchBatch, b.N-from), 1<<30)...))
			}
			now = now.Add(time.Hour)
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; {
				debts := claim(b, db, id, now, min(concurrency, left))
				done := make(chan error, len(debts))
				for i := range debts {
					go func() {
						settled, err := db.Settle(b.Context(), id, []store.Attempt{ended(now, attempt.Delivered, debts[i])})
						if err == nil && !settled[0].Debts[0].Done {
							err = fmt.Errorf("%s is still owed", debts[i].Key)
						}
						done <- err
					}()
				}
				for range debts {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
				left -= len(debts)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "debts/s")
		})
	}
}

// BenchmarkFail settles failed attempts in batches, as a managed endpoint does.
func BenchmarkFail(b *testing.B) {
	db, id, revision := benchStore(b)
	now := time.Now()
	for from := 0; from < b.N; from += benchBatch {
		mustIngest(b, db, batch(id, revision, now, 300, items(from, min(benchBatch, b.N-from), 1<<30)...))
	}
	now = now.Add(time.Hour)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		debts := claim(b, db, id, now, min(200, left))
		mustSettle(b, db, id, ended(now, attempt.Unavailable, debts...))
		left -= len(debts)
	}
}

// BenchmarkOpen opens a store that holds a million debts; in short mode, ten
// thousand.
func BenchmarkOpen(b *testing.B) {
	debts := 1_000_000
	if testing.Short() {
		debts = 10_000
	}
	b.Run(fmt.Sprintf("debts=%d", debts), func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "dz.db")
		db, err := Open(path, Options{NoSync: true})
		if err != nil {
			b.Fatal(err)
		}
		id, revision := addEndpoint(b, db, "shop")
		for from := 0; from < debts; from += 20_000 {
			in := batch(id, revision, noon, 0, items(from, min(20_000, debts-from), 1<<30)...)
			in.Events = []event.Event{}
			mustIngest(b, db, in)
		}
		stats, err := db.Stats(b.Context())
		if err != nil || stats.Endpoints[id].Open != uint64(debts) {
			b.Fatalf("%d debts, %v", stats.Endpoints[id].Open, err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			db, err := Open(path, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := db.Claim(b.Context(), store.ClaimRequest{Endpoint: id, Now: noon.Add(time.Hour), Limit: 8}); err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(stats.Size)/float64(debts), "file-B/debt")
	})
}
