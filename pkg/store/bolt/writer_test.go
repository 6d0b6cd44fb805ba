package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

func newStore(t *testing.T) *DB {
	t.Helper()
	return mustOpen(t, filepath.Join(memoryDir(t), "dz.db"))
}

func commits(t *testing.T, db *DB) int {
	t.Helper()
	// bbolt numbers its write transactions; those rolled back leave no number.
	tx, err := db.bolt.Begin(false)
	if err != nil {
		t.Fatal(err)
	}
	n := tx.ID()
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCallsThatWaitShareACommit(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	before := commits(t, db)
	release := holdWriter(t, db)
	var ops []*op
	for n := range 200 {
		ops = append(ops, enqueue(t, db, true, func(x *txn) error {
			return x.setPositions("spool", batch(1, 0, noon.Add(time.Duration(n)), 0).Positions)
		}))
	}
	release()
	for _, o := range ops {
		if err := <-o.done; err != nil {
			t.Fatal(err)
		}
	}
	if n := commits(t, db) - before; n != 1 {
		t.Errorf("200 calls made %d commits, want 1", n)
	}
}

// A call is answered when what it did can be read, never before.
func TestACallReturnsAfterItsCommit(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	for n := range 50 {
		mustIngest(t, db, batch(id, revision, noon, 10, n))
		stats, err := db.Stats(t.Context())
		if err != nil || stats.Endpoints[id].Open != uint64(n+1) {
			t.Fatalf("%d debts after %d ingested, %v", stats.Endpoints[id].Open, n+1, err)
		}
	}
}

// One call of a group that is refused, fails halfway or meets damage changes
// nothing and is told so; the others are committed as if it had not been there.
func TestACallThatFailsDoesNotDisturbItsGroup(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, c := range []struct {
		name  string
		apply func(*txn) error
		want  error
	}{
		{"refused", func(*txn) error { return refuse(store.ErrRevision) }, store.ErrRevision},
		{"failed halfway", func(x *txn) error {
			if err := x.tally.add(1, store.Counts{Owed: 7}); err != nil {
				return err
			}
			if err := x.bucket(bucketEvents).Put([]byte("half"), []byte("done")); err != nil {
				return err
			}
			return broken
		}, broken},
		{"damage", func(x *txn) error {
			if err := x.tally.add(1, store.Counts{Owed: 7}); err != nil {
				return err
			}
			return (*bbolt.Bucket)(nil).Put(nil, nil) // bbolt panics, as at a bad page
		}, store.ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := newStore(t)
			id, revision := addEndpoint(t, db, "shop")
			release := holdWriter(t, db)
			var good, bad []*op
			for n := range 30 {
				if n%10 == 4 {
					bad = append(bad, enqueue(t, db, false, c.apply))
				}
				changes := batch(id, revision, noon, 0, n).Changes
				good = append(good, enqueue(t, db, true, func(x *txn) error {
					_, err := x.owe(changes, sortChanges(changes), noon)
					return err
				}))
			}
			release()
			for _, o := range bad {
				if err := <-o.done; !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			}
			for _, o := range good {
				if err := <-o.done; err != nil {
					t.Errorf("a call beside it: %v", err)
				}
			}
			stats, err := db.Stats(t.Context())
			if want := (store.Counts{Open: 30, Owed: 30}); err != nil || stats.Endpoints[id] != want {
				t.Errorf("counts %+v, %v", stats.Endpoints[id], err)
			}
			if err := db.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCloseLetsCallsUnderWayEnd(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	release := holdWriter(t, db)
	ingested := make(chan error, 20)
	for n := range 20 {
		o := &op{grows: true, done: make(chan error, 1), apply: func(x *txn) error {
			changes := batch(id, revision, noon, 0, n).Changes
			_, err := x.owe(changes, sortChanges(changes), noon)
			return err
		}}
		if err := db.enqueue(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		go func() { ingested <- <-o.done }()
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	release()
	for range 20 {
		if err := <-ingested; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if stats, err := mustOpen(t, db.path).Stats(t.Context()); err != nil || stats.Endpoints[id].Open != 20 {
		t.Errorf("%d debts, %v", stats.Endpoints[id].Open, err)
	}
}

// A call whose caller gives up while the queue is full has not happened; one
// that was taken is waited for.
func TestACallThatCanNotBeQueuedInTimeIsGivenUp(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	release := holdWriter(t, db)
	for range cap(db.ops) {
		enqueue(t, db, false, func(*txn) error { return nil })
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	_, err := db.AddEndpoint(ctx, testEndpoint("late"))
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	release()
	if all, err := db.Endpoints(t.Context()); err != nil || len(all.List) > 0 {
		t.Errorf("%d endpoints, %v", len(all.List), err)
	}
}

// An endpoint may be removed between the moment in which its failures are read
// and the one in which they are retried or purged.
func TestFailuresOfAnEndpointRemovedMeanwhileAreLeft(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"retry", "purge"} {
		db := newStore(t)
		id, revision := addEndpoint(t, db, "shop")
		mustIngest(t, db, batch(id, revision, noon, 0, upTo(10)...))
		now := noon.Add(time.Hour)
		for range 2 {
			mustSettle(t, db, id, ended(now, attempt.Refused, claim(t, db, id, now, 10)...))
			now = now.Add(2 * time.Hour)
		}
		page, _, err := db.Failures(t.Context(), debt.Selection{}, "", 100)
		if err != nil || len(page) != 10 {
			t.Fatalf("%d failures, %v", len(page), err)
		}
		if _, err := db.RemoveEndpoint(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if err := db.update(t.Context(), func(x *txn) error {
			return x.eachFailure(page, debt.Selection{}, func(*stored, debt.Failure) error {
				return fmt.Errorf("%s of a failure that is gone", call)
			})
		}); err != nil {
			t.Error(err)
		}
	}
}

// Everything at once, for the race detector: calls of all kinds, maintenance
// and the giving back of pages.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	id, revision := addEndpoint(t, db, "shop")
	ctx := t.Context()
	const rounds = 30
	work := []func(n int) error{
		func(n int) error {
			_, err := db.Ingest(ctx, batch(id, revision, noon.Add(time.Duration(n)*time.Second), 100, upTo(100)...))
			return err
		},
		func(n int) error {
			now := noon.Add(time.Duration(n) * time.Hour)
			c, err := db.Claim(ctx, store.ClaimRequest{Endpoint: id, Now: now, Limit: 20})
			if err != nil {
				return err
			}
			verdict := []attempt.Verdict{attempt.Delivered, attempt.Refused}[n%2]
			_, err = db.Settle(ctx, id, []store.Attempt{ended(now, verdict, c.Debts...)})
			return err
		},
		func(int) error {
			_, _, err := db.Retry(ctx, debt.Selection{}, noon.Add(time.Hour), "", 10)
			return err
		},
		func(int) error {
			_, err := db.Hasten(ctx, id, noon)
			return err
		},
		func(int) error {
			_, err := db.ResetHealth(ctx, id, time.Now())
			return err
		},
		func(n int) error { return db.Maintain(ctx, noon.Add(time.Duration(n)*time.Hour)) },
		func(int) error { db.releasePages(); return nil },
		func(int) error {
			_, _, err := db.Failures(ctx, debt.Selection{Retrying: true}, "", 100)
			return err
		},
		func(int) error {
			_, err := db.Events(ctx, 0, 100)
			return err
		},
		func(int) error {
			_, err := db.Stats(ctx)
			return err
		},
	}
	errs := make(chan error)
	for _, do := range work {
		go func() {
			for n := range rounds {
				if err := do(n); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range work {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
}

func TestAnUpdateThatIsVetoedChangesNothing(t *testing.T) {
	t.Parallel()
	db := newStore(t)
	_, revision := addEndpoint(t, db, "shop")
	before := commits(t, db)
	veto := errors.New("no")
	if _, err := db.UpdateEndpoint(t.Context(), "shop", func(*endpoint.Endpoint) error { return veto }); !errors.Is(err, veto) {
		t.Error(err)
	}
	all, err := db.Endpoints(t.Context())
	if err != nil || all.Revision != revision || commits(t, db) != before {
		t.Errorf("revision %d, want %d, %v; %d commits", all.Revision, revision, err, commits(t, db)-before)
	}
}
