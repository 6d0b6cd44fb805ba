package file

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// resting makes a source of n files of which two may be looked at in a look
// although they rest, and lets the time pass after which they do.
func resting(t *testing.T, n int, watched bool) *rig {
	t.Helper()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, "*.ndjson"), Options{MostResting: 2})
	t.Cleanup(r.stop)
	r.watched = watched
	r.restart()
	for i := range n {
		r.write(fmt.Sprintf("%02d.ndjson", i), lines("before"))
	}
	r.watchOut()
	r.ids = nil
	r.now = r.now.Add(restAfter)
	r.steps(1)
	return r
}

func (r *rig) asleep() int {
	n := 0
	for _, st := range r.src.streams {
		if st.asleep {
			n++
		}
	}
	return n
}

// Of files that nobody writes to, few are looked at in each look.
func TestFilesRest(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, true)
	for range 30 {
		r.steps(1)
		if got := r.asleep(); got != 18 {
			t.Fatalf("%d of 20 files are at rest, want 18", got)
		}
	}
	r.wantIDs()
}

// A file at rest that the system tells of is read at once, and then looked at
// for some time, told of or not.
func TestFileIsWokenByAWatch(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, true)
	r.add("11.ndjson", lines("a"))
	r.steps(1)
	r.wantIDs("a")
	r.watched = false // as a writer through a mapping
	for range 10 {
		r.add("11.ndjson", lines("b"))
		r.steps(1)
		r.wantIDs("b")
	}
}

// What a watch misses is found when it is the file's turn.
func TestFilesAtRestAreLookedAtInTurn(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, true)
	r.watched = false
	for _, name := range []string{"00", "07", "13", "19"} {
		r.add(name+".ndjson", lines(name))
		r.steps(20/2 + 1)
		r.wantIDs(name)
	}
}

// What the system says is too much to tell wakes every file.
func TestOverflowWakesAll(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, true)
	r.watched = false
	r.add("03.ndjson", lines("a"))
	r.add("17.ndjson", lines("b"))
	r.src.wakeAll()
	r.steps(2)
	if len(r.ids) != 2 {
		t.Errorf("received %v, want a and b", r.ids)
	}
}

// A file that was rotated away is looked at before what followed it is read, told
// of or not.
func TestRotatedFileDoesNotRest(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, true)
	for _, name := range []string{"03.ndjson", "11.ndjson", "18.ndjson"} {
		r.rename(name, name+".1")
		r.write(name, "")
		r.steps(2)
		r.src.last = time.Now().Add(time.Hour) // no survey helps
		r.add(name+".1", lines("old"))
		r.add(name, lines("new"))
		r.steps(1)
		r.wantIDs("old", "new")
	}
}

// Without a watch, no file rests.
func TestNoFileRestsUnwatched(t *testing.T) {
	t.Parallel()
	r := resting(t, 20, false)
	r.add("07.ndjson", lines("a"))
	r.steps(1)
	r.wantIDs("a")
	if got := r.asleep(); got != 0 {
		t.Errorf("%d files are at rest", got)
	}
}

// However much there is to look at, the source takes a small share of a core; a
// slow reading of directories does not keep it from looking at files.
func TestPollingIsBoundedByItsCost(t *testing.T) {
	t.Parallel()
	const look, list = 10 * time.Millisecond, 200 * time.Millisecond
	for _, test := range []struct {
		name    string
		pattern string
		covers  bool
		again   bool // directories have to be read in the next look
		cost    time.Duration
		want    time.Duration
	}{
		{"cheap", log, true, false, look / 1000, testPoll},
		{"watched", "*.ndjson", true, false, look, 400 * look},
		{"not watched", "*.ndjson", false, false, look, 100 * look},
		{"something is missing", "*.ndjson", true, true, look, 100 * (look + list)},
		{"directories by a pattern", "*/*.ndjson", true, false, look, 100 * (look + list)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.pattern)
			r.src.watch.covers, r.src.unsettled = test.covers, test.again
			r.src.pollCost, r.src.lookCost = test.cost, test.cost+list
			if got := r.src.pollAfter(); got != test.want {
				t.Errorf("looks again after %v, want %v", got, test.want)
			}
		})
	}
}

// What a look costs at 10,000 files that nobody writes to: the ratio of the two
// is what rest saves.
func BenchmarkLookAtRest(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.ndjson", i)), []byte(lines("a")), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%v", watched), func(b *testing.B) {
			r := startRig(b, dir, filepath.Join(dir, "*.ndjson"), Options{})
			defer r.stop()
			r.src.watch.covers = watched
			r.watchOut()
			r.now = r.now.Add(restAfter)
			r.src.last = time.Now().Add(time.Hour) // no survey: that is not what is measured
			for b.Loop() {
				r.steps(1)
			}
		})
	}
}
