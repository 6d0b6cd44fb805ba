package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (r *rig) wantStatus(position string, caughtUp bool, trouble string) {
	r.t.Helper()
	got := r.src.Status()
	if got.Position != position || got.CaughtUp != caughtUp || !strings.Contains(got.Error, trouble) || (trouble == "") != (got.Error == "") {
		r.t.Fatalf("status %+v, want position %q, caught up %v, error with %q", got, position, caughtUp, trouble)
	}
}

// steps lets some polls pass and stores what they bring.
func (r *rig) steps(n int) {
	r.t.Helper()
	for range n {
		r.store(r.step())
	}
}

func TestFirstStartReadsOnlyThePath(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(kept, lines(sequence(0, 50)...))
	r.write(log+".2.gz", string(zipped(lines("x"))))
	r.write(log, lines("a"))
	r.settle()
	r.wantIDs("a")
	// What was there before stays unread, also when rotation moves it.
	r.compress(kept)
	r.rename(log+".2.gz", log+".3.gz")
	r.rename(kept+".gz", log+".2.gz")
	r.rename(log, kept)
	r.write(log, lines("b"))
	r.settle()
	r.restart()
	r.settle()
	r.wantIDs("b")
	r.wantRejected()
}

// A pattern that was looked at is known, even if no file was there: what is
// rotated away during the next downtime is not what was there before.
func TestRotationBeforeTheFirstLine(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.catchUp()
	r.stop()
	r.write(log, lines("a"))
	r.rename(log, kept)
	r.write(log, lines("b"))
	r.start()
	r.settle()
	r.wantIDs("a", "b")
}

func TestFileThatDoesNotExistYet(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join("spool", log))
	waiting := "waiting for " + r.pattern
	if got := r.src.Status(); got.CaughtUp || got.Lag != -1 {
		t.Fatalf("status before the first look: %+v", got)
	}
	r.steps(2)
	r.wantStatus(waiting, true, "")
	r.check(os.Mkdir(r.path("spool"), 0o700))
	r.steps(1)
	r.wantStatus(waiting, true, "")
	r.write("spool/"+log, lines("a"))
	r.steps(2)
	r.wantStatus("events.ndjson:94", true, "")
	r.wantIDs("a")
}

func TestLag(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, log), Options{BatchLines: 2})
	defer r.stop()
	r.write(log, lines("a", "b", "c")+`{"id"`)
	r.steps(1)
	if got := r.src.Status(); got.Lag != 94+5 || got.CaughtUp || got.Position != "events.ndjson:188" {
		t.Errorf("status %+v", got)
	}
	r.steps(3)
	if got := r.src.Status(); got.Lag != 5 || !got.CaughtUp || got.Position != "events.ndjson:282" {
		t.Errorf("status %+v", got)
	}
}

func TestObstaclesAreReportedAndWaitedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		make func(r *rig) error
		want string
	}{
		{"a directory", func(r *rig) error { return os.Mkdir(r.pattern, 0o700) }, "events.ndjson is a directory"},
		{"a FIFO", func(r *rig) error { return syscall.Mkfifo(r.pattern, 0o600) }, "events.ndjson is a FIFO"},
		{"a device", func(r *rig) error { return os.Symlink(os.DevNull, r.pattern) }, "events.ndjson is a device"},
		{"a link to itself", func(r *rig) error { return os.Symlink(log, r.pattern) }, "too many levels of symbolic links"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.check(test.make(r))
			r.steps(2)
			r.wantStatus("waiting for "+r.pattern, false, test.want)
			r.remove(log)
			r.write(log, lines("a"))
			r.steps(3)
			r.wantStatus("events.ndjson:94", true, "")
			r.wantIDs("a")
		})
	}
}

func TestFileThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	var denied error = &fs.PathError{Op: "open", Path: r.pattern, Err: fs.ErrPermission}
	r.src.open = func(path string) (*os.File, error) {
		if denied != nil {
			return nil, denied
		}
		return openFile(path)
	}
	r.write(log, lines("a"))
	r.steps(3)
	r.wantStatus("events.ndjson:0", false, "permission denied")
	denied = nil
	r.steps(2)
	r.wantStatus("events.ndjson:94", true, "")
	r.wantIDs("a")
}

func TestDirectoryThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	r := newRig(t, filepath.Join("spool", "*.ndjson"))
	r.check(os.Mkdir(r.path("spool"), 0o000))
	r.steps(2)
	r.wantStatus("waiting for "+r.pattern, false, "permission denied")
}

// Several rotations while dz is down, with a policy of names each.
func TestNamesOfRotatedFiles(t *testing.T) {
	t.Parallel()
	for name, names := range map[string][3]string{
		"numbers":             {".3", ".2", ".1"},
		"many numbers":        {".11", ".10", ".9"},
		"compressed numbers":  {".3.gz", ".2.gz", ".1"},
		"dates":               {"-20261119", "-20261120", "-20261121"},
		"compressed dates":    {"-20261119.gz", "-20261120.gz", "-20261121.gz"},
		"dates in the middle": {"events-2026-11-19.ndjson", "events-2026-11-20.ndjson.gz", "events-2026-11-21.ndjson"},
		"words":               {".oldest", ".older", ".old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.write(log, lines(sequence(0, 30)...))
			r.catchUp()
			r.stop()
			r.add(log, lines("a"))
			for i, name := range names {
				if name[0] != 'e' {
					name = log + name
				}
				plain, compressed := strings.CutSuffix(name, ".gz")
				r.rename(log, plain)
				r.age(plain, time.Duration(-i)*time.Minute) // later ones are newer
				if compressed {
					r.compress(plain)
				}
				r.write(log, lines([]string{"b", "c", "d"}[i]))
			}
			r.start()
			r.settle()
			r.wantIDs(append(sequence(0, 30), "a", "b", "c", "d")...)
			r.wantRejected()
			r.restart()
			r.settle()
			r.wantIDs()
		})
	}
}

func TestSiblingNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"events.ndjson":               false,
		"events.ndjson.1":             true,
		"events.ndjson.1.gz":          true,
		"events.ndjson-20261121":      true,
		"events.ndjson.old":           true,
		"events-20261121.ndjson":      true,
		"events-2026-11-21.ndjson.gz": true,
		"events.1.ndjson":             true,
		"events-errors.ndjson":        false,
		"events2.ndjson":              false,
		"events-1.log":                false,
		"other.ndjson.1":              false,
		".events.ndjson.swp":          false,
	} {
		if got := isSibling(log, name); got != want {
			t.Errorf("isSibling(%q) = %v", name, got)
		}
	}
	if !isSibling("spool", "spool.1") || isSibling("spool", "spool") || isSibling("spool", "sp-1") {
		t.Error("a name without ending")
	}
}

// An inode that was given to another file proves nothing.
func TestReusedInode(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(sequence(0, 30)...))
	r.catchUp()
	r.stop()
	r.write(log, lines(sequence(100, 150)...)) // the same inode
	r.start()
	r.settle()
	r.wantIDs(append(sequence(0, 30), sequence(100, 150)...)...)
}

// Files that begin alike for more than the fingerprint's length are told apart by
// what lies before the offset.
func TestFilesThatBeginAlike(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(append(sequence(0, 30), "a")...))
	r.catchUp()
	r.write(log, lines(append(sequence(0, 30), "b", "c")...))
	r.age(log, time.Minute)
	r.catchUp()
	r.wantIDs(append(append(sequence(0, 30), "a"), append(sequence(0, 30), "b", "c")...)...)
}

// After a move to another disk, or if device numbers change at boot, the content
// alone must do.
func TestOtherDevice(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(sequence(0, 3)...))
	r.write("other", "")
	r.catchUp()
	r.stop()
	r.copy(log, "moved")
	r.add("moved", lines("a"))
	r.rename("moved", log)
	r.start()
	r.settle()
	r.wantIDs(append(sequence(0, 3), "a")...)
}

