//go:build unix

package bolt

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// root may look after the daemon's store; the daemon must be able to open it
// afterwards.
func TestAReplacedStoreKeepsItsOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	const daemon, group = 12345, 23456
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	path, fresh := filepath.Join(dir, "dz.db"), filepath.Join(dir, "fresh.db")
	owing(t, path, 10, 0)
	owing(t, backup, 7, 0)
	for _, name := range []string{dir, path} {
		if err := os.Chown(name, daemon, group); err != nil {
			t.Fatal(err)
		}
	}
	wantOwner := func(what, path string) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Uid != daemon || stat.Gid != group || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: owner %d:%d, mode %v", what, stat.Uid, stat.Gid, info.Mode())
		}
	}
	if _, err := Compact(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	wantOwner("compacted", path)
	if _, err := Restore(t.Context(), backup, path, noonOfBackup()); err != nil {
		t.Fatal(err)
	}
	wantOwner("restored", path)
	if _, err := Restore(t.Context(), backup, fresh, noonOfBackup()); err != nil {
		t.Fatal(err)
	}
	wantOwner("restored where there was none", fresh)
}
