package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// mapped returns how many bytes of a mapped file count as this process's memory.
func mapped(t *testing.T, path string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := bytes.Cut(text, []byte(path+"\n"))
	_, text, told := bytes.Cut(text, []byte("\nRss:"))
	value, _, _ := bytes.Cut(text, []byte("kB"))
	kib, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	if !found || !told || err != nil {
		t.Fatalf("/proc does not tell how much of %s is mapped: %v", path, err)
	}
	return kib << 10
}

func TestWalkingThroughABacklogTakesNoMemoryThatGrowsWithIt(t *testing.T) {
	t.Parallel()
	const debts, batchSize = 150_000, 150 // small batches, so that the index lies scattered
	note := make([]byte, 100)             // makes a large file
	path := filepath.Join(t.TempDir(), "dz.db")
	db, err := Open(path, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, db)
	id, revision := addEndpoint(t, db, "shop")
	for from := 0; from < debts; from += batchSize {
		in := batch(id, revision, noon.Add(time.Duration(from)), 0, items(from, batchSize, 1<<30)...)
		in.Events = []event.Event{}
		for i := range in.Changes {
			in.Changes[i].Note = note
		}
		mustIngest(t, db, in)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() < releaseFrom*5/4 {
		t.Fatalf("the file has only %d MiB", info.Size()>>20)
	}
	// Each page that is read brings some of its neighbours with it.
	most := info.Size() / 4
	for _, c := range []struct {
		name string
		walk func() (uint64, error)
		want uint64
	}{
		{"counting what is due", func() (uint64, error) { return db.CountDue(t.Context(), id, noon.Add(time.Hour)) }, debts},
		{"rewinding", func() (uint64, error) { return db.Rewind(t.Context(), id, noon) }, 0},
	} {
		db.releasePages()
		n, err := c.walk()
		if err != nil || n != c.want {
			t.Fatalf("%s: %d, %v; want %d", c.name, n, err, c.want)
		}
		if got := mapped(t, path); got > most {
			t.Errorf("%s left %d MiB mapped of a file of %d MiB", c.name, got>>20, info.Size()>>20)
		}
	}
}

// Lists give pages back after so many bytes, not after each page of theirs.
func TestListingTheCatalogueTakesNoMemoryThatGrowsWithIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dz.db")
	db := mustOpen(t, path)
	random := rand.New(rand.NewPCG(1, 2)) // what can be compressed makes no large file
	data := make([]byte, 16<<10)
	const assets = 3000
	for from := 0; from < assets; from += 500 {
		var some []catalogue.Asset
		for n := from; n < from+500; n++ {
			for i := range data {
				data[i] = '0' + byte(random.IntN(10))
			}
			some = append(some, catalogue.Asset{ID: event.IntID(int64(n)), Data: fmt.Appendf(nil, `{"n":%q}`, data), Changed: noon})
		}
		if _, err := db.ImportAssets(t.Context(), some, noon); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []catalogue.Part{catalogue.Whole, catalogue.Bare} {
		db.releasePages()
		n, cursor := 0, ""
		for n == 0 || cursor != "" {
			var page []catalogue.Asset
			var err error
			if page, cursor, err = db.ListAssetParts(t.Context(), part, cursor, 100); err != nil {
				t.Fatal(err)
			}
			n += len(page)
			if got := mapped(t, path); got > 2*releaseAfter {
				t.Fatalf("after %d assets %d MiB are mapped", n, got>>20)
			}
		}
		if n != assets {
			t.Errorf("%d assets, want %d", n, assets)
		}
	}
}
