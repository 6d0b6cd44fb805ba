package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

// maxSize is what a small store may hold.
const maxSize = 8 << 20

// smallStore is a store without recent events that is soon full.
func smallStore(t *testing.T) *DB {
	t.Helper()
	return smallStoreOf(t, maxSize)
}

func smallStoreOf(t *testing.T, limit int64) *DB {
	t.Helper()
	path := filepath.Join(memoryDir(t), "dz.db")
	db, err := Open(path, Options{MaxSize: limit, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Check(t.Context()), db.Close()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return db
}

// ingestUntilFull returns the number of items that went in, and the error of
// the batch that did not.
func ingestUntilFull(t *testing.T, db *DB, id, revision uint64, from int) (items int, err error) {
	t.Helper()
	each := 200
	for n := from; ; {
		in := batch(id, revision, noon, 0)
		for item := n; item < n+each; item++ {
			in.Changes = append(in.Changes, batch(id, revision, noon, 0, item).Changes...)
		}
		_, err := db.Ingest(t.Context(), in)
		switch {
		case err == nil:
			n += each
		case each == 1 || !errors.Is(err, store.ErrFull):
			return n, err
		default:
			each /= 2 // less may fit
		}
		if n > 1_000_000 {
			t.Fatal("the store is never full")
		}
	}
}

func TestAFullStoreTakesNothingInAndLetsEverythingOut(t *testing.T) {
	t.Parallel()
	db := smallStore(t)
	ctx := t.Context()
	id, _ := addEndpoint(t, db, "shop")
	other, revision := addEndpoint(t, db, "other")
	items, err := ingestUntilFull(t, db, id, revision, 0)
	const want = "ingest: store is full: it has reached store.max_size: raise it; nothing is lost meanwhile"
	if !errors.Is(err, store.ErrFull) || err.Error() != want {
		t.Fatalf("got %q, want %q", err, want)
	}
	before, err := db.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if before.Endpoints[id].Open != uint64(items) || before.Size > maxSize || before.Size < maxSize/4 {
		t.Errorf("%d debts of %d in %d bytes", before.Endpoints[id].Open, items, before.Size)
	}
	if info, err := os.Stat(before.Path); err != nil || info.Size() > maxSize {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}

	// What does not fit changes nothing, however often it is tried.
	failing := batch(id, revision, noon.Add(time.Minute), 0, 1, 2, 2_000_000)
	for range 3 {
		if _, err := db.Ingest(ctx, failing); !errors.Is(err, store.ErrFull) {
			t.Errorf("ingest: %v", err)
		}
	}
	if _, err := db.AddEndpoint(ctx, testEndpoint("third")); !errors.Is(err, store.ErrFull) {
		t.Errorf("add: %v", err)
	}
	after, err := db.Stats(ctx)
	if err != nil || after.Endpoints[id] != before.Endpoints[id] {
		t.Errorf("counts went from %+v to %+v, %v", before.Endpoints[id], after.Endpoints[id], err)
	}

	// What makes room, or leads to it, works.
	now := noon.Add(time.Hour)
	for range 3 {
		mustSettle(t, db, id, ended(now, attempt.Refused, claim(t, db, id, now, 50)...))
		now = now.Add(2 * time.Hour)
	}
	mustSettle(t, db, id, ended(now, attempt.Delivered, claim(t, db, id, now, 1)...))
	if _, err := db.Hasten(ctx, id, now); err != nil {
		t.Errorf("hasten: %v", err)
	}
	if forced, _, err := db.Retry(ctx, debt.Selection{Retrying: true}, now, "", 50); err != nil || len(forced) == 0 {
		t.Errorf("retry: %d, %v", len(forced), err)
	}
	if _, err := db.UpdateEndpoint(ctx, "shop", func(ep *endpoint.Endpoint) error { ep.Enabled = true; return nil }); err != nil {
		t.Errorf("update: %v", err)
	}
	if _, err := db.ResetHealth(ctx, id, time.Now()); err != nil {
		t.Errorf("reset health: %v", err)
	}
	if purged, _, err := db.Purge(ctx, debt.Selection{Retrying: true}, "", 1000); err != nil || purged == 0 {
		t.Errorf("purge: %d, %v", purged, err)
	}
	if _, err := db.RemoveEndpoint(ctx, "shop"); err != nil {
		t.Errorf("remove: %v", err)
	}
	if err := db.Maintain(ctx, now); err != nil {
		t.Errorf("maintain: %v", err)
	}

	// Then there is room again, as much as before.
	all, err := db.Endpoints(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ingestUntilFull(t, db, other, all.Revision, 0); again < items*9/10 {
		t.Errorf("%d items went in again, then %v; %d before", again, err, items)
	}
}

func TestDeliveringEverythingEmptiesAFullStore(t *testing.T) {
	t.Parallel()
	db := smallStore(t)
	id, revision := addEndpoint(t, db, "shop")
	items, _ := ingestUntilFull(t, db, id, revision, 0)
	now := noon.Add(time.Hour)
	delivered := 0
	for {
		debts := claim(t, db, id, now, 20)
		if len(debts) == 0 {
			break
		}
		mustSettle(t, db, id, ended(now, attempt.Delivered, debts...))
		delivered += len(debts)
	}
	if delivered != items {
		t.Errorf("%d delivered, want %d", delivered, items)
	}
	if again, err := ingestUntilFull(t, db, id, revision, 0); again < items*9/10 {
		t.Errorf("%d items went in again, then %v; %d before", again, err, items)
	}
}

// A receiver that refuses everything leaves a failure for each debt, and there
// is room for them, though not for what the receiver said.
func TestEveryDebtOfAFullStoreCanFail(t *testing.T) {
	t.Parallel()
	db := smallStore(t)
	id, revision := addEndpoint(t, db, "shop")
	items, _ := ingestUntilFull(t, db, id, revision, 0)
	now := noon.Add(time.Hour)
	for {
		debts := claim(t, db, id, now, 100)
		if len(debts) == 0 {
			break
		}
		a := ended(now, attempt.Refused, debts...)
		for i := range a.Debts {
			a.Debts[i].Schedule = nil
			a.Debts[i].Outcome.Response = make([]byte, attempt.MaxResponse)
		}
		mustSettle(t, db, id, a)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Endpoints[id].Failed != uint64(items) {
		t.Fatalf("%d failures of %d debts, %v", stats.Endpoints[id].Failed, items, err)
	}
	purged := uint64(0)
	for cursor := ""; ; {
		n, next, err := db.Purge(t.Context(), debt.Selection{}, cursor, 500)
		if err != nil {
			t.Fatal(err)
		}
		purged += n
		if cursor = next; cursor == "" {
			break
		}
	}
	if purged != uint64(items) {
		t.Errorf("%d purged, want %d", purged, items)
	}
}

// Calls that share a commit with one that the store has no room for go through.
func TestACallWithoutRoomDoesNotHoldUpItsGroup(t *testing.T) {
	t.Parallel()
	db := smallStore(t)
	id, revision := addEndpoint(t, db, "shop")
	if _, err := ingestUntilFull(t, db, id, revision, 0); err == nil {
		t.Fatal("not full")
	}
	now := noon.Add(time.Hour)
	debts := claim(t, db, id, now, 50)
	var full, group []*op
	release := holdWriter(t, db)
	for range 20 {
		o := enqueue(t, db, true, func(x *txn) error {
			x.rows.grown += maxSize
			return nil
		})
		full = append(full, o)
	}
	for i := range debts {
		a := ended(now, attempt.Delivered, debts[i])
		group = append(group, enqueue(t, db, false, func(x *txn) error {
			_, err := x.settleDebt(id, &a.Debts[0])
			return err
		}))
	}
	release()
	for _, o := range full {
		if err := <-o.done; !errors.Is(err, store.ErrFull) {
			t.Errorf("without room: %v", err)
		}
	}
	for _, o := range group {
		if err := <-o.done; err != nil {
			t.Errorf("settle: %v", err)
		}
	}
}

// holdWriter keeps the writer busy, so that what is enqueued makes one group.
func holdWriter(t *testing.T, db *DB) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	o := enqueue(t, db, false, func(*txn) error {
		close(begun)
		<-end
		return refuse(errors.New("only to hold"))
	})
	<-begun
	release = sync.OnceFunc(func() {
		close(end)
		<-o.done
	})
	t.Cleanup(release)
	return release
}

func enqueue(t *testing.T, db *DB, grows bool, apply func(*txn) error) *op {
	t.Helper()
	o := &op{apply: apply, grows: grows, done: make(chan error, 1)}
	if err := db.enqueue(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestMaxSizeLeavesRoomInProportion(t *testing.T) {
	t.Parallel()
	for maxSize, want := range map[int64]int64{0: 16 << 20, 4 << 20: 128 << 10, 20 << 30: 16 << 20} {
		if got := growth(maxSize); got != want {
			t.Errorf("a file of at most %d bytes grows by %d, want %d", maxSize, got, want)
		}
	}
}

func TestAJobCanBeEndedInAFullStore(t *testing.T) {
	t.Parallel()
	db := smallStore(t)
	id, revision := addEndpoint(t, db, "shop")
	job := resync.Job{Number: 1, Phase: resync.Listing, Started: noon, Deletions: 7}
	if _, err := db.Owe(t.Context(), store.Owing{Endpoint: id, Now: noon, Job: job}); err != nil {
		t.Fatal(err)
	}
	if _, err := ingestUntilFull(t, db, id, revision, 0); !errors.Is(err, store.ErrFull) {
		t.Fatal(err)
	}
	job.Phase, job.Ended, job.Deletions = resync.Stopped, noon.Add(time.Minute), 0
	if _, err := db.Owe(t.Context(), store.Owing{Endpoint: id, Now: noon, Job: job}); err != nil {
		t.Errorf("end a job: %v", err)
	}
	next := resync.Job{Number: 2, Phase: resync.Listing, Started: noon}
	if _, err := db.Owe(t.Context(), store.Owing{Endpoint: id, Now: noon, Job: next}); !errors.Is(err, store.ErrFull) {
		t.Errorf("begin another: %v, want the store is full", err)
	}
}
