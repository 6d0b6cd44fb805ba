package file

import (
	"os"
	"testing"
)

const (
	log  = "events.ndjson"
	kept = log + ".1"
)

// gone is what is told of a file that went while dz was down, after all that dz
// had seen of it was read.
const gone = `events.ndjson:4790 the file was truncated or removed while dz was down; if anything followed here, it was not read: "" (0)`

// outcome is what a story leads to.
type outcome struct{ ids, rejected []string }

// Every story is told twice: dz looks whenever it says that dz catches up, or is
// down all the while. At the end, nothing is read again after a restart.
//
// Each begins with a source that has read e0…e49 (more than 1 KiB, so that
// the file is known by its content) unless it says otherwise.
func TestRotation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		do       func(r *rig)
		want     []string
		rejected []string
		down     *outcome // if it differs
	}{
		{
			name: "nothing happens",
			do:   func(*rig) {},
		},
		{
			name: "lines are appended",
			do:   func(r *rig) { r.add(log, lines("a", "b")) },
			want: []string{"a", "b"},
		},
		{
			name: "renamed and created",
			do: func(r *rig) {
				r.rename(log, kept)
				r.write(log, lines("a"))
			},
			want: []string{"a"},
		},
		{
			name: "renamed and created, and the writer goes on with the old file",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.rename(log, kept)
				r.write(log, "")
				r.add(kept, lines("b"))
				r.catchUp()
				r.add(kept, lines("c"))
				r.add(log, lines("d"))
				r.catchUp()
				r.add(kept, lines("late"))
				r.catchUp()
			},
			want: []string{"a", "b", "c", "d", "late"},
			down: &outcome{ids: []string{"a", "b", "c", "late", "d"}},
		},
		{
			name: "renamed while a line is being written",
			do: func(r *rig) {
				r.add(log, line("a")[:20])
				r.catchUp()
				r.rename(log, kept)
				r.write(log, lines("b"))
				r.catchUp()
				r.add(kept, line("a")[20:]+"\n")
			},
			want: []string{"b", "a"},
			down: &outcome{ids: []string{"a", "b"}},
		},
		{
			name: "the rotated file ends in the middle of a line",
			do: func(r *rig) {
				r.add(log, `{"id":"a"`)
				r.rename(log, kept)
				r.write(log, lines("b"))
			},
			want:     []string{"b"},
			rejected: []string{`events.ndjson.1:4790 the file ended in the middle of a line: "{\"id\":\"a\"" (9)`},
		},
		{
			name: "the rotated file's last line has no end but is whole",
			do: func(r *rig) {
				r.add(log, line("a"))
				r.rename(log, kept)
				r.write(log, lines("b"))
			},
			want: []string{"b", "a"},
		},
		{
			name: "several rotations between two looks",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.rename(log, log+".3")
				r.write(log, lines("b"))
				r.rename(log, log+".2")
				r.write(log, lines("c"))
				r.rename(log, log+".1")
				r.write(log, lines("d"))
			},
			want: []string{"a", "b", "c", "d"},
		},
		{
			name: "copied and truncated, all was read",
			do: func(r *rig) {
				r.copytruncate(log, kept)
				r.catchUp()
				r.add(log, lines("a"))
			},
			want: []string{"a"},
		},
		{
			name: "copied and truncated, not all was read",
			do: func(r *rig) {
				r.add(log, lines("a", "b"))
				r.copytruncate(log, kept)
				r.add(log, lines("c"))
			},
			want: []string{"a", "b", "c"},
		},
		{
			name: "copied, looked at, truncated",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.copy(log, kept)
				r.catchUp()
				r.add(log, lines("b"))
				r.catchUp()
				r.truncate(log, 0)
				r.add(log, lines("c"))
			},
			want: []string{"a", "b", "c"},
			down: &outcome{ids: []string{"a", "c"}}, // b is in neither file
		},
		{
			name: "the copy is made in steps",
			do: func(r *rig) {
				text, err := os.ReadFile(r.path(log))
				r.check(err)
				for _, n := range []int{1, 10, 200, 1500, len(text)} {
					r.write(kept, string(text[:n]))
					r.catchUp()
				}
				r.truncate(log, 0)
				r.catchUp()
				r.add(log, lines("a"))
			},
			want: []string{"a"},
		},
		{
			name: "truncated and regrown beyond the old offset",
			do: func(r *rig) {
				r.truncate(log, 0)
				r.add(log, lines(sequence(100, 200)...))
			},
			want: sequence(100, 200),
			down: &outcome{sequence(100, 200), []string{gone}},
		},
		{
			name: "copied, truncated and regrown beyond the old offset",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.copytruncate(log, kept)
				r.add(log, lines(sequence(100, 200)...))
			},
			want: append([]string{"a"}, sequence(100, 200)...),
		},
		{
			name: "copied, truncated and compressed at once",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.copytruncate(log, kept)
				r.compress(kept)
				r.add(log, lines("b"))
			},
			want: []string{"a", "b"},
		},
		{
			name: "copytruncate twice between two looks",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.copytruncate(log, log+".2")
				r.add(log, lines("b"))
				r.copytruncate(log, log+".1")
				r.add(log, lines("c"))
			},
			want: []string{"a", "b", "c"},
		},
		{
			name: "truncated in the middle of a line",
			do: func(r *rig) {
				r.add(log, `{"id":"a"`)
				r.catchUp()
				r.truncate(log, 0)
				r.add(log, lines("b"))
			},
			want:     []string{"b"},
			rejected: []string{`events.ndjson:4790 the file was truncated in the middle of a line: "{\"id\":\"a\"" (9)`},
			down:     &outcome{[]string{"b"}, []string{gone}},
		},
		{
			name: "copied and truncated in the middle of a line",
			do: func(r *rig) {
				r.add(log, `{"id":"a",`)
				r.catchUp()
				r.copytruncate(log, kept)
				r.add(log, `"source":`+"\n"+lines("b"))
			},
			want: []string{"b"},
			rejected: []string{
				`events.ndjson:0 not JSON: invalid character ':' after top-level value at byte 9: "\"source\":" (9)`,
				`events.ndjson.1:4790 the file ended in the middle of a line: "{\"id\":\"a\"," (10)`,
			},
		},
		{
			name: "a writer takes back the line it had begun",
			do: func(r *rig) {
				r.add(log, `{"id":"a"`)
				r.catchUp()
				r.truncate(log, 4790)
				r.add(log, lines("b"))
			},
			want:     []string{"b"},
			rejected: []string{`events.ndjson:4790 the file was truncated in the middle of a line: "{\"id\":\"a\"" (9)`},
			down:     &outcome{ids: []string{"b"}},
		},
		{
			name: "truncated to a part of what was read: doubled",
			do: func(r *rig) {
				r.truncate(log, int64(len(lines("e0", "e1"))))
				r.add(log, lines("a"))
			},
			want: []string{"e0", "e1", "a"},
			down: &outcome{[]string{"e0", "e1", "a"}, []string{gone}},
		},
		{
			name: "truncated under a writer that does not append: a hole",
			do: func(r *rig) {
				r.truncate(log, 0)
				r.truncate(log, 3<<20)
				r.add(log, lines("a"))
			},
			want: []string{"a"},
			down: &outcome{[]string{"a"}, []string{gone}},
		},
		{
			name: "removed and created",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.remove(log)
				r.catchUp()
				r.write(log, lines("b"))
			},
			want: []string{"a", "b"},
			down: &outcome{[]string{"b"}, []string{gone}}, // a was gone before dz could look
		},
		{
			name: "replaced",
			do: func(r *rig) {
				r.add(log, lines("a"))
				r.write("new", lines("b"))
				r.rename("new", log)
			},
			want: []string{"a", "b"},
			down: &outcome{[]string{"b"}, []string{gone}}, // a was gone before dz could look
		},
		{
			name: "edited by a program that replaces the file",
			do: func(r *rig) {
				text, err := os.ReadFile(r.path(log))
				r.check(err)
				r.write("new", string(text)+lines("a"))
				r.rename("new", log)
			},
			want: []string{"a"},
		},
		{
			name: "a backup is made beside it",
			do: func(r *rig) {
				r.copy(log, log+".save")
				r.add(log, lines("a"))
			},
			want: []string{"a"},
		},
		{
			name: "rotated files are compressed, shifted and removed later",
			do: func(r *rig) {
				r.rename(log, kept)
				r.write(log, lines("a"))
				r.settle()
				r.compress(kept)
				r.settle()
				r.rename(kept+".gz", log+".2.gz")
				r.rename(log, kept)
				r.write(log, lines("b"))
				r.settle()
				r.remove(log + ".2.gz")
				r.settle()
			},
			want: []string{"a", "b"},
			down: &outcome{[]string{"a", "b"}, []string{gone}},
		},
		{
			name: "a compressor that does not keep the time",
			do: func(r *rig) {
				r.rename(log, kept)
				r.write(log, lines("a"))
				r.settle()
				r.write(kept+".gz", string(zipped(lines(sequence(0, 50)...))))
				r.settle()
				r.remove(kept)
				r.settle()
				r.restart()
			},
			want: []string{"a"},
		},
		{
			name: "a rotated file that grows long after",
			do: func(r *rig) {
				r.rename(log, kept)
				r.write(log, lines("a"))
				r.settle()
				r.add(kept, lines("b"))
				r.write("something", "") // as changes in the directory make it look again
			},
			want: []string{"a", "b"},
			down: &outcome{ids: []string{"b", "a"}},
		},
	} {
		for _, down := range []bool{false, true} {
			name, want := test.name, outcome{test.want, test.rejected}
			if down {
				name += ", while dz is down"
			}
			if down && test.down != nil {
				want = *test.down
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, log)
				r.write(log, lines(sequence(0, 50)...))
				r.catchUp()
				r.wantIDs(sequence(0, 50)...)
				r.down = down
				test.do(r)
				if down {
					r.down = false
					r.restart()
				}
				r.settle()
				r.wantIDs(want.ids...)
				r.wantRejected(want.rejected...)
				r.restart()
				r.settle()
				r.wantIDs()
				r.wantRejected()
			})
		}
	}
}
