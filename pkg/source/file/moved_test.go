package file

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// elsewhere gives every file another number, as on another machine to which the
// folder was copied, and starts a source there at positions that were saved
// earlier. A copy has its own times unless they are kept.
func (r *rig) elsewhere(saved map[string][]byte, keepTimes bool) {
	r.t.Helper()
	r.stop()
	files, err := filepath.Glob(r.path("*"))
	r.check(err)
	var olds []*os.File // held, or their numbers would be given again
	for _, name := range files {
		old, err := os.Open(name)
		r.check(err)
		olds = append(olds, old)
		info, err := old.Stat()
		r.check(err)
		text, err := os.ReadFile(name)
		r.check(err)
		r.check(os.Remove(name))
		r.check(os.WriteFile(name, text, 0o600))
		if keepTimes {
			r.check(os.Chtimes(name, info.ModTime(), info.ModTime()))
		}
	}
	for _, old := range olds {
		r.check(old.Close())
	}
	r.stored, r.ids = maps.Clone(saved), nil
	r.start()
}

// What a backup's positions say was read is found on another machine by its
// content, and reading goes on behind it.
func TestPositionsHoldOnAnotherMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before func(*rig) // until the backup
		after  func(*rig) // since then
		want   []string
	}{
		{"the file as it was", func(r *rig) {
			r.write("events", lines(sequence(0, 300)...))
		}, func(*rig) {}, nil},
		{"it has grown", func(r *rig) {
			r.write("events", lines(sequence(0, 300)...))
		}, func(r *rig) {
			r.add("events", lines(sequence(300, 400)...))
		}, sequence(300, 400)},
		{"it has grown from nearly nothing", func(r *rig) {
			r.write("events", lines("e0"))
		}, func(r *rig) {
			r.add("events", lines(sequence(1, 4)...))
		}, sequence(1, 4)},
		{"it was rotated", func(r *rig) {
			r.write("events", lines(sequence(0, 300)...))
		}, func(r *rig) {
			r.add("events", lines(sequence(300, 310)...))
			r.rename("events", "events.1")
			r.write("events", lines(sequence(310, 320)...))
		}, sequence(300, 320)},
		{"it was rotated twice and compressed", func(r *rig) {
			r.write("events", lines(sequence(0, 300)...))
		}, func(r *rig) {
			r.add("events", lines(sequence(300, 310)...))
			r.rename("events", "events.2")
			r.compress("events.2")
			r.write("events.1", lines(sequence(310, 320)...))
			r.write("events", lines(sequence(320, 330)...))
		}, sequence(300, 330)},
		{"there are read siblings beside it", func(r *rig) {
			r.write("events", lines(sequence(0, 100)...))
			r.settle()
			r.rename("events", "events.1")
			r.write("events", lines(sequence(100, 200)...))
		}, func(r *rig) {
			r.add("events", lines(sequence(200, 210)...))
		}, sequence(200, 210)},
		{"it is another file", func(r *rig) {
			r.write("events", lines(sequence(0, 300)...))
		}, func(r *rig) {
			r.write("events", lines(sequence(500, 600)...))
		}, sequence(500, 600)},
	} {
		for _, keepTimes := range []bool{true, false} {
			name := c.name + ", copied with its times"
			if !keepTimes {
				name = c.name + ", copied with new times"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, "events")
				c.before(r)
				r.settle()
				saved := maps.Clone(r.stored)
				r.now = r.now.Add(time.Minute)
				c.after(r)
				r.catchUp() // the machine of the backup goes on; nobody knows of it later
				r.elsewhere(saved, keepTimes)
				r.settle()
				r.wantIDs(c.want...)
			})
		}
	}
}
