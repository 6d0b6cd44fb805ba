package bolt

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// benchDue is how many debts are due when debts are claimed and settled.
const benchDue = 20_000

// owe makes as many debts due.
func (s *benchStore) owe(b *testing.B, now time.Time) {
	b.Helper()
	for from := 0; from < benchDue; from += benchBatch {
		mustIngest(b, s.DB, s.batch(now.Add(-time.Hour), items(from, benchBatch, 1<<30)))
	}
}

// BenchmarkClaim claims 8 debts of 20,000 that are due, past none and past 64
// with an attempt under way.
func BenchmarkClaim(b *testing.B) {
	const limit = 8
	for _, busy := range []int{0, 64} {
		b.Run(fmt.Sprintf("busy=%d", busy), func(b *testing.B) {
			s := openBench(b, Options{NoSync: true}, 1)
			s.owe(b, noon)
			request := store.ClaimRequest{Endpoint: s.endpoints[0], Now: noon, Limit: limit}
			if busy > 0 {
				objects, keys := make(map[event.Object]bool), make(map[debt.Key]bool)
				for _, d := range claim(b, s.DB, request.Endpoint, noon, busy) {
					objects[d.Object], keys[d.Key] = true, true
				}
				request.Busy = func(o event.Object) bool { return objects[o] }
				request.BusyKey = func(k debt.Key) bool { return keys[k] }
			}
			b.ReportAllocs()
			for b.Loop() {
				c, err := s.Claim(b.Context(), request)
				if err != nil || len(c.Debts) != limit {
					b.Fatalf("%d debts, %v", len(c.Debts), err)
				}
			}
		})
	}
}

// BenchmarkSettle settles a number of attempts of a debt each in one call, as a
// lane does, of which all were delivered, or all failed.
func BenchmarkSettle(b *testing.B) {
	for _, c := range []struct {
		name    string
		verdict attempt.Verdict
	}{{"delivered", attempt.Delivered}, {"failed", attempt.Unavailable}} {
		for _, attempts := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("outcome=%s/attempts=%d", c.name, attempts), func(b *testing.B) {
				s := openBench(b, Options{NoSync: true}, 1)
				id, left := s.endpoints[0], 0
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					if left < attempts {
						s.owe(b, noon) // also what failed before is due again
						left = benchDue
					}
					debts := claim(b, s.DB, id, noon, attempts)
					if len(debts) != attempts {
						b.Fatalf("%d debts are due", len(debts))
					}
					left -= attempts
					ends := make([]store.Attempt, attempts)
					for i := range debts {
						ends[i] = ended(noon, c.verdict, debts[i])
					}
					b.StartTimer()
					mustSettle(b, s.DB, id, ends...)
				}
				b.ReportMetric(float64(attempts)*float64(b.N)/b.Elapsed().Seconds(), "debts/s")
			})
		}
	}
}

// BenchmarkDeliver claims and settles a number of debts, each by a call of its
// own, which come at the same time and so share a flush to the disk.
func BenchmarkDeliver(b *testing.B) {
	for _, calls := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			s := openBench(b, Options{}, 1)
			id, left := s.endpoints[0], 0
			b.ReportAllocs()
			for b.Loop() {
				if left < calls {
					b.StopTimer()
					s.owe(b, noon)
					left = benchDue
					b.StartTimer()
				}
				debts := claim(b, s.DB, id, noon, calls)
				left -= len(debts)
				done := make(chan error, len(debts))
				for i := range debts {
					go func() {
						settled, err := s.Settle(b.Context(), id, []store.Attempt{ended(noon, attempt.Delivered, debts[i])})
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
			}
			b.ReportMetric(float64(calls)*float64(b.N)/b.Elapsed().Seconds(), "debts/s")
		})
	}
}

// BenchmarkOpen opens a store of 100,000 debts, claims the first 8, and closes
// it. scripts/bench starts dz with a million.
func BenchmarkOpen(b *testing.B) {
	const debts = 100_000
	path := filepath.Join(b.TempDir(), "dz.db")
	db, err := Open(path, Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	id, revision := addEndpoint(b, db, "shop")
	for from := 0; from < debts; from += benchBatch {
		mustIngest(b, db, batch(id, revision, noon, 0, items(from, benchBatch, 1<<30)...))
	}
	stats, err := db.Stats(b.Context())
	if err != nil || stats.Endpoints[id].Open != debts {
		b.Fatalf("%d debts, %v", stats.Endpoints[id].Open, err)
	}
	closing(b, db)
	b.Run(fmt.Sprintf("debts=%d", debts), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			db, err := Open(path, Options{})
			if err != nil {
				b.Fatal(err)
			}
			if n := len(claim(b, db, id, noon.Add(time.Hour), 8)); n != 8 {
				b.Fatalf("%d debts are due", n)
			}
			closing(b, db)
		}
		b.ReportMetric(float64(stats.Size)/debts, "file-B/debt")
	})
}
