package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

func TestCompactingKeepsAllAndShrinksTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	owing(t, path, 100, 8_000)
	if err := os.Chmod(path, 0o640); err != nil { // as a person may have
		t.Fatal(err)
	}
	before, err := InspectFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	done, err := Compact(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := InspectFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if done.Before != before.Size || done.After != after.Size || done.After > done.Before/4 {
		t.Errorf("%+v, and the file had %d bytes and has %d", done, before.Size, after.Size)
	}
	if !slices.Equal(before.Buckets, after.Buckets) || before.Contents != after.Contents {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	if got := owed(t, path); got != 100 {
		t.Errorf("%d debts", got)
	}
	if got := filesIn(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// Ids and sequences go on where they were.
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	owe(t, db, "third", 5)
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	all, err := db.Endpoints(t.Context())
	if err != nil || all.List[1].ID != 3 {
		t.Errorf("the third endpoint has id %d, %v", all.List[1].ID, err)
	}
}

func TestCompactingByItselfIsForLargeFilesThatAreMostlyFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	small, missing := filepath.Join(dir, "small.db"), filepath.Join(dir, "missing.db")
	owing(t, small, 10, 5_000)
	for _, path := range []string{small, missing} {
		if _, did, err := CompactIfWorth(t.Context(), path); did || err != nil {
			t.Errorf("%s: compacted %v, %v", path, did, err)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a store was made")
	}
	// The rest of a file that bbolt never used is free too.
	if err := os.Truncate(small, WorthFrom); err != nil {
		t.Fatal(err)
	}
	done, did, err := CompactIfWorth(t.Context(), small)
	if !did || err != nil || done.Before != WorthFrom || done.After > WorthFrom/4 {
		t.Errorf("%+v, compacted %v, %v", done, did, err)
	}
	if got := owed(t, small); got != 10 {
		t.Errorf("%d debts", got)
	}
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

func TestARestoreReplacesADamagedStoreAndKeepsIt(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	path := filepath.Join(dir, "dz.db")
	owing(t, backup, 7, 0)
	if err := os.WriteFile(path, []byte("no store at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), backup, path, noonOfBackup())
	if err != nil {
		t.Fatal(err)
	}
	if want := path + ".before-restore-20261121T120000Z"; done.Kept != want || done.Debts.Open != 7 {
		t.Errorf("%+v, want %s", done, want)
	}
	if kept, err := os.ReadFile(done.Kept); err != nil || string(kept) != "no store at all" {
		t.Errorf("kept is %q, %v", kept, err)
	}
	if got := owed(t, path); got != 7 {
		t.Errorf("%d debts", got)
	}
	if after, err := os.ReadFile(backup); err != nil || string(after) != string(whole) {
		t.Errorf("the backup has been changed, %v", err)
	}
}

func TestRestoresOfOneSecondKeepEveryStoreBefore(t *testing.T) {
	t.Parallel()
	path, backup := filepath.Join(t.TempDir(), "dz.db"), filepath.Join(t.TempDir(), "backup")
	owing(t, backup, 7, 0)
	for _, kept := range []string{"", "20261121T120000Z", "20261121T120000Z-2", "20261121T120000Z-3"} {
		if kept != "" {
			kept = path + ".before-restore-" + kept
		}
		if done, err := Restore(t.Context(), backup, path, noonOfBackup()); err != nil || done.Kept != kept {
			t.Errorf("kept %q, %v, want %q", done.Kept, err, kept)
		}
	}
}

func TestARestoreWhereThereIsNoStoreMakesOne(t *testing.T) {
	t.Parallel()
	path, backup := filepath.Join(t.TempDir(), "new", "dz.db"), filepath.Join(t.TempDir(), "backup")
	owing(t, backup, 7, 0)
	done, err := Restore(t.Context(), backup, path, noonOfBackup())
	if err != nil || done.Kept != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := owed(t, path); got != 7 {
		t.Errorf("%d debts", got)
	}
}

func TestARestoreFollowsLinks(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	path, link := filepath.Join(dir, "real.db"), filepath.Join(t.TempDir(), "dz.db")
	owing(t, path, 100, 0)
	owing(t, backup, 7, 0)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), backup, link, noonOfBackup()); err != nil {
		t.Fatal(err)
	}
	if _, err := Compact(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if got := owed(t, path); got != 7 {
		t.Errorf("%d debts", got)
	}
}

func TestWhatIsNoBackupIsNotRestored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "dz.db")
	owing(t, path, 10, 0)
	cut := filepath.Join(dir, "cut")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:3*os.Getpagesize()], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		backup string
		want   error
	}{
		{cut, store.ErrDamaged},
		{filepath.Join(dir, "missing"), os.ErrNotExist},
		{path, ErrSameFile},
		{dir, nil},
	} {
		if _, err := Restore(t.Context(), c.backup, path, noonOfBackup()); err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", c.backup, err, c.want)
		}
	}
	if got := owed(t, path); got != 10 {
		t.Errorf("%d debts", got)
	}
	if got := filesIn(t, dir); len(got) != 2 {
		t.Errorf("left behind: %v", got)
	}
}
