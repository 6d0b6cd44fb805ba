package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/store"
)

// newestMeta returns which of the first two pages names the last commit.
func newestMeta(t *testing.T, path string) (page int) {
	t.Helper()
	highest := uint64(0)
	for n := range 2 {
		// The number of the commit lies 64 bytes in.
		if commit := numberAt(t, path, int64(n*largePage+64)); commit > highest {
			page, highest = n, commit
		}
	}
	return page
}

// spoiltMetas are what may stand on one of the first two pages instead: also the
// other of them, which is a page that makes sense in another place.
func spoiltMetas(t *testing.T, path string, page int) map[string][]byte {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := largePage
	flipped := append([]byte(nil), whole[page*size:][:size]...)
	flipped[64]++
	return map[string][]byte{"nothing": make([]byte, size), "a flipped bit": flipped, "the other page": whole[(1-page)*size:][:size]}
}

// bbolt takes the page that is left, and with it the commit before, and says
// nothing.
func TestAStoreThatMayHaveLostItsLastCommitSaysSo(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(memoryDir(t), "dz.db")
	fillStore(t, whole, 10)
	for page := range 2 {
		for name, with := range spoiltMetas(t, whole, page) {
			path := copied(t, whole)
			if err := overwrite(path, int64(page*largePage), with); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("page %d is overwritten, one of the two that name the last commit", page)
			found := examine(t, path)
			if found.Total != 1 || found.Faults[0].Page != uint64(page) || !strings.HasPrefix(found.Faults[0].Problem, want) {
				t.Errorf("%s on page %d: faults %+v, want %q", name, page, found.Faults, want)
			}
			if found.Endpoints == 0 {
				t.Errorf("%s on page %d: what can be read is not told: %+v", name, page, found.Contents)
			}
			// Nobody would see it any more in a file that is made anew.
			if _, err := Compact(t.Context(), path); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s on page %d: compacting ends with %v", name, page, err)
			}
			db := mustOpen(t, path)
			if err := db.LastCommit(); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s on page %d: the opened store says %v", name, page, err)
			}
			addEndpoint(t, db, "after")
			closing(t, db)
			if found := examine(t, path); found.Total > 0 {
				t.Errorf("%s on page %d: a commit later there is %+v", name, page, found.Faults)
			}
		}
	}
	if err := mustOpen(t, whole).LastCommit(); err != nil {
		t.Errorf("of a sound store it is said: %v", err)
	}
}

// A file that was made anew and not changed since loses nothing with one of the
// two pages: else a restored or compacted store might be half of what it was.
func TestAFileMadeAnewHoldsAllByEitherOfItsFirstPages(t *testing.T) {
	t.Parallel()
	for name, makeAnew := range map[string]func(path string) error{
		"compacted": func(path string) error { _, err := Compact(t.Context(), path); return err },
		"restored": func(path string) error {
			_, err := Restore(t.Context(), copied(t, path), path, noonOfBackup())
			return err
		},
	} {
		path := filepath.Join(memoryDir(t), "dz.db")
		owing(t, path, 300, 700)
		before := examine(t, path)
		if err := makeAnew(path); err != nil {
			t.Fatal(err)
		}
		if err := overwrite(path, int64(newestMeta(t, path)*largePage), []byte("spoilt, where it says that it is page 1")); err != nil {
			t.Fatal(err)
		}
		if after := examine(t, path); after.Total != 1 || after.Contents != before.Contents {
			t.Errorf("%s: faults %+v; held %+v, holds %+v", name, after.Faults, before.Contents, after.Contents)
		}
	}
}

// copied returns the name of a copy of a file.
func copied(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(memoryDir(t), "dz.db")
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// numberAt reads a number of eight bytes.
func numberAt(t *testing.T, path string, offset int64) uint64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var number [8]byte
	if _, err := file.ReadAt(number[:], offset); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(number[:])
}
