// Package file owns the file source: it tails files of NDJSON, one path or a
// glob pattern, and hands over their lines as events.
//
// # What a file is
//
// A path is not a file. What is at the path can be renamed, replaced, emptied
// or removed while it is written to, and dz may be down at the time. So the
// source follows contents, which it calls streams, and not names. A stream is
// known by the bytes it has read: the first KiB, and what lies right before its
// offset. Device and inode numbers are only where it looks first, for they are
// reused.
//
// Rename-and-create: the writer goes on writing to the renamed file until it
// opens its path anew. So the old file is kept open and read until nothing was
// added for a time of grace. The new one is read meanwhile, but in each round
// only as far as it went before the old one was looked at for the last time: a
// single writer's lines come in the order in which they were written.
//
// Copytruncate: the file is copied and then emptied. What a writer adds between
// the copy and the emptying is in neither file; no reader can save it unless it
// has read it before. What was copied and not yet read is found in the copy. A
// line that was being written is cut: both halves are rejected.
//
// Removal: what was not read when the last descriptor of a file closed is gone.
// The source keeps descriptors of up to Options.MaxOpen files. A file that is
// moved to another directory, or compressed by anything but gzip, while dz is
// down is gone too. What is known or feared to be lost is in the rejections, with
// the place up to which the file was read.
//
// # What is guaranteed
//
//   - A line is handed over once. Positions never run ahead of the events and
//     rejections in the same batch or in batches before.
//   - Input that is no event is rejected with file, offset and reason, never
//     dropped. Only blank lines and runs of NUL bytes before a line are passed
//     over.
//   - After a downtime the source goes on in the file it was in, under whatever
//     name beside its path, also compressed by gzip; then in every file that was
//     rotated away since, oldest first; then at the path.
//   - Memory does not grow with the size of a file or of a line. It grows with
//     the number of files, by a few KiB each. Descriptors are bounded.
//
// # Where content is ambiguous
//
// A line is rather doubled than lost. These files are read from their beginning:
//
//   - one that became shorter than what was read of it, even if what is left of
//     it was there before;
//   - one that is put at the path and repeats what a file beside it still holds;
//   - a rotated file of less than 1 KiB that was changed after it was read to its
//     end and then copied or compressed;
//   - a copy of less than 1 KiB that was made, with the file truncated after more
//     had been read of it, while dz was down: only the hash of more is known;
//   - an old file that was put beside the path while dz was down, unless its
//     content is known: the clock may have been set back, so its time proves
//     nothing.
//
// Two things are taken for granted. Files beside one path whose first KiB (and,
// if neither is compressed, the end of the shorter one) are the same are copies
// of one another, as events carry ids. And, while dz runs, a file that was rotated
// away unseen was changed no earlier than the one before it when that was last
// looked at. Several that were rotated away unseen are read in the order of their
// last changes, which is the clock's.
//
// Files that one pattern names have no order among one another. If it names the
// rotated files too, what is at the path is read along with them: name the path
// alone where the order matters.
//
// The package knows nothing of what becomes of events.
package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/source"
)

// Options tune a source. A zero field means its default.
type Options struct {
	// PollInterval is how often the source looks when nothing wakes it; 250 ms.
	// If a look is expensive (a pattern that names thousands of files), the
	// source looks less often, so that it takes 1 % of a core at most, and a
	// quarter of that where the system tells of changes.
	PollInterval time.Duration
	// Grace is how long a file that was rotated away or removed is read after it
	// last grew, and how long a file that is missing is searched for; 5 s.
	Grace time.Duration
	// BatchLines is how many lines a batch holds at most; 8,000.
	BatchLines int
	// Room, if given, is asked before each batch how many lines it may hold at
	// most, beside BatchLines: whoever takes it can take so many at once. Less
	// than one is one.
	Room func() int
	// BatchBytes is how many bytes of lines a batch holds, give or take its last
	// line; 4 MiB. The larger the batches of a backlog, the more of its debts
	// share a page of the store, when they are made and when they are settled.
	BatchBytes int
	// MaxOpen is how many files are kept open; 256. Beyond it the file that was
	// longest without news is closed, and opened again when it grows.
	MaxOpen int
	// MostResting is how many files at rest are looked at in each look, where the
	// system tells of changes: files that did not grow for a minute; 256.
	MostResting int
	// NoWatch leaves it to polling to notice changes.
	NoWatch bool
}

