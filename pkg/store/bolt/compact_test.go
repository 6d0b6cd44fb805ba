package bolt

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

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

// A store has the pages that suit the size it may grow to when it is made, and keeps
// them: compacted, and if it may grow otherwise.
func TestAStoreKeepsThePagesItWasMadeWith(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		maxSize  int64
		pageSize int
	}{{0, largePage}, {largePagesFrom, largePage}, {largePagesFrom - 1, smallPage}} {
		path := filepath.Join(memoryDir(t), "dz.db")
		for n, limit := range []int64{c.maxSize, 0, 1 << 20} {
			options := testOptions()
			options.MaxSize = limit
			db, err := Open(path, options)
			if err != nil {
				t.Fatal(err)
			}
			if got := db.bolt.Info().PageSize; got != c.pageSize {
				t.Errorf("made to grow to %d, opened to grow to %d: pages of %d bytes, want %d", c.maxSize, limit, got, c.pageSize)
			}
			if n == 0 {
				owe(t, db, "shop", 5)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := Compact(t.Context(), path); err != nil {
				t.Fatal(err)
			}
		}
		if got := owed(t, path); got != 5 {
			t.Errorf("%d debts, want 5", got)
		}
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
