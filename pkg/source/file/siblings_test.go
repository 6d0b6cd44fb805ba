package file

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

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
