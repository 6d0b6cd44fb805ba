package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/timespan"
)

var (
	noon   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	window = endpoint.Window{Interval: 5 * time.Second, MaxWait: time.Minute}
)

// memoryDir is a folder in memory, where there is enough of it, and otherwise
// tb's own: a new store is flushed to its disk, and hundreds of them take their
// time.
func memoryDir(tb testing.TB) string {
	tb.Helper()
	const shared = "/dev/shm"
	if free, ok := diskFree(shared); !ok || free < 1<<30 {
		return tb.TempDir()
	}
	dir, err := os.MkdirTemp(shared, "dz-store-*") //nolint:usetesting // TempDir is on a disk
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("remove: %v", err)
		}
	})
	return dir
}

func testEndpoint(name string) endpoint.Endpoint {
	return endpoint.Endpoint{
		Name: name, Style: "notify", URL: "http://127.0.0.1:9/", Enabled: true,
		Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
	}
}

// addEndpoint returns the new endpoint's id and the revision since.
func addEndpoint(tb testing.TB, db *DB, name string) (id, revision uint64) {
	tb.Helper()
	added, err := db.AddEndpoint(tb.Context(), testEndpoint(name))
	if err != nil {
		tb.Fatal(err)
	}
	return added.Endpoint.ID, added.Revision
}

func keyOf(n int) debt.Key { return debt.Key(fmt.Sprintf("\x01%d", n)) }

// batch is one of changes to items for an endpoint, each of size bytes.
func batch(id, revision uint64, now time.Time, size int, items ...int) store.Ingest {
	in := store.Ingest{Source: "spool", Now: now, Revision: revision, Positions: []source.Position{{
		Stream: "a", Data: []byte(now.Format(time.RFC3339Nano)),
	}}}
	in.Events = make([]event.Event, len(items))
	for i, n := range items {
		item := event.IntID(int64(n))
		e := &in.Events[i]
		*e = event.Event{
			ID: fmt.Sprintf("e%d", n), Source: "/dam", Type: "AssetMetadataUpdated", ChangeType: event.AssetChanged,
			Object: event.Object{Kind: event.Asset, ItemID: item, BaseID: item}, Reason: "metadata", Time: now,
			ChangedFields: []string{"title"}, Formats: []event.ID{}, Channels: []event.ID{},
		}
		e.Raw = fmt.Appendf(nil, `{"id":%q,"padding":"%0*d"}`, e.ID, size, n)
		in.Changes = append(in.Changes, debt.Change{Endpoint: id, Key: keyOf(n), Event: e, Window: window})
	}
	return in
}

func upTo(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

func mustIngest(tb testing.TB, db *DB, in store.Ingest) {
	tb.Helper()
	if _, err := db.Ingest(tb.Context(), in); err != nil {
		tb.Fatal(err)
	}
}

func claim(tb testing.TB, db *DB, id uint64, now time.Time, limit int) []debt.Debt {
	tb.Helper()
	c, err := db.Claim(tb.Context(), store.ClaimRequest{Endpoint: id, Now: now, Limit: limit})
	if err != nil {
		tb.Fatal(err)
	}
	return c.Debts
}

// ended is a request with all of the debts that took a second.
func ended(now time.Time, v attempt.Verdict, debts ...debt.Debt) store.Attempt {
	a := store.Attempt{Outcome: attempt.Outcome{
		Verdict: v, Reason: attempt.OK, Status: 200, Started: now, Duration: time.Second,
	}}
	if v != attempt.Delivered {
		a.Outcome.Reason, a.Outcome.Status, a.Outcome.Error = attempt.ClientError, 422, "the receiver answered 422"
	}
	for i := range debts {
		s := debt.SettlementOf(&debts[i])
		s.Outcome, s.Window, s.Schedule = a.Outcome, window, endpoint.Schedule{timespan.Span(time.Hour)}
		a.Debts = append(a.Debts, s)
	}
	return a
}

func mustSettle(tb testing.TB, db *DB, id uint64, attempts ...store.Attempt) []store.Settled {
	tb.Helper()
	settled, err := db.Settle(tb.Context(), id, attempts)
	if err != nil {
		tb.Fatal(err)
	}
	return settled
}

// fillStore makes a store that holds n debts, a third of which are retried and
// a third failures, and something of everything else, without the unused end of
// its file. It returns the endpoint.
func fillStore(tb testing.TB, path string, n int) (id uint64) {
	tb.Helper()
	db, err := Open(path, testOptions())
	if err != nil {
		tb.Fatal(err)
	}
	addEndpoint(tb, db, "removed")
	id, revision := addEndpoint(tb, db, filepath.Base(path))
	mustIngest(tb, db, batch(id, revision, noon, 50, upTo(n)...))
	in := batch(id, revision, noon, 50)
	in.Rejected = []source.Rejection{{Source: "spool", File: "/a", Reason: "not JSON", Line: []byte("x"), Time: noon}}
	in.Assets = snapshots(n)
	mustIngest(tb, db, in)
	debts := claim(tb, db, id, noon.Add(time.Hour), n*2/3)
	for i := range debts {
		a := ended(noon.Add(time.Hour), attempt.Refused, debts[i])
		if i%2 == 0 {
			a.Debts[0].Schedule = nil
		}
		mustSettle(tb, db, id, a)
	}
	if _, err := db.RemoveEndpoint(tb.Context(), "removed"); err != nil {
		tb.Fatal(err)
	}
	stats, err := db.Stats(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if err := errors.Join(db.Check(context.Background()), db.Close(), os.Truncate(path, stats.Size)); err != nil {
		tb.Fatal(err)
	}
	return id
}