// An empty directory may be one that nothing is mounted on yet.
func TestFileSystemThatIsNotMounted(t *testing.T) {
	t.Parallel()
	r := newRig(t, filepath.Join("mnt", log))
	r.check(os.Mkdir(r.path("mnt"), 0o700))
	r.write("mnt/"+log, lines(sequence(0, 30)...))
	r.catchUp()
	r.stop()
	r.rename("mnt", "disk")
	r.start()
	r.settle()
	r.check(os.Mkdir(r.path("mnt"), 0o700))
	r.settle()
	r.remove("mnt")
	r.rename("disk", "mnt")
	r.add("mnt/"+log, lines("a"))
	r.settle()
	r.wantIDs(append(sequence(0, 30), "a")...)
}

func TestForgottenWhenGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines(sequence(0, 30)...))
	r.catchUp()
	if got := len(r.stored); got != 2 { // the pattern's and the file's
		t.Fatalf("%d positions", got)
	}
	r.rename(log, kept)
	r.settle()
	if got := len(r.stored); got != 2 {
		t.Fatalf("%d positions, want that of the rotated file kept", got)
	}
	r.remove(kept)
	r.write("other", "")
	r.settle()
	r.steps(10)
	if got := len(r.stored); got != 1 {
		t.Fatalf("%d positions, want the file forgotten: %s", got, r.stored)
	}
	r.write(log, lines("a"))
	r.catchUp()
	r.remove(log)
	r.settle()
	r.steps(10)
	if got := len(r.stored); got != 1 {
		t.Fatalf("%d positions, want the file forgotten: %s", got, r.stored)
	}
}

func TestOtherCompressions(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines("a"))
	r.catchUp()
	r.stop()
	r.rename(log, kept)
	r.write(log+".2.zst", "\x28\xb5\x2f\xfd")
	r.write(log, lines("b"))
	r.start()
	r.settle()
	r.wantIDs("a", "b")
	r.wantRejected(`events.ndjson.2.zst:0 the file is compressed (.zst); of compressions only gzip is read: "" (4)`)
	r.restart()
	r.rename(log+".2.zst", log+".3.zst")
	r.settle()
	r.wantRejected()
}

func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	whole := zipped(lines(sequence(0, 2000)...))
	flipped := slices.Clone(whole)
	flipped[len(flipped)-6]++
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"cut short":         {whole[:len(whole)/2], "the gzip file is damaged: it ends in the middle"},
		"wrong checksum":    {flipped, "the gzip file is damaged: gzip: invalid checksum"},
		"nothing but magic": {whole[:2], "the gzip file is damaged: it ends in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, log)
			r.write(log, lines("a"))
			r.catchUp()
			r.rename(log, log+".2")
			r.write(kept+".gz", string(test.data))
			r.write(log, lines("b"))
			r.settle()
			r.settle()
			if r.ids[0] != "a" || r.ids[len(r.ids)-1] == "a" || !slices.Contains(r.ids, "b") {
				t.Errorf("events %v", r.ids)
			}
			last := r.rejected[len(r.rejected)-1]
			if last.Reason != test.want {
				t.Errorf("rejected: %s", r.rejections())
			}
			r.ids, r.rejected = nil, nil
			r.restart()
			r.settle()
			r.wantIDs()
			r.wantRejected()
		})
	}
}

// A compressor at work: its file is whole only later.
func TestGzipUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.write(log, lines("a"))
	r.catchUp()
	r.rename(log, log+".2")
	data := zipped(lines(sequence(0, 2000)...))
	for _, n := range []int{0, 1, 5, 500, len(data) - 1, len(data)} {
		r.write(kept+".gz", string(data[:n]))
		r.check(os.Chtimes(r.path(kept+".gz"), r.now, r.now))
		r.steps(2)
	}
	r.write(log, lines("b"))
	r.settle()
	slices.Sort(r.ids)
	want := append(sequence(0, 2000), "a", "b")
	slices.Sort(want)
	r.wantIDs(want...)
	r.wantRejected()
}

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

func TestNextAfterClose(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.check(r.src.Close())
	if _, err := r.src.Next(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	r.check(r.src.Close())
}
