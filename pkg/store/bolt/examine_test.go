package bolt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

func examine(t *testing.T, path string) Examination {
	t.Helper()
	found, err := Examine(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestASoundStoreHasNoFaults(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	owing(t, path, 300, 700)
	found := examine(t, path)
	if found.Total > 0 || found.Damage() != nil {
		t.Fatalf("faults: %+v", found.Faults)
	}
	if found.Endpoints != 1 || found.Debts.Open != 300 || found.Events != 1000 || found.FreePages == 0 ||
		!found.Oldest.Equal(noonOfBackup()) || found.Format != Format || found.Free() >= found.Size {
		t.Errorf("%+v", found.Inspection)
	}
	// Seen while it is in use, it is the same.
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	online, err := db.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byName := func(i Inspection) map[string]BucketSize {
		sizes := make(map[string]BucketSize)
		for _, b := range i.Buckets {
			sizes[b.Name] = b
		}
		return sizes
	}
	if diff := cmp.Diff(byName(found.Inspection), byName(online)); diff != "" {
		t.Errorf("buckets offline and online:\n%s", diff)
	}
	if diff := cmp.Diff(found.Contents, online.Contents); diff != "" {
		t.Errorf("contents offline and online:\n%s", diff)
	}
}

// Whatever is overwritten, it is said or does no harm; nothing crashes.
func TestWhatIsOverwrittenIsSaidOrDoesNoHarm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "dz.db")
	owing(t, path, 300, 100)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:examine(t, path).Pages*uint64(largePage)]
	random := rand.New(rand.NewPCG(1, 2))
	said := 0
	for n := range 150 {
		data := append([]byte(nil), whole...)
		page := random.IntN(len(data)/largePage) * largePage
		at := page + random.IntN(largePage)
		if n%2 == 0 { // in the page's header or its first elements
			at = page + random.IntN(64)
		}
		length := min(1+random.IntN(16), len(data)-at)
		for i := range length {
			data[at+i] ^= byte(1 + random.IntN(255))
		}
		name := fmt.Sprintf("%d bytes at %d of page %d", length, at-page, page/largePage)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := Examine(t.Context(), path)
		if err != nil && !errors.Is(err, store.ErrNewer) {
			t.Fatalf("%s: %v", name, err)
		}
		if found.Total > 0 {
			said++
			continue
		}
		db, openErr := Open(path, testOptions())
		if openErr != nil {
			if err == nil {
				t.Errorf("%s: nothing is said, and it does not open: %v", name, openErr)
			}
			continue
		}
		if err := db.Check(t.Context()); err != nil {
			t.Errorf("%s: nothing is said, and it is bad: %v", name, err)
		}
		closing(t, db)
	}
	if said < 25 {
		t.Errorf("of 150 faults only %d were said", said)
	}
}