func (o Options) withDefaults() Options {
	setDefault(&o.PollInterval, 250*time.Millisecond)
	setDefault(&o.Grace, 5*time.Second)
	setDefault(&o.BatchLines, 8000)
	setDefault(&o.BatchBytes, 4<<20)
	setDefault(&o.MaxOpen, 256)
	setDefault(&o.MostResting, 256)
	return o
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Source tails files. It implements source.Source.
type Source struct {
	name    string
	pattern string // absolute
	glob    bool
	opts    Options

	streams []*stream // oldest first
	newest  uint64    // the number of the newest
	turn    int       // which stream reading begins with, so that none starves
	opened  []*stream
	uses    uint64

	// born is when the pattern was first looked at: what was rotated away
	// earlier is not read. toldBorn says that it is saved.
	born     time.Time
	toldBorn bool

	out      source.Batch
	outBytes int
	outMost  int       // lines that out may hold
	moved    []*stream // whose positions belong in out

	last        time.Time        // when the last survey began
	stamps      map[string]stamp // of the directories it read
	target      fileID           // what was at the path, if there is one path
	unsettled   bool             // the survey has to be repeated
	listTrouble []error
	names       map[string]*stream // by their files' names, as of the last survey
	nextResting int                // which stream the next look begins with to look at resting ones
	listCost    time.Duration      // of the last survey
	lookCost    time.Duration
	pollCost    time.Duration // without reading directories
	lastCost    time.Duration
	lookEnded   time.Time

	buf    buffers
	watch  watcher
	closed bool

	open  func(string) (*os.File, error)
	clock func() time.Time // real time, for waiting and for what the system stamps

	mu     sync.Mutex
	status source.Status
	tails  []tail // in the order of streams; never changed once they are here
}

var _ source.Source = (*Source)(nil)

// New returns a source that goes on at the saved positions, none of which is
// missing: those of all batches that were acknowledged. Without any, it reads
// what the pattern names from the beginning, and nothing that was rotated away
// earlier. The pattern is a path or a pattern of filepath.Match.
//
// It reads no file yet, and a path that does not exist is no error. It fails if
// the pattern is malformed or a position is not one of this package.
func New(name, pattern string, saved []source.Position, opts Options) (*Source, error) {
	if pattern == "" {
		return nil, errors.New("file source: the path is empty")
	}
	if strings.Contains(pattern, "**") {
		return nil, fmt.Errorf("file source: pattern %q: ** is not supported, * matches within one directory", pattern)
	}
	if _, err := filepath.Match(pattern, ""); isPattern(pattern) && err != nil {
		return nil, fmt.Errorf("file source: pattern %q: %w", pattern, err)
	}
	absolute, err := filepath.Abs(pattern)
	if err != nil {
		return nil, fmt.Errorf("file source: %w", err)
	}
	s := &Source{
		name: name, pattern: absolute, glob: isPattern(pattern), opts: opts.withDefaults(),
		open:   openFile,
		clock:  time.Now,
		status: source.Status{Position: "not read yet", Lag: -1},
	}
	for _, p := range saved {
		if err := s.restore(p); err != nil {
			return nil, fmt.Errorf("file source: saved position %q of source %q: %w", p.Stream, name, err)
		}
	}
	s.sortByAge()
	s.watch.started = opts.NoWatch
	return s, nil
}

func (s *Source) restore(p source.Position) error {
	number, err := strconv.ParseUint(p.Stream, 10, 64)
	if err != nil {
		return errors.New("its stream is not a number: it is another source's")
	}
	st, err := decodeStream(p.Stream, p.Data)
	if err != nil {
		return err
	}
	if p.Stream == bornStream {
		if st.path == s.pattern {
			s.born, s.toldBorn = st.since, true
		}
		return nil
	}
	s.newest = max(s.newest, number)
	s.streams = append(s.streams, st)
	return nil
}

// Next implements source.Source.
func (s *Source) Next(ctx context.Context) (source.Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return source.Batch{}, err
		}
		if s.closed {
			return source.Batch{}, fmt.Errorf("file source %s: %w", s.name, fs.ErrClosed)
		}
		batch, more, err := s.step(s.clock())
		if err != nil || !isEmpty(batch) {
			return batch, err
		}
		if more {
			continue
		}
		if err := s.wait(ctx); err != nil {
			return source.Batch{}, err
		}
	}
}

// Ack implements source.Source. Files keep what was read: there is nothing to
// give back.
func (s *Source) Ack() {}

// Close implements source.Source.
func (s *Source) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	for _, st := range s.streams {
		st.close()
	}
	s.opened = nil
	return s.watch.close()
}
