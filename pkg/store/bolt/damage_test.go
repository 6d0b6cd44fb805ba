package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// bbolt would go on from the commit before, with what it knows of the last one.
func TestAWriterNoticesThatTheLastCommitIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id, revision := addEndpoint(t, db, "shop")
	for n := range 3 {
		mustIngest(t, db, batch(id, revision, noon, 0, n))
	}
	newest := int64(newestMeta(t, path)) * int64(largePage)
	if err := overwrite(path, newest, make([]byte, largePage)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Ingest(t.Context(), batch(id, revision, noon, 0, 9)); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("after the last commit was spoilt, an ingest ends with %v", err)
	}
	if !errors.Is(db.Damage(), store.ErrDamaged) {
		t.Errorf("the damage is told as %v", db.Damage())
	}
}

// useEverything calls everything, and returns what the calls say. None of them
// may end the process, or say anything but that the store is damaged.
func useEverything(t *testing.T, name string, db *DB) (damaged int) {
	t.Helper()
	ctx := t.Context()
	later := noon.Add(1000 * time.Hour)
	note := func(call string, err error) {
		if errors.Is(err, store.ErrDamaged) {
			damaged++
		} else if err != nil {
			t.Errorf("%s: %s: %v", name, call, err)
		}
	}
	all, err := db.Endpoints(ctx)
	note("endpoints", err)
	_, err = db.Stats(ctx)
	note("stats", err)
	_, err = db.Positions(ctx, "spool")
	note("positions", err)
	_, err = db.Events(ctx, 0, 1000)
	note("events", err)
	_, err = db.EventsSince(ctx, 0, noon, 1000)
	note("events since", err)
	_, err = db.Rejected(ctx, 0, 1000)
	note("rejected", err)
	failures, _, err := db.Failures(ctx, debt.Selection{Retrying: true}, "", 1000)
	note("failures", err)
	for _, f := range failures[:min(3, len(failures))] {
		if _, err = db.Failure(ctx, f.ID); !errors.Is(err, store.ErrNotFound) {
			note("failure", err)
		}
	}
	const id = 2 // that fillStore gives
	_, err = db.CountDue(ctx, id, later)
	note("count due", err)
	_, err = db.Hasten(ctx, id, noon.Add(2*time.Hour))
	note("hasten", err)
	claimed, err := db.Claim(ctx, store.ClaimRequest{Endpoint: id, Now: later, Limit: 50})
	note("claim", err)
	_, err = db.Settle(ctx, id, []store.Attempt{ended(later, attempt.Delivered, claimed.Debts...)})
	note("settle", err)
	_, err = db.Ingest(ctx, batch(id, all.Revision, later, 50, upTo(1000)...))
	if !errors.Is(err, store.ErrRevision) {
		note("ingest", err)
	}
	_, _, err = db.Retry(ctx, debt.Selection{}, later, "", 50)
	note("retry", err)
	_, _, err = db.Purge(ctx, debt.Selection{}, "", 50)
	note("purge", err)
	_, err = db.AddEndpoint(ctx, testEndpoint("another"))
	if !errors.Is(err, store.ErrExists) {
		note("add", err)
	}
	for _, ep := range all.List {
		_, err = db.ResetHealth(ctx, ep.ID, time.Now())
		note("reset health", err)
		_, err = db.UpdateEndpoint(ctx, ep.Name, func(e *endpoint.Endpoint) error { e.Enabled = false; return nil })
		note("update", err)
		_, err = db.RemoveEndpoint(ctx, ep.Name)
		note("remove", err)
	}
	note("maintain", db.Maintain(ctx, later))
	return damaged
}

// ones are bytes that are no page, no size and no place.
var ones = binary.LittleEndian.AppendUint64(nil, 1<<64-1)

// spots are places in a page, and how many bytes to overwrite there.
var spots = []struct {
	name         string
	offset, size int
}{
	{"id", 0, 8},
	{"flags", 8, 2},
	{"count", 10, 2},
	{"overflow", 12, 4},
	{"first element", 16, 4},
	{"first element", 20, 4},
	{"first element", 24, 4},
	{"first element", 28, 4},
	{"tenth element", 16 + 9*16, 8},
	{"last value", largePage - 40, 8},
}

// eachSpot calls do with each spot of each page in use but the meta pages.
func eachSpot(whole []byte, do func(name string, offset int64, with []byte)) {
	size := largePage
	for page := 2; page < len(whole)/size; page++ {
		for _, s := range spots {
			do(fmt.Sprintf("page %d, %s at %d", page, s.name, s.offset), int64(page*size+s.offset), ones[:s.size])
		}
	}
}

