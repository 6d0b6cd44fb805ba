package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dam-delivery/dz/pkg/store"
)

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
	if err := os.WriteFile(cut, whole[:3*largePage], 0o600); err != nil {
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
