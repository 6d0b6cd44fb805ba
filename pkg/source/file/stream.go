package file

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// errChanged says that a file is not, or no longer, the one that was meant.
var errChanged = errors.New("the file is another by now")

// unknownSize is the size of a compressed file's text until its end was read.
const unknownSize = math.MaxInt64

// content is what a stream's lines are read from: a file, or a compressed one.
type content interface {
	io.ReaderAt
	io.Closer
}

// stream is one file's content over the file's life: growing at the tailed path,
// renamed, perhaps copied or compressed, at last gone. It is known by its mark,
// not by its name.
type stream struct {
	key  string
	path string // the tailed path it was found at
	name string // its present name
	id   fileID
	mark mark
	done bool // rotated away and read to its end
	// skipped: rotated away before dz knew of the path; never read.
	skipped bool

	// content is nil while closed. file is what it reads; used orders the open
	// streams by their last use.
	content content
	file    *os.File
	zipped  bool
	used    uint64

	size     int64     // how far to read: what was there at the last look
	sure     int64     // the size when the content was last known to be the stream's
	packed   int64     // of a compressed file: its own size
	modified time.Time // at the last look
	damaged  error     // of a compressed file: what ends it too early
	checked  bool      // known to be the file, in this process

	// ahead are bytes right after the mark that were seen but not read: of a
	// held line, or of a file that nothing was read of.
	ahead []byte

	held *held // an unterminated last line
	skip *skip // a line too long to be held

	present bool      // seen in the last listing
	listed  looks     // in the last listing that it was seen in
	rotated time.Time // since when it is not at its path; zero: it is
	lost    time.Time // since when its file can't be found; zero: it can
	waiting bool      // lost, but perhaps only its file system is
	removed bool      // known to have no name when it was read to its end
	grown   time.Time // when it last grew
	// since is its file's time of change at the last survey of this process in
	// which nothing was left to be judged; zero before that.
	since time.Time

	linked bool // its name is a symbolic link, so no watch tells of changes
	woken  bool // a watch told of a change since the last look
	asleep bool // not looked at in this look, see putToRest

	paused  bool // not to be read before the next look
	trouble error
	told    bool // in the list of positions to be handed out
	gone    bool
}

// held is an unterminated last line. It stays in the file; only its beginning is
// kept (ahead), to notice when it is cut off.
type held struct {
	end    int64
	since  time.Time
	judged bool // it rested long enough, and is no event
}

// skip is a line that is longer than any line may be, while its end is sought.
type skip struct {
	from   mark // before the line
	begin  []byte
	length int64 // so far
	last   byte
}

// unread reports whether there is something to read before the next look.
func (st *stream) unread() bool {
	return !st.done && !st.paused && st.mark.offset < st.size && (st.held == nil || st.held.end != st.size)
}

// seen returns how long the file was at least.
func (st *stream) seen() int64 {
	if st.held != nil {
		return st.held.end
	}
	return st.mark.offset + int64(len(st.ahead))
}

// known returns how long the stream's content was at least; 0 if that is unknown.
// A file that nothing was read of has no content yet to be told from another's.
func (st *stream) known() int64 {
	switch {
	case st.zipped || st.done:
		return 0
	case !st.isProven():
		return max(st.size, st.sure)
	default:
		return st.sure
	}
}

// resting reports whether an unterminated line is still waited for.
func (st *stream) resting() bool { return st.held != nil && !st.held.judged }

// lag returns how many bytes are unread; of a compressed file, its own size.
func (st *stream) lag() int64 {
	switch {
	case st.done:
		return 0
	case st.size == unknownSize:
		return st.packed
	default:
		return max(st.size-st.mark.offset, 0)
	}
}

// open opens the stream's file, if it is still that file. The caller counts
// descriptors.
func (st *stream) open(open func(string) (*os.File, error)) error {
	file, err := open(st.name)
	if err != nil {
		return err
	}
	if err := st.take(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

func (st *stream) take(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	id, err := identify(info)
	if err != nil {
		return err
	}
	if id != st.id || !info.Mode().IsRegular() {
		return errChanged
	}
	magic, err := readAt(file, make([]byte, 2), 0)
	if err != nil {
		return err
	}
	var content content = file
	zipped := isZipped(magic)
	if zipped {
		content = &inflater{file: file}
	}
	ok, err := st.mark.check(content)
	if err != nil {
		return fmt.Errorf("%s: %w", st.name, err)
	}
	if !ok {
		return errChanged
	}
	if zipped {
		st.size, st.packed, st.modified, st.damaged = unknownSize, info.Size(), info.ModTime(), nil
	}
	st.file, st.content, st.zipped, st.checked = file, content, zipped, true
	return nil
}

// close closes the stream's file.
func (st *stream) close() {
	if st.content != nil {
		closeRead(st.content)
	}
	st.content, st.file = nil, nil
}

// stat looks how much of the stream there is. The error is errChanged if the file
// is not what it was, so that it must be searched for.
func (st *stream) stat(now time.Time) error {
	info, id, err := st.info()
	if errors.Is(err, os.ErrNotExist) {
		return errChanged
	}
	if err != nil {
		return err
	}
	if id != st.id {
		return errChanged
	}
	size, modified := info.Size(), info.ModTime()
	touched := !modified.Equal(st.modified)
	if st.zipped {
		if touched || size != st.packed || st.grown.IsZero() {
			st.packed, st.modified, st.grown = size, modified, now
			if st.damaged != nil {
				return errChanged
			}
		}
		return nil
	}
	if size < st.size || (size == st.size && touched && size > 0) {
		return errChanged
	}
	if size > st.size {
		st.grown = now
	}
	st.size, st.modified = size, modified
	return nil
}

// info returns what the system says of the stream's file, or of what has its
// name if it is closed.
func (st *stream) info() (os.FileInfo, fileID, error) {
	var info os.FileInfo
	var err error
	if st.file != nil {
		info, err = st.file.Stat()
	} else {
		info, err = os.Stat(st.name)
	}
	if err != nil {
		return nil, fileID{}, err
	}
	id, err := identify(info)
	return info, id, err
}
