package bolt

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// The benchmarks leave out flushing to the disk, whose time is the disk's and
// differs from run to run; scripts/bench measures with it. BenchmarkDeliver alone
// flushes, to show what calls at the same time share.

const (
	// benchBatch is how many events a batch holds: a quarter of the file source's
	// largest.
	benchBatch = 2000
	// benchRounds is after how many operations a store that grows with each is
	// replaced by a new one.
	benchRounds = 10
	// benchRaw is how many bytes an event has, roughly.
	benchRaw = 500
)

// scattered is the n-th of many numbers in no order, as ids of a DAM come.
func scattered(n int) int { return int(uint32(n) * 2654435761 >> 4) }

// items returns n scattered numbers out of the first of many.
func items(from, n, of int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = scattered((from + i) % of)
	}
	return list
}

// benchStore is a store as the daemon opens it, but for flushing.
type benchStore struct {
	*DB

	endpoints []uint64
	revision  uint64
}

func openBench(b *testing.B, opts Options, endpoints int) *benchStore {
	b.Helper()
	opts.KeepEvents, opts.MaxEventBytes = DefaultKeepEvents, DefaultMaxEventBytes
	db, err := Open(filepath.Join(b.TempDir(), "dz.db"), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { closing(b, db) })
	s := &benchStore{DB: db}
	for i := range endpoints {
		id, revision := addEndpoint(b, db, fmt.Sprintf("shop%d", i))
		s.endpoints, s.revision = append(s.endpoints, id), revision
	}
	return s
}

// batch is one of events about these items, which all endpoints want.
func (s *benchStore) batch(now time.Time, items []int) store.Ingest {
	in := batch(s.endpoints[0], s.revision, now, benchRaw, items...)
	first := in.Changes
	in.Changes = make([]debt.Change, 0, len(first)*len(s.endpoints))
	for _, change := range first { // in the order of the events, as routing has it
		for _, id := range s.endpoints {
			change.Endpoint = id
			in.Changes = append(in.Changes, change)
		}
	}
	return in
}

// BenchmarkIngest ingests a batch of 2,000 events about objects that are not owed
// yet, or all are, out of 100,000.
func BenchmarkIngest(b *testing.B) {
	for _, endpoints := range []int{1, 10} {
		b.Run(fmt.Sprintf("objects=new/endpoints=%d", endpoints), func(b *testing.B) {
			var s *benchStore
			round := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if round%benchRounds == 0 {
					if s != nil {
						closing(b, s.DB)
					}
					s = openBench(b, Options{NoSync: true}, endpoints)
				}
				in := s.batch(noon.Add(time.Duration(round)), items(round%benchRounds*benchBatch, benchBatch, 1<<30))
				round++
				b.StartTimer()
				mustIngest(b, s.DB, in)
			}
			b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
	for _, endpoints := range []int{1, 10} {
		b.Run(fmt.Sprintf("objects=owed/endpoints=%d", endpoints), func(b *testing.B) {
			const objects = 100_000
			s := openBench(b, Options{NoSync: true}, endpoints)
			for from := 0; from < objects; from += benchBatch {
				mustIngest(b, s.DB, s.batch(noon, items(from, benchBatch, objects)))
			}
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				in := s.batch(noon.Add(time.Duration(at)), items(at, benchBatch, objects))
				at += benchBatch
				b.StartTimer()
				mustIngest(b, s.DB, in)
			}
			b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkBare puts 2,000 records as large as debts in a transaction, into bbolt
// alone: BenchmarkIngest's yardstick, under new and under 100,000 known keys.
func BenchmarkBare(b *testing.B) {
	const size = 77
	for _, c := range []struct {
		keys     string
		of, fill int
	}{{"new", 1 << 30, 0}, {"known", 100_000, 100_000}} {
		b.Run("keys="+c.keys, func(b *testing.B) {
			var bare *bbolt.DB
			round := 0
			b.ReportAllocs()
			for b.Loop() {
				if c.fill == 0 && round%benchRounds == 0 || bare == nil {
					b.StopTimer()
					if bare != nil {
						bare.Close()
					}
					bare = openBare(b)
					for from := 0; from < c.fill; from += benchBatch {
						putBare(b, bare, items(from, benchBatch, c.of), size)
					}
					b.StartTimer()
				}
				putBare(b, bare, items(round*benchBatch, benchBatch, c.of), size)
				round++
			}
			b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func openBare(b *testing.B) *bbolt.DB {
	b.Helper()
	bare, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: initialMmap, NoSync: true, PageSize: largePage,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { bare.Close() })
	return bare
}

func putBare(b *testing.B, bare *bbolt.DB, keys []int, size int) {
	b.Helper()
	err := bare.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := bucket.Put(binary.BigEndian.AppendUint64(nil, uint64(key)), make([]byte, size)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
