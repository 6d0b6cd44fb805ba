package file

import (
	"path/filepath"
	"testing"
)

// What dz knew to be unread of a file that was removed while dz was down is told,
// with its place and length, once.
func TestFileIsRemovedUnreadDuringADowntime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		pattern  string
		do       func(r *rig)
		want     []string
		rejected []string
	}{
		{
			name: "removed", pattern: log,
			do:       func(r *rig) { r.remove(log) },
			rejected: []string{`events.ndjson:190 the file was truncated or removed before this was read: "" (760)`},
		},
		{
			name: "removed, and another is there", pattern: log,
			do:       func(r *rig) { r.remove(log); r.write(log, lines("a")) },
			want:     []string{"a"},
			rejected: []string{`events.ndjson:190 the file was truncated or removed before this was read: "" (760)`},
		},
		{
			name: "rotated away and removed", pattern: log,
			do: func(r *rig) {
				r.rename(log, kept)
				r.write(log, lines("a"))
				r.remove(kept)
			},
			want:     []string{"a"},
			rejected: []string{`events.ndjson:190 the file was truncated or removed before this was read: "" (760)`},
		},
		{
			name: "rotated away", pattern: log,
			do:   func(r *rig) { r.rename(log, kept) },
			want: sequence(2, 10),
		},
		{
			name: "of two files, one was not begun", pattern: "*.ndjson",
			do: func(r *rig) { r.remove("other.ndjson"); r.remove(log) },
			rejected: []string{
				`events.ndjson:190 the file was truncated or removed before this was read: "" (760)`,
				`other.ndjson:0 the file was truncated or removed, and nothing was read of it under this name: "" (98)`,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := startRig(t, dir, filepath.Join(dir, test.pattern), Options{BatchLines: 2})
			t.Cleanup(r.stop)
			r.write(log, lines(sequence(0, 10)...))
			if test.pattern != log {
				r.write("other.ndjson", lines("other"))
			}
			r.store(r.step())
			r.wantIDs("e0", "e1")
			r.stop()
			test.do(r)
			r.write("something", "") // an empty folder may be one that is not mounted
			r.start()
			r.settle()
			r.wantIDs(test.want...)
			r.wantRejected(test.rejected...)
			r.restart()
			r.settle()
			r.wantIDs()
			r.wantRejected()
		})
	}
}

// A file that was rotated away and read to its end is not missed, nor one that
// nothing was ever in.
func TestFilesThatMayGo(t *testing.T) {
	t.Parallel()
	r := newRig(t, "*.ndjson")
	r.write(log, lines(sequence(0, 50)...))
	r.write("empty.ndjson", "")
	r.catchUp()
	r.rename(log, kept)
	r.settle()
	r.stop()
	r.remove(kept)
	r.remove("empty.ndjson")
	r.start()
	r.write("other", "")
	r.settle()
	r.wantIDs(sequence(0, 50)...)
	r.wantRejected()
	if len(r.stored) != 1 {
		t.Errorf("positions: %s", r.stored)
	}
}
