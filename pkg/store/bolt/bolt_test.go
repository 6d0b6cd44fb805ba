package bolt

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/seal"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/store/storetest"
)

// testOptions keep events and spare the disk: what a killed process leaves
// doesn't depend on flushing.
func testOptions() Options {
	return Options{KeepEvents: DefaultKeepEvents, MaxEventBytes: DefaultMaxEventBytes, NoSync: true, Sealer: testKey()}
}

// testKey is the key of every store in these tests.
var testKey = sync.OnceValue(func() *seal.Key {
	key, err := seal.Parse(strings.Repeat("5e", seal.KeySize))
	if err != nil {
		panic(err)
	}
	return key
})

// harness opens a store, and crashes it by copying the file as it is and
// opening the copy: what a process finds after kill -9.
type harness struct {
	dir     string
	crashes int
	db      *DB
	old     []*DB
}

func newHarness(tb testing.TB) *harness {
	tb.Helper()
	h := &harness{dir: memoryDir(tb)}
	h.open(tb)
	tb.Cleanup(func() {
		for _, db := range append(h.old, h.db) {
			if err := db.Close(); err != nil {
				tb.Errorf("close: %v", err)
			}
		}
	})
	return h
}

func (h *harness) path(n int) string { return filepath.Join(h.dir, "dz.db"+string(rune('a'+n%26))) }

func (h *harness) open(tb storetest.TB) {
	db, err := Open(h.path(h.crashes), testOptions())
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	h.db = db
}

func (h *harness) Engine() store.Engine { return h.db }

func (h *harness) Crash(tb storetest.TB) {
	from := h.path(h.crashes)
	h.crashes++
	stats, err := h.db.Stats(context.Background())
	if err != nil {
		tb.Fatalf("stats: %v", err)
	}
	if err := copyFile(from, h.path(h.crashes), stats.Size); err != nil {
		tb.Fatalf("copy store: %v", err)
	}
	h.old = append(h.old, h.db)
	if len(h.old) > 20 { // the names come round
		for _, db := range h.old {
			if err := db.Close(); err != nil {
				tb.Fatalf("close: %v", err)
			}
		}
		h.old = nil
	}
	h.open(tb)
}

func (h *harness) Restore(tb storetest.TB, backup []byte) {
	file := filepath.Join(h.dir, "backup")
	if err := os.WriteFile(file, backup, 0o600); err != nil {
		tb.Fatalf("write backup: %v", err)
	}
	if err := h.db.Close(); err != nil {
		tb.Fatalf("close: %v", err)
	}
	if _, err := Restore(context.Background(), file, h.path(h.crashes), noonOfBackup()); err != nil {
		tb.Fatalf("%v", err)
	}
	h.open(tb)
}

func (h *harness) Check(tb storetest.TB) {
	if err := h.db.Check(context.Background()); err != nil {
		tb.Errorf("check: %v", err)
	}
}

func noonOfBackup() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// copyFile copies the beginning of a file: a store's end is not in use yet, and
// has no bytes on the disk.
func copyFile(from, to string, size int64) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(dst, src, size); err != nil {
		return err
	}
	return dst.Close()
}

func TestEngineKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(tb testing.TB) storetest.Harness {
		tb.Helper()
		return newHarness(tb)
	})
}
