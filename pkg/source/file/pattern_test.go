package file

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSymbolicLink(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.check(os.Mkdir(r.path("real"), 0o700))
	r.write("real/0.log", lines(sequence(0, 30)...))
	r.check(os.Symlink("real/0.log", r.path(log)))
	r.catchUp()
	r.stop()
	r.add("real/0.log", lines("a"))
	r.rename("real/0.log", "real/0.log.20261121")
	r.write("real/0.log", lines("b"))
	r.start()
	r.settle()
	r.wantIDs(append(sequence(0, 30), "a", "b")...)
	// The link is led elsewhere.
	r.add("real/0.log", lines("c"))
	r.write("real/1.log", lines("d"))
	r.check(os.Symlink("real/1.log", r.path("new")))
	r.rename("new", log)
	r.settle()
	r.wantIDs("c", "d")
	r.wantRejected()
}

func TestPatternIsChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines("a"))
	r.write("other.ndjson", lines("b"))
	r.catchUp()
	r.stop()
	r.add(log, lines("c"))
	r.rename(log, "renamed.ndjson")
	r.pattern = r.path("renamed.ndjson")
	r.start()
	r.settle()
	r.wantIDs("a", "c")
	r.stop()
	r.pattern = r.path("other.ndjson")
	r.start()
	r.settle()
	r.wantIDs("b")
	if len(r.stored) != 2 {
		t.Errorf("positions: %s", r.stored)
	}
}

func TestGlob(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join("*", "*.ndjson"))
	r.steps(2)
	r.wantStatus("waiting for "+r.pattern, true, "")
	r.check(os.Mkdir(r.path("a"), 0o700))
	r.write("a/one.ndjson", lines("a1"))
	r.write("a/two.ndjson", lines("a2"))
	r.write("a/three.txt", lines("no"))
	r.check(os.Mkdir(r.path("a/dir.ndjson"), 0o700))
	r.catchUp()
	slices.Sort(r.ids)
	r.wantIDs("a1", "a2")
	r.check(os.Mkdir(r.path("b"), 0o700))
	r.write("b/one.ndjson", lines("b1"))
	r.catchUp()
	r.wantIDs("b1")
	r.rename("a/one.ndjson", "b/moved.ndjson") // another name within the pattern
	r.add("b/moved.ndjson", lines("a3"))
	r.catchUp()
	r.wantIDs("a3")
	r.add("a/two.ndjson", lines("a4"))
	r.rename("a/two.ndjson", "a/gone.txt") // a name without
	r.catchUp()
	r.wantIDs("a4")
	r.restart()
	r.remove("b/one.ndjson")
	r.settle()
	r.wantIDs()
	r.add("b/moved.ndjson", lines("a5"))
	r.settle()
	r.wantIDs("a5")
	if got, want := r.src.Status().Position, "1 files, moved.ndjson:285"; got != want {
		t.Errorf("position %q, want %q", got, want)
	}
}

// A pattern that names the rotated files as well reads none of them twice.
func TestGlobNamesTheRotatedFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, log+"*")
	r.write(kept, lines("older"))
	r.age(kept, time.Hour)
	r.write(log, lines(sequence(0, 30)...))
	r.settle()
	r.wantIDs(append([]string{"older"}, sequence(0, 30)...)...)
	for i, name := range []string{".2", ".3", ".4"} {
		r.add(log, lines(name))
		if i == 1 {
			r.copytruncate(log, log+name)
		} else {
			r.rename(log, log+name)
		}
		r.write(log, lines("after"+name))
		r.settle()
		r.wantIDs(name, "after"+name)
		r.compress(log + name)
		r.settle()
		r.wantIDs()
		r.restart()
		r.settle()
		r.wantIDs()
	}
	r.wantRejected()
}

// Of more files than may be open, each is read.
func TestMoreFilesThanMayBeOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, "*.ndjson"), Options{MaxOpen: 3, BatchLines: 4})
	defer r.stop()
	open := 0
	r.src.open = func(path string) (*os.File, error) {
		open = max(open, len(r.src.opened))
		return openFile(path)
	}
	var want []string
	for round := range 3 {
		for i := range 10 {
			id := string(rune('a'+i)) + string(rune('0'+round))
			r.add(id[:1]+".ndjson", lines(id))
			want = append(want, id)
		}
		r.catchUp()
	}
	for i := range 10 { // all are rotated at once
		name := string(rune('a'+i)) + ".ndjson"
		r.add(name, lines(name))
		r.rename(name, name+".1")
		r.write(name, lines(name+"2"))
		want = append(want, name, name+"2")
	}
	r.settle()
	slices.Sort(want)
	slices.Sort(r.ids)
	r.wantIDs(want...)
	if open > 3 || len(r.src.opened) > 3 {
		t.Errorf("%d and %d files open", open, len(r.src.opened))
	}
}

// No file starves while another has much to read.
func TestFilesTakeTurns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, "*.ndjson"), Options{BatchLines: 10})
	defer r.stop()
	r.write("a.ndjson", lines(sequence(0, 1000)...))
	r.write("b.ndjson", lines("b"))
	r.steps(3)
	if !slices.Contains(r.ids, "b") {
		t.Errorf("%d events, none of the second file", len(r.ids))
	}
}

// Whoever takes the batches may have less room at one time than at another.
func TestABatchIsNoLongerThanThereIsRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	room := 3
	r := startRig(t, dir, filepath.Join(dir, log), Options{BatchLines: 100, Room: func() int { return room }})
	defer r.stop()
	r.write(log, lines(sequence(0, 300)...))
	for _, c := range []struct{ room, want int }{{3, 3}, {7, 7}, {0, 1}, {1000, 100}} {
		room = c.room
		batch := r.step()
		for len(batch.Events) == 0 { // the first look finds the file
			batch = r.step()
		}
		if len(batch.Events) != c.want {
			t.Errorf("with room for %d: a batch of %d, want %d", c.room, len(batch.Events), c.want)
		}
		r.store(batch)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, log), Options{BatchLines: 100, BatchBytes: 5000})
	defer r.stop()
	r.write(log, lines(sequence(0, 500)...)+strings.Repeat("x\n", 500))
	var kept [][]byte
	for !r.src.Status().CaughtUp {
		batch := r.step()
		var bytes int
		for _, e := range batch.Events {
			bytes += len(e.Raw)
			kept = append(kept, e.Raw)
		}
		if n := len(batch.Events) + len(batch.Rejected); n > 100 || bytes > 5000+200 {
			t.Fatalf("a batch of %d lines, %d bytes", n, bytes)
		}
		r.store(batch)
	}
	var text strings.Builder
	for _, raw := range kept { // still what they were
		text.Write(raw)
		text.WriteByte('\n')
	}
	if diff := cmp.Diff(lines(sequence(0, 500)...), text.String()); diff != "" {
		t.Error(diff)
	}
	if len(r.rejected) != 500 {
		t.Errorf("%d rejections", len(r.rejected))
	}
}
