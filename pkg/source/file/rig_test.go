package file

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/source"
)

const (
	testPoll  = time.Second
	testGrace = 5 * time.Second
)

// failer is what a test and a rapid check have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// rig is a source that is driven step by step at times of the test's choosing,
// and a daemon that stores what it returns.
type rig struct {
	t       failer
	dir     string
	pattern string
	opts    Options
	now     time.Time
	src     *Source

	ids      []string // of events, in the order received
	rejected []source.Rejection
	stored   map[string][]byte
	down     bool // dz does nothing
	watched  bool // the system tells of changes
}

func newRig(t *testing.T, name string) *rig {
	t.Helper()
	dir := t.TempDir()
	r := startRig(t, dir, filepath.Join(dir, name), Options{})
	t.Cleanup(r.stop)
	return r
}

func startRig(t failer, dir, pattern string, opts Options) *rig {
	opts.PollInterval, opts.Grace, opts.NoWatch = testPoll, testGrace, true
	r := &rig{t: t, dir: dir, pattern: pattern, opts: opts, now: time.Now(), stored: map[string][]byte{}}
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	var saved []source.Position
	for stream, data := range r.stored {
		saved = append(saved, source.Position{Stream: stream, Data: data})
	}
	src, err := New("spool", r.pattern, saved, r.opts)
	if err != nil {
		r.t.Fatalf("New: %v", err)
	}
	r.src = src
	r.src.watch.covers = r.watched
}

// tell has the system tell that a file was changed, unless the pattern does not
// name it: of files that were rotated away, nobody needs to be told.
func (r *rig) tell(name string) {
	if r.watched && r.src.concerns(r.path(name)) {
		r.src.hear(fsnotify.Event{Name: r.path(name), Op: fsnotify.Write})
	}
}

func (r *rig) stop() {
	if err := r.src.Close(); err != nil {
		r.t.Fatalf("Close: %v", err)
	}
}

// restart ends the source and starts another at the stored positions.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.start()
}

// step lets one poll interval pass and has the source read one batch.
func (r *rig) step() source.Batch {
	r.t.Helper()
	r.now = r.now.Add(r.opts.PollInterval)
	batch, _, err := r.src.step(r.now)
	if err != nil {
		r.t.Fatalf("step: %v", err)
	}
	return batch
}

// store makes a batch durable.
func (r *rig) store(batch source.Batch) {
	for _, e := range batch.Events {
		r.ids = append(r.ids, e.ID)
	}
	r.rejected = append(r.rejected, batch.Rejected...)
	for _, p := range batch.Positions {
		if p.Data == nil {
			delete(r.stored, p.Stream)
		} else {
			r.stored[p.Stream] = p.Data
		}
	}
	r.src.Ack()
}

// catchUp steps until the source says that it has caught up.
func (r *rig) catchUp() {
	r.t.Helper()
	if r.down {
		return
	}
	for range 10000 {
		r.store(r.step())
		if r.src.Status().CaughtUp {
			return
		}
	}
	r.t.Fatalf("does not catch up: %+v\n%s", r.src.Status(), describe(r.src, nil))
}

// settle catches up and lets the time of grace pass.
func (r *rig) settle() {
	r.t.Helper()
	r.catchUp()
	for range testGrace/testPoll + 2 {
		if r.down {
			return
		}
		r.store(r.step())
	}
	r.catchUp()
}

// wantIDs checks which events were received since the last call.
func (r *rig) wantIDs(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.ids); diff != "" && len(want)+len(r.ids) > 0 {
		r.t.Fatalf("events (-want +got):\n%s\nrejected: %s", diff, r.rejections())
	}
	r.ids = nil
}

// rejections shows what was rejected: file, offset, reason, line and length.
func (r *rig) rejections() []string {
	var shown []string
	for _, rej := range r.rejected {
		line := rej.Line
		if len(line) > 40 {
			line = line[:40]
		}
		shown = append(shown, fmt.Sprintf("%s:%d %s: %q (%d)", filepath.Base(rej.File), rej.Offset, rej.Reason, line, rej.Length))
	}
	return shown
}

func (r *rig) wantRejected(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.rejections()); diff != "" && len(want)+len(r.rejected) > 0 {
		r.t.Fatalf("rejected (-want +got):\n%s", diff)
	}
	r.rejected = nil
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

// write makes name hold text.
func (r *rig) write(name, text string) {
	r.t.Helper()
	r.check(os.WriteFile(r.path(name), []byte(text), 0o600))
	r.tell(name)
}

// add appends text to name.
func (r *rig) add(name, text string) {
	r.t.Helper()
	f, err := os.OpenFile(r.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	r.check(err)
	_, err = f.WriteString(text)
	r.check(err)
	r.check(f.Close())
	r.tell(name)
}

func (r *rig) rename(from, to string) {
	r.t.Helper()
	r.check(os.Rename(r.path(from), r.path(to)))
}

func (r *rig) remove(name string) {
	r.t.Helper()
	r.check(os.Remove(r.path(name)))
}

func (r *rig) truncate(name string, size int64) {
	r.t.Helper()
	r.check(os.Truncate(r.path(name), size))
	r.tell(name)
}

func (r *rig) copy(from, to string) {
	r.t.Helper()
	text, err := os.ReadFile(r.path(from))
	r.check(err)
	r.write(to, string(text))
}

// copytruncate does what logrotate's option of that name does.
func (r *rig) copytruncate(from, to string) {
	r.t.Helper()
	r.copy(from, to)
	r.truncate(from, 0)
}

// compress does what gzip does: the new file has the old one's time.
func (r *rig) compress(name string) {
	r.t.Helper()
	text, err := os.ReadFile(r.path(name))
	r.check(err)
	info, err := os.Stat(r.path(name))
	r.check(err)
	r.write(name+".gz", string(zipped(string(text))))
	r.check(os.Chtimes(r.path(name+".gz"), info.ModTime(), info.ModTime()))
	r.remove(name)
}

// age sets a file's time of change back.
func (r *rig) age(name string, by time.Duration) {
	r.t.Helper()
	then := time.Now().Add(-by)
	r.check(os.Chtimes(r.path(name), then, then))
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatalf("%v", err)
	}
}

func zipped(text string) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// line returns an event's line without its end. It holds characters of two,
// three and four bytes.
func line(id string) string {
	return fmt.Sprintf(`{"id":%q,"source":"/dam","type":"metadata","data":{"itemId":7,"title":"Größe 5 € 😀"}}`, id)
}

// lines returns whole lines of these ids.
func lines(ids ...string) string {
	var text string
	for _, id := range ids {
		text += line(id) + "\n"
	}
	return text
}

// numbered ids: from, …, to-1.
func sequence(from, to int) []string {
	var ids []string
	for n := from; n < to; n++ {
		ids = append(ids, fmt.Sprintf("e%d", n))
	}
	return ids
}
