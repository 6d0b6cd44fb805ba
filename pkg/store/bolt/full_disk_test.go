package bolt

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/store"
)

func TestAFullDiskIsSaidSo(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	path := filepath.Join(dir, "dz.db")
	db, err := Open(path, Options{KeepEvents: time.Hour, MaxEventBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	id, revision := addEndpoint(t, db, "shop")
	mustIngest(t, db, batch(id, revision, noon, 100, upTo(500)...))

	// Others fill the disk to the last byte.
	filler := filepath.Join(dir, "filler")
	fillDisk(t, filler)
	_, err = db.Ingest(t.Context(), batch(id, revision, noon, 100, upTo(1000)...))
	const want = "ingest: store is full: no space left on the disk but what is kept of it to go on delivering: " +
		"free more than 16 MiB, and 384 bytes for each debt; nothing is lost meanwhile"
	if !errors.Is(err, store.ErrFull) || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	now := noon.Add(time.Hour)
	debts := claim(t, db, id, now, 1000)
	if len(debts) != 500 {
		t.Errorf("%d debts can be claimed, want 500", len(debts))
	}
	if _, err := db.Settle(t.Context(), id, []store.Attempt{ended(now, attempt.Delivered, debts...)}); err != nil && !errors.Is(err, store.ErrFull) {
		t.Errorf("settle: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "another.db"), Options{}); !errors.Is(err, store.ErrFull) {
		t.Errorf("a new store on a full disk: %v", err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	mustSettle(t, db, id, ended(now, attempt.Delivered, debts...))
	mustIngest(t, db, batch(id, revision, noon, 100, upTo(1000)...))
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Endpoints[id].Open != 1000 {
		t.Errorf("%d debts, %v", stats.Endpoints[id].Open, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// A store that fills its disk by itself stops before the disk is full.
func TestAStoreDoesNotFillItsDiskToTheBrim(t *testing.T) {
	t.Parallel()
	path := filepath.Join(smallDisk(t), "dz.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(db.Check(t.Context()), db.Close()); err != nil {
			t.Error(err)
		}
	}()
	id, revision := addEndpoint(t, db, "shop")
	items, err := ingestUntilFull(t, db, id, revision, 0)
	if !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "no space left on the disk") {
		t.Fatal(err)
	}
	now := noon.Add(time.Hour)
	for range items / 100 {
		mustSettle(t, db, id, ended(now, attempt.Delivered, claim(t, db, id, now, 100)...))
	}
	mustIngest(t, db, batch(id, revision, noon, 100, upTo(1000)...))
}

// A copy needs the room that it takes, however much is kept of a disk before the
// store takes in more.
func TestASmallStoreIsCopiedOnADiskThatIsNearlyFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	path, filler := filepath.Join(dir, "dz.db"), filepath.Join(dir, "filler")
	owing(t, path, 100, 0)
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	leave := func(free int64) {
		t.Helper()
		left, _ := diskFree(dir)
		if err := os.WriteFile(filler, make([]byte, left-free), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	leave(3 << 20)
	if err := db.Backup(t.Context(), io.Discard); err != nil {
		t.Errorf("with 3 MiB free: %v", err)
	}
	closing(t, db)
	if _, err := Compact(t.Context(), path); err != nil {
		t.Errorf("with 3 MiB free: %v", err)
	}

	db = mustOpen(t, path)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	leave(8 << 10)
	const want = "store is full: no room on its disk for a copy of [0-9]+ bytes and [0-9]+ for what goes on meanwhile: 8192 are free"
	if err := db.Backup(t.Context(), io.Discard); !errors.Is(err, store.ErrFull) || !regexp.MustCompile(want).MatchString(err.Error()) {
		t.Errorf("with 8 KiB free: %v, want %s", err, want)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
}

// fillDisk writes a file until there is no space left.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for err == nil {
			_, err = f.WriteString(strings.Repeat("x", size))
		}
		if !isNoSpace(err) {
			t.Fatal(err)
		}
		err = nil
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
