package file

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/source"
)

// spool is a writer and a rotation as dz meets them, and what must come of it:
// every line once, in the order in which it was written. Nothing is rejected; dz
// may be in doubt of a file that went, or that it had not begun.
type spool struct {
	*rig
	written  []string // ids of lines that are complete
	next     int
	partial  string // the rest of a line that was begun
	rotated  int    // how many files were ever rotated away
	siblings []string
	numbered bool // rotated files are .1, .2, … and not dated
	story    []string
}

func TestEveryLineOnce(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dir := filepath.Join(base, fmt.Sprint(runs))
		if err := os.Mkdir(dir, 0o700); err != nil {
			rt.Fatalf("%v", err)
		}
		opts := Options{BatchLines: rapid.IntRange(1, 7).Draw(rt, "batch lines"), MostResting: 1}
		pattern := rapid.SampledFrom([]string{log, log, log + "*"}).Draw(rt, "pattern")
		w := &spool{rig: startRig(rt, dir, filepath.Join(dir, pattern), opts)}
		w.numbered = rapid.Bool().Draw(rt, "numbered")
		w.watched = rapid.Bool().Draw(rt, "watched")
		w.restart()
		defer func() {
			w.stop()
			os.RemoveAll(dir)
		}()
		w.catchUp() // from now on, whatever is written is dz's to read
		actions := map[string]func(*rapid.T){
			"append":            w.append,
			"append a part":     w.appendPart,
			"rename":            w.rotate,
			"copytruncate":      w.copyAndTruncate,
			"truncate":          w.empty,
			"delete":            w.delete,
			"create":            w.create,
			"compress":          w.gzip,
			"remove a sibling":  w.removeSibling,
			"look":              w.look,
			"rest":              w.rest,
			"catch up":          func(*rapid.T) { w.catchUp() },
			"pass grace":        func(*rapid.T) { w.settle() },
			"crash and restart": w.crash,
		}
		for name, do := range actions {
			actions[name] = func(rt *rapid.T) {
				do(rt)
				w.story = append(w.story, fmt.Sprintf("%s (%d)", name, w.next))
			}
		}
		rt.Repeat(actions)
		w.finishLine()
		w.settle()
		w.restart()
		w.settle()
		if pattern != log { // each file is a stream of its own: only its lines have an order
			slices.Sort(w.ids)
			slices.Sort(w.written)
		}
		if !slices.Equal(w.ids, w.written) {
			rt.Fatalf("written  %v\nreceived %v\nrejected %s\nstory    %q", w.written, w.ids, w.rejections(), w.story)
		}
		for _, st := range w.src.opened {
			if !slices.Contains(w.src.streams, st) {
				rt.Fatalf("%s is open and forgotten", st.name)
			}
		}
		w.rejected = slices.DeleteFunc(w.rejected, func(r source.Rejection) bool { return r.Reason == reasonGone || r.Reason == reasonUnread })
		if len(w.rejected) > 0 {
			rt.Fatalf("rejected: %s\nstory    %q", w.rejections(), w.story)
		}
	})
}

func (w *spool) exists() bool {
	_, err := os.Stat(w.path(log))
	return err == nil
}

// put appends to the path. A file that is created comes into the world unseen.
func (w *spool) put(text string) {
	w.add(log, text)
}

func (w *spool) newID() string {
	id := fmt.Sprintf("e%d", w.next)
	w.next++
	return id
}

func (w *spool) finishLine() {
	if w.partial != "" {
		w.put(w.partial)
		w.partial = ""
		w.written = append(w.written, fmt.Sprintf("e%d", w.next-1))
	}
}

func (w *spool) append(rt *rapid.T) {
	w.finishLine()
	end := rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", "\n \r\n"}).Draw(rt, "end")
	var text string
	for range rapid.IntRange(1, 20).Draw(rt, "lines") {
		id := w.newID()
		w.written = append(w.written, id)
		text += line(id) + end
	}
	w.put(text)
}

func (w *spool) appendPart(rt *rapid.T) {
	w.finishLine()
	text := line(w.newID())
	at := rapid.IntRange(1, len(text)-1).Draw(rt, "cut")
	w.put(text[:at])
	w.partial = text[at:] + "\n"
}

// rotate renames the file. A writer that is in the middle of a line finishes it
// in the old one.
func (w *spool) rotate(rt *rapid.T) {
	if !w.exists() {
		rt.Skip("no file")
	}
	old := w.newSibling()
	w.rename(log, old)
	if w.partial != "" {
		w.add(old, w.partial)
		w.written = append(w.written, fmt.Sprintf("e%d", w.next-1))
		w.partial = ""
	}
	if rapid.Bool().Draw(rt, "create") {
		w.write(log, "")
	}
}

func (w *spool) newSibling() string {
	w.rotated++
	name := fmt.Sprintf("%s-202611%06d", log, w.rotated)
	if w.numbered {
		w.shift()
		name = kept
	}
	w.siblings = append(w.siblings, name)
	return name
}

// shift renames .1 to .2, .2.gz to .3.gz and so on.
func (w *spool) shift() {
	for n := w.rotated; n > 0; n-- {
		for _, ending := range []string{"", ".gz"} {
			from, to := fmt.Sprintf("%s.%d%s", log, n, ending), fmt.Sprintf("%s.%d%s", log, n+1, ending)
			if _, err := os.Stat(w.path(from)); err != nil {
				continue
			}
			w.rename(from, to)
			if i := slices.Index(w.siblings, from); i >= 0 {
				w.siblings[i] = to
			}
		}
	}
}

func (w *spool) copyAndTruncate(rt *rapid.T) {
	if !w.exists() || w.partial != "" {
		rt.Skip("no file, or a line that would be cut")
	}
	w.copytruncate(log, w.newSibling())
}

// empty truncates when dz has all; what it has not is lost to any reader.
func (w *spool) empty(rt *rapid.T) {
	if !w.exists() || w.partial != "" {
		rt.Skip("no file, or a line that would be cut")
	}
	w.catchUp()
	w.truncate(log, 0)
}

func (w *spool) delete(rt *rapid.T) {
	if !w.exists() || w.partial != "" {
		rt.Skip("no file, or a line that would be cut")
	}
	w.catchUp()
	w.remove(log)
}

func (w *spool) create(rt *rapid.T) {
	if w.exists() {
		rt.Skip("exists")
	}
	w.write(log, "")
}

func (w *spool) gzip(rt *rapid.T) {
	i := w.drawSibling(rt)
	w.compress(w.siblings[i])
	w.siblings = slices.Delete(w.siblings, i, i+1)
}

func (w *spool) removeSibling(rt *rapid.T) {
	i := w.drawSibling(rt)
	w.catchUp()
	w.remove(w.siblings[i])
	w.siblings = slices.Delete(w.siblings, i, i+1)
}

func (w *spool) drawSibling(rt *rapid.T) int {
	if len(w.siblings) == 0 {
		rt.Skip("no sibling")
	}
	return rapid.IntRange(0, len(w.siblings)-1).Draw(rt, "sibling")
}

func (w *spool) look(*rapid.T) { w.store(w.step()) }

// rest lets the time pass after which files are not looked at in every look.
func (w *spool) rest(*rapid.T) {
	w.settle()
	w.now = w.now.Add(restAfter)
	w.settle()
}

// crash reads a batch that is never stored, and begins again.
func (w *spool) crash(rt *rapid.T) {
	for range rapid.IntRange(0, 3).Draw(rt, "batches lost") {
		w.step()
	}
	w.restart()
}
