package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

// owing makes a store at path that owes items to one endpoint, and has had so

// many more that its file is mostly free.

func owing(t *testing.T, path string, items, gone int) {
	t.Helper()
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	owe(t, db, "removed", gone)
	if _, err := db.RemoveEndpoint(t.Context(), "removed"); err != nil {
		t.Fatal(err)
	}
	if err := db.Maintain(t.Context(), noonOfBackup()); err != nil {
		t.Fatal(err)
	}
	owe(t, db, "shop", items)
}

// owe adds an endpoint and owes it items, with events of some size.

func owe(t *testing.T, db *DB, name string, items int) {
	t.Helper()
	added, err := db.AddEndpoint(t.Context(), endpoint.Endpoint{
		Name: name, Style: "notify", URL: "http://127.0.0.1:9/", Enabled: true,
		Subscription: endpoint.Subscription{ChangeTypes: event.AllChanges},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := store.Ingest{
		Source: "spool", Now: noonOfBackup(), Revision: added.Revision,
		Positions: []source.Position{{Stream: name, Data: fmt.Append(nil, items)}},
		Rejected:  []source.Rejection{{Source: "spool", Reason: "not JSON", Line: []byte("x"), Time: noonOfBackup()}},
	}
	for n := range items {
		id := event.IntID(int64(n))
		e := event.Event{
			ID: fmt.Sprintf("%s-%d", name, n), Type: "AssetCreated", ChangeType: event.AssetChanged,
			Object: event.Object{Kind: event.Asset, ItemID: id, BaseID: id}, Raw: fmt.Appendf(nil, `{"n":"%099d"}`, n),
		}
		in.Events = append(in.Events, e)
		in.Changes = append(in.Changes, debt.Change{
			Endpoint: added.Endpoint.ID, Key: debt.Key(fmt.Sprintf("asset/%d", n)), Event: &e,
			Window: endpoint.Window{Interval: time.Second, MaxWait: time.Second},
		})
	}
	if _, err := db.Ingest(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func closing(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// owed opens a store, checks all of it, and returns how many debts it has.

func owed(t *testing.T, path string) uint64 {
	t.Helper()
	found, err := Examine(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Damage(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	stats, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Total.Open != found.Debts.Open {
		t.Errorf("it has %d debts and is said to have %d", stats.Total.Open, found.Debts.Open)
	}
	return stats.Total.Open
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// crashes returns a step that copies the folder as a crash there would leave it,

// and the copies by what had been done.

func crashes(t *testing.T, dir string) (step, map[string]string) {
	t.Helper()
	copies := make(map[string]string)
	return func(done string) error {
		to := t.TempDir()
		copies[done] = to
		return os.CopyFS(to, os.DirFS(dir))
	}, copies
}

// afterCrashes checks each copy: the store is whole, what is left beside it does

// no harm, and doing it again works and clears it away.

func afterCrashes(t *testing.T, copies map[string]string, want map[string]uint64, again func(dir string) error) {
	t.Helper()
	if len(copies) != len(want) {
		t.Errorf("crashes at %d steps, want %d", len(copies), len(want))
	}
	for done, dir := range copies {
		if got := owed(t, filepath.Join(dir, "dz.db")); got != want[done] {
			t.Errorf("after a crash when it was %s: %d debts, want %d", done, got, want[done])
		}
		if err := again(dir); err != nil {
			t.Errorf("again after a crash when it was %s: %v", done, err)
		}
		for _, name := range filesIn(t, dir) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("again after a crash when it was %s: %s is left", done, name)
			}
		}
	}
}

func TestACrashWhileCompactingLeavesAWholeStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "dz.db")
	owing(t, path, 100, 2_000)
	did, copies := crashes(t, dir)
	if _, _, err := compactIf(t.Context(), path, isAny, did); err != nil {
		t.Fatal(err)
	}
	afterCrashes(t, copies, map[string]uint64{"made": 100, "copied": 100, "replaced": 100}, func(dir string) error {
		_, err := Compact(t.Context(), filepath.Join(dir, "dz.db"))
		return err
	})
}

func TestACrashWhileRestoringLeavesAWholeStore(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	path := filepath.Join(dir, "dz.db")
	owing(t, path, 100, 0)
	owing(t, backup, 7, 0)
	did, copies := crashes(t, dir)
	if _, err := restore(t.Context(), backup, path, noonOfBackup(), did); err != nil {
		t.Fatal(err)
	}
	afterCrashes(t, copies, map[string]uint64{"made": 100, "copied": 100, "kept": 100, "replaced": 7}, func(dir string) error {
		_, err := Restore(t.Context(), backup, filepath.Join(dir, "dz.db"), noonOfBackup().Add(time.Hour))
		return err
	})
}

// What fails at a step leaves the store as it was, and nothing beside it.

func TestAFailureAtAnyStepChangesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, at := range []string{"made", "copied", "kept"} {
		dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
		path := filepath.Join(dir, "dz.db")
		owing(t, path, 100, 2_000)
		owing(t, backup, 7, 0)
		fail := func(done string) error {
			if done == at {
				return broken
			}
			return nil
		}
		if at != "kept" {
			if _, _, err := compactIf(t.Context(), path, isAny, fail); !errors.Is(err, broken) {
				t.Errorf("compact, %s: %v", at, err)
			}
		}
		if _, err := restore(t.Context(), backup, path, noonOfBackup(), fail); !errors.Is(err, broken) {
			t.Errorf("restore, %s: %v", at, err)
		}
		if got := owed(t, path); got != 100 {
			t.Errorf("%s: %d debts", at, got)
		}
		if got := filesIn(t, dir); len(got) != 1 {
			t.Errorf("%s: left behind: %v", at, got)
		}
	}
}

func TestWhatIsInterruptedChangesNothing(t *testing.T) {
	t.Parallel()
	path, backup := filepath.Join(t.TempDir(), "dz.db"), filepath.Join(t.TempDir(), "backup")
	owing(t, path, 100, 100)
	owing(t, backup, 7, 0)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Compact(ctx, path)
	_, restoreErr := Restore(ctx, backup, path, noonOfBackup())
	_, examineErr := Examine(ctx, path)
	for _, err := range []error{err, restoreErr, examineErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
	if got := owed(t, path); got != 100 {
		t.Errorf("%d debts", got)
	}
}

func TestAStoreThatIsOpenIsLeftAlone(t *testing.T) {
	t.Parallel()
	path, backup := filepath.Join(t.TempDir(), "dz.db"), filepath.Join(t.TempDir(), "backup")
	owing(t, path, 10, 0)
	owing(t, backup, 7, 0)
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	_, compactErr := Compact(t.Context(), path)
	_, restoreErr := Restore(t.Context(), backup, path, noonOfBackup())
	_, examineErr := Examine(t.Context(), path)
	_, fromErr := Restore(t.Context(), path, backup, noonOfBackup())
	for name, err := range map[string]error{
		"compact": compactErr, "restore": restoreErr, "check": examineErr, "restore from it": fromErr,
	} {
		if !errors.Is(err, store.ErrLocked) {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(err.Error(), "process") {
			t.Errorf("%s does not say who has it: %v", name, err)
		}
	}
	if stats, err := db.Stats(t.Context()); err != nil || stats.Total.Open != 10 {
		t.Errorf("%+v, %v", stats, err)
	}
}

// Who waits for the lock of a file that is replaced meanwhile gets the new one,

// not one without a name, in which all is lost.

func TestAStoreReplacedWhileItIsWaitedForIsOpenedAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	owing(t, path, 50, 0)
	revision := func(tx *bbolt.Tx) error { return putUint64(tx.Bucket(bucketMeta), metaRevision, 4711) }
	written := make(chan error, 1)
	_, _, err := compactIf(t.Context(), path, isAny, func(done string) error {
		if done != "copied" {
			return nil
		}
		go func() {
			b, err := openInPlace(path, patientOptions())
			if err == nil {
				err = errors.Join(b.Update(revision), b.Close())
			}
			written <- err
		}()
		return waitForReader(path)
	})
	if err := errors.Join(err, <-written); err != nil {
		t.Fatal(err)
	}
	if got := owed(t, path); got != 50 {
		t.Errorf("%d debts", got)
	}
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	if all, err := db.Endpoints(t.Context()); err != nil || all.Revision != 4711 {
		t.Errorf("what was written is lost: revision %d, %v", all.Revision, err)
	}
}