// overwriteIn overwrites the header of a page of each bucket that has pages of
// its own, and returns which.
func overwriteIn(t *testing.T, path, bucket string) (page uint64) {
	t.Helper()
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = b.View(func(tx *bbolt.Tx) error {
		page = uint64(tx.Bucket([]byte(bucket)).RootPage())
		return nil
	})
	if err = errors.Join(err, b.Close()); err != nil || page == 0 {
		t.Fatalf("bucket %s has page %d, %v", bucket, page, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(make([]byte, 512), int64(page)*int64(largePage))
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return page
}

func TestABadPageIsNamedWithItsBucketAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	owing(t, path, 300, 0)
	due, debts := overwriteIn(t, path, "due"), overwriteIn(t, path, "owed")
	found := examine(t, path)
	var got []string
	for _, f := range found.Faults {
		got = append(got, fmt.Sprintf("page %d, bucket %s: %s", f.Page, f.Bucket, f.Problem))
	}
	want := []string{
		fmt.Sprintf("page %d, bucket due: page %d says that it is page 0", due, due),
		fmt.Sprintf("page %d, bucket owed: page %d says that it is page 0", debts, debts),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := found.Damage(); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("error %v", err)
	}
	events := uint64(0)
	for _, b := range found.Buckets {
		if b.Name == "events" {
			events = b.Entries
		}
	}
	if events != 1 {
		t.Errorf("%d chunks of events are found", events)
	}
}

// Records that no page's damage explains are named with their bucket and key.
func TestABadRecordIsNamedWithItsBucketAndKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bucket  string
		spoil   func(b *bbolt.Bucket) error
		key     string
		problem string
	}{
		{"owed", put("asset/1\x00\x00\x00\x00", "\x01\x09\x02\x00garbage\x01\x02\x02"), "asset/1\x00\x00\x00\x00", "a debt record: it is cut off or garbled"},
		{"owed", put("asset/1\x00\x00\x00\x00", "\x01\x01\x07\x01\x02\x02"), "asset/1\x00\x00\x00\x00", "a debt record has version 7, not 3"},
		{"owed", put("asset/1\x00\x00\x00\x00", "\x01\x09"), "asset/1\x00\x00\x00\x00", "a row of debts: it is cut off or garbled"},
		{"owed", remove("asset/1\x00\x00\x00\x00"), "", "the index names a debt of endpoint 2 that is not there"},
		{"due", removeFirst, "asset/0\x00\x00\x00\x00", "is not in the index of what is due"},
		{"trouble", put("\x00\x00\x00\x0200000000", "\x09"), "\x00\x00\x00\x0200000000", "a trouble record has version 9, not 1"},
		{"endpoints", put("\x00\x00\x00\x02", "{"), "\x00\x00\x00\x02", "the endpoint can't be read: unexpected end of JSON input"},
		{"names", put("other", "\x00\x00\x00\x09"), "other", `the name "other" belongs to no endpoint`},
		{"names", remove("shop"), "\x00\x00\x00\x02", `endpoint "shop" is not found by its name`},
		{"health", put("\x00\x00\x00\x02", "["), "\x00\x00\x00\x02", "the endpoint's health can't be read"},
		{"counts", put("\x00\x00\x00\x02", "\x00\x00\x00\x00\x00\x00\x00\x00"), "\x00\x00\x00\x02", "endpoint 2: counted are 0 open"},
		{"counts", put("\x00\x00\x00\x02", "\x01"), "\x00\x00\x00\x02", "the counts can't be read"},
		{"counts", remove("\x00\x00\x00\x02"), "\x00\x00\x00\x02", "endpoint 2 has debts, and they are not counted"},
		{"events", put("\x00\x00\x00\x00\x00\x00\x00\x01", "\x01\x01\x00\x01\x00junk"), "\x00\x00\x00\x00\x00\x00\x00\x01", "a chunk of events: "},
		{"events", removeFirst, "totals", "recent events are counted as"},
		{"rejected", put("\x00\x00\x00\x00\x00\x00\x00\x01", "?"), "\x00\x00\x00\x00\x00\x00\x00\x01", "rejected input can't be read"},
	} {
		t.Run(c.bucket+" "+c.problem, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "dz.db")
			owing(t, path, 3, 0)
			b, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = b.Update(func(tx *bbolt.Tx) error { return c.spoil(tx.Bucket([]byte(c.bucket))) })
			if err = errors.Join(err, b.Close()); err != nil {
				t.Fatal(err)
			}
			for _, f := range examine(t, path).Faults {
				if strings.Contains(f.Problem, c.problem) && (c.key == "" || c.key == string(f.Key)) && f.Bucket != "" {
					return
				}
			}
			t.Errorf("faults: %+v", examine(t, path).Faults)
		})
	}
}

func put(key, value string) func(*bbolt.Bucket) error {
	return func(b *bbolt.Bucket) error { return b.Put([]byte(key), []byte(value)) }
}

func remove(key string) func(*bbolt.Bucket) error {
	return func(b *bbolt.Bucket) error { return b.Delete([]byte(key)) }
}

func removeFirst(b *bbolt.Bucket) error {
	k, _ := b.Cursor().First()
	return b.Delete(k)
}

func TestAFileThatIsNoStoreIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, text, other := filepath.Join(dir, "empty"), filepath.Join(dir, "text"), filepath.Join(dir, "other")
	if err := errors.Join(
		os.WriteFile(empty, nil, 0o600), os.WriteFile(text, []byte(strings.Repeat("hello ", 5000)), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	b, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		empty: "it is empty", text: "it is no store, or its first pages are overwritten",
		other: "it is a bbolt database, but not one of dz",
	} {
		found := examine(t, path)
		if len(found.Faults) != 1 || !strings.HasPrefix(found.Faults[0].Problem, want) {
			t.Errorf("%s: %+v, want %s", path, found.Faults, want)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Examine(t.Context(), path); err == nil {
			t.Errorf("%s is examined", path)
		}
	}
}

func TestAFileThatIsCutOffNearItsBeginningIsSaidToBeDamaged(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{5, smallPage, largePage, largePage + 3000, 2*largePage - 1, 4*largePage - 1} {
		for _, firstPage := range []string{"whole", "destroyed"} {
			path := emptyStore(t)
			if firstPage == "destroyed" {
				if err := overwrite(path, 0, make([]byte, largePage)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			if found := examine(t, path); found.Total == 0 {
				t.Errorf("%d bytes, the first page %s: no fault is found", size, firstPage)
			}
			if _, err := InspectFile(t.Context(), path); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%d bytes, the first page %s: %v, want %v", size, firstPage, err, store.ErrDamaged)
			}
		}
	}
}
