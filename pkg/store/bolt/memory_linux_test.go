package bolt

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