func filled(t *testing.T) (whole []byte) {
	t.Helper()
	path := filepath.Join(memoryDir(t), "dz.db")
	fillStore(t, path, 60)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

// A file with any spot overwritten is damaged when it is opened, or opens, if
// bbolt can live with it; then each call works or says that it is damaged.
func TestAFileWithSpoiltPagesIsRefusedOrLivedWith(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	path := filepath.Join(memoryDir(t), "dz.db")
	refused, lived := 0, 0
	eachSpot(whole, func(name string, offset int64, with []byte) {
		data := append([]byte(nil), whole...)
		copy(data[offset:], with)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, testOptions())
		if err != nil {
			refused++
			if !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
		lived++
		useEverything(t, name, db)
		if err := db.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	})
	if refused < 20 || lived < 20 {
		t.Errorf("%d files were refused, %d lived with; want many of each", refused, lived)
	}
}

// A page that goes bad while the store is open, which a disk or another program
// may do, makes errors, and the process goes on.
func TestAPageThatGoesBadWhileTheStoreIsOpenMakesErrors(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	size := largePage
	for _, c := range []struct {
		name string
		with []byte
	}{
		{"zeros", make([]byte, size)},
		{"ones", bytes.Repeat([]byte{0xff}, size)},
		{"another page", whole[3*size : 4*size]},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := memoryDir(t)
			damaged := 0
			for page := range len(whole) / size {
				path := filepath.Join(dir, fmt.Sprint(page))
				if err := os.WriteFile(path, whole, 0o600); err != nil {
					t.Fatal(err)
				}
				db, err := Open(path, testOptions())
				if err != nil {
					t.Fatal(err)
				}
				if err := overwrite(path, int64(page*size), c.with); err != nil {
					t.Fatal(err)
				}
				met := useEverything(t, fmt.Sprintf("page %d", page), db)
				if damage := db.Damage(); errors.Is(damage, store.ErrDamaged) != (met > 0) {
					t.Errorf("page %d: %d calls met damage, and the store says %v", page, met, damage)
				}
				damaged += met
				if err := db.Close(); err != nil {
					t.Errorf("page %d: close: %v", page, err)
				}
			}
			if damaged < 20 {
				t.Errorf("%d calls met damage; want many", damaged)
			}
		})
	}
}

func overwrite(path string, offset int64, with []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(with, offset)
	return errors.Join(err, f.Close())
}

// A file that is cut off below an open store faults where it is read, even in
// the pages that bbolt reads under its locks.
func TestAFileCutOffWhileTheStoreIsOpenMakesErrors(t *testing.T) {
	t.Parallel()
	for _, pages := range []int{0, 1, 2, 4} {
		path := filepath.Join(memoryDir(t), "dz.db")
		fillStore(t, path, 300)
		db, err := Open(path, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(pages*largePage)); err != nil {
			t.Fatal(err)
		}
		if damaged := useEverything(t, "cut off", db); damaged < 5 {
			t.Errorf("cut off at page %d, %d calls met damage, want more", pages, damaged)
		}
		if err := db.Close(); err != nil && !errors.Is(err, store.ErrDamaged) {
			t.Error(err)
		}
	}
}

// A page may change while it is gone through, and then show keys that no page has.
func TestAKeyThatIsTooShortIsDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bucket []byte
		read   func(db *DB) error
	}{
		{bucketCounts, func(db *DB) error { _, err := db.Stats(t.Context()); return err }},
		{bucketRejected, func(db *DB) error { _, err := db.Rejected(t.Context(), 0, 10); return err }},
		{bucketEvents, func(db *DB) error { _, err := db.Events(t.Context(), 0, 10); return err }},
		{bucketNames, func(db *DB) error { _, err := db.Endpoints(t.Context()); return err }},
		{bucketTrouble, func(db *DB) error {
			_, _, err := db.Failures(t.Context(), debt.Selection{Retrying: true}, "", 10)
			return err
		}},
	} {
		path := filepath.Join(memoryDir(t), "dz.db")
		db := mustOpen(t, path)
		err := db.bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket(c.bucket).Put([]byte{0xff}, []byte("x")) })
		if err != nil {
			t.Fatal(err)
		}
		if err := c.read(db); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("bucket %s: %v", c.bucket, err)
		}
	}
}
