package bolt

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// What becomes of a debt that endpoints share is recorded for each of them, and there
// is room for that, whatever the limit is and however much they share. Then whatever
// makes room works.
func TestInAFullStoreAllThatIsSharedMayFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit  int64
		fields int // of each event, of 50 bytes
	}{{1 << 20, 1}, {1 << 20, 20}, {maxSize, 1}, {maxSize, 6}, {maxSize, 80}} {
		t.Run(fmt.Sprintf("%d MiB, %d fields", c.limit>>20, c.fields), func(t *testing.T) {
			t.Parallel()
			s := &benchStore{DB: smallStoreOf(t, c.limit)}
			for n := range 10 {
				id, revision := addEndpoint(t, s.DB, fmt.Sprintf("shop%d", n))
				s.endpoints, s.revision = append(s.endpoints, id), revision
			}
			items := s.ingestWideUntilFull(t, c.fields)
			now := noon.Add(time.Hour)
			for n, id := range s.endpoints {
				if failed := refuseAll(t, s.DB, id, now); failed != items {
					t.Fatalf("at endpoint %d %d debts have failed, of %d", n, failed, items)
				}
			}
			now = now.Add(1000 * time.Hour)
			mustSettle(t, s.DB, s.endpoints[0], ended(now, attempt.Delivered, claim(t, s.DB, s.endpoints[0], now, 1)...))
			if n, err := s.Hasten(t.Context(), s.endpoints[1], now); err != nil {
				t.Errorf("%d hastened, %v", n, err)
			}
			retried, _, err := s.Retry(t.Context(), debt.Selection{Retrying: true, Endpoints: s.endpoints[2:3]}, now, "", items)
			if err != nil || len(retried) != items {
				t.Errorf("%d are tried again, want %d; %v", len(retried), items, err)
			}
			purged, _, err := s.Purge(t.Context(), debt.Selection{Retrying: true, Endpoints: s.endpoints[3:4]}, "", items)
			if err != nil || purged != uint64(items) {
				t.Errorf("%d purged, want %d; %v", purged, items, err)
			}
			for n := range s.endpoints[1:] {
				if _, err := s.RemoveEndpoint(t.Context(), fmt.Sprintf("shop%d", n+1)); err != nil {
					t.Error(err)
				}
			}
			if err := s.Maintain(t.Context(), now); err != nil {
				t.Error(err)
			}
			all, err := s.Endpoints(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			mustIngest(t, s.DB, batch(s.endpoints[0], all.Revision, now, 0, upTo(10)...))
		})
	}
}

// ingestWideUntilFull takes in events that name so many changed fields, and returns
// for how many items there was room.
func (s *benchStore) ingestWideUntilFull(t *testing.T, fields int) (items int) {
	t.Helper()
	const each = 20
	for ; ; items += each {
		numbers := make([]int, each)
		for i := range numbers {
			numbers[i] = scattered(items + i)
		}
		in := s.batch(noon, numbers)
		for i := range in.Events {
			in.Events[i].ChangedFields = nil
			for n := range fields {
				in.Events[i].ChangedFields = append(in.Events[i].ChangedFields, fmt.Sprintf("%050d", n))
			}
		}
		if _, err := s.Ingest(t.Context(), in); errors.Is(err, store.ErrFull) {
			return items
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// refuseAll has an endpoint refuse all that is due, each at another time, and returns
// how much that was.
func refuseAll(t *testing.T, db *DB, id uint64, now time.Time) (refused int) {
	t.Helper()
	for {
		debts := claim(t, db, id, now, 100)
		if len(debts) == 0 {
			return refused
		}
		attempts := make([]store.Attempt, len(debts))
		for i := range debts {
			attempts[i] = ended(now.Add(time.Duration(i)), attempt.Refused, debts[i])
		}
		mustSettle(t, db, id, attempts...)
		refused += len(debts)
		now = now.Add(time.Millisecond)
	}
}
