package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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

// While nothing can be taken in, nobody looks, and what is written is lag all the
// same.
func TestLagGrowsWhileNothingIsTakenIn(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	want := func(position string, lag int64) {
		t.Helper()
		if got := r.src.Status(); got.Position != position || got.Lag != lag {
			t.Errorf("status %+v, want %s and %d bytes unread", got, position, lag)
		}
	}
	r.steps(2)
	want("waiting for "+r.pattern, 0)
	r.write(log, lines("a", "b"))
	want("events.ndjson:0", 188)
	r.catchUp()
	want("events.ndjson:188", 0)
	r.add(log, lines("c", "d", "e"))
	want("events.ndjson:188", 282)
	r.rename(log, log+".1") // what is there now counts in full
	r.write(log, lines("f"))
	want("events.ndjson:188", 94)
	r.settle()
	r.wantIDs("a", "b", "c", "d", "e", "f")
	want("events.ndjson:94", 0)
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

func TestNextAfterClose(t *testing.T) {
	t.Parallel()
	r := newRig(t, log)
	r.check(r.src.Close())
	if _, err := r.src.Next(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	r.check(r.src.Close())
}
