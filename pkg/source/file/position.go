package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// headLength is how much of a file's beginning identifies it, in bytes.
	headLength = 1024
	// tailLength is how much of what lies right before a mark is compared as
	// well, so that files which begin alike are told apart.
	tailLength = 256
	// recordVersion is the format of a saved position.
	recordVersion = 1
	// bornStream is the stream whose position says since when the pattern is
	// known. Files have higher numbers.
	bornStream = "0"
)

// fingerprint identifies a run of bytes: half of its SHA-256, and its length.
type fingerprint struct {
	Hash string `json:"hash"`
	Len  int    `json:"len"`
}

func fingerprintOf(b []byte) fingerprint {
	sum := sha256.Sum256(b)
	return fingerprint{Hash: hex.EncodeToString(sum[:sha256.Size/2]), Len: len(b)}
}

// run is a run of bytes that was read once: the bytes or, after a restart, only
// their fingerprint.
type run struct {
	bytes []byte
	print fingerprint // if bytes is nil
}

func (r run) length() int {
	if r.bytes != nil {
		return len(r.bytes)
	}
	return r.print.Len
}

func (r run) is(b []byte) bool {
	if r.bytes != nil || r.print.Len == 0 {
		return bytes.Equal(r.bytes, b)
	}
	return r.print == fingerprintOf(b)
}

func (r run) fingerprint() fingerprint {
	if r.bytes != nil || r.print.Len == 0 {
		return fingerprintOf(r.bytes)
	}
	return r.print
}

// mark is a place in a file and the evidence by which the file is known again.
// The evidence covers only bytes before the place: whatever a wrong match could
// skip was compared, and so was read before.
type mark struct {
	offset int64
	head   run // the file's first min(headLength, offset) bytes
	tail   run // the last min(tailLength, offset) bytes before offset
}

// advance returns the mark after data, which follows m. The bytes of m's runs
// must be known (see check).
func (m mark) advance(data []byte) mark {
	if n := min(headLength-len(m.head.bytes), len(data)); n > 0 {
		m.head = run{bytes: append(slices.Clip(m.head.bytes), data[:n]...)}
	}
	before := m.tail.bytes
	if keep := max(tailLength-len(data), 0); len(before) > keep {
		before = before[len(before)-keep:]
	}
	data, all := data[max(len(data)-tailLength, 0):], len(data)
	m.tail = run{bytes: append(slices.Clone(before), data...)}
	m.offset += int64(all)
	return m
}

// check reports whether r has before m's offset what m saw there, and learns
// the bytes if it knew only their fingerprints. Fewer bytes than that are no
// error but a difference.
func (m *mark) check(r io.ReaderAt) (bool, error) {
	head, err := readAt(r, make([]byte, m.head.length()), 0)
	if err != nil || !m.head.is(head) {
		return false, err
	}
	n := m.tail.length()
	tail, err := readAt(r, make([]byte, n), m.offset-int64(n))
	if err != nil || !m.tail.is(tail) {
		return false, err
	}
	m.head, m.tail = run{bytes: head}, run{bytes: tail}
	return true, nil
}

// markAt returns the mark at offset in r, or at its end if that comes first.
func markAt(r io.ReaderAt, offset int64) (mark, error) {
	head, err := readAt(r, make([]byte, min(offset, headLength)), 0)
	if err != nil {
		return mark{}, err
	}
	if len(head) < headLength {
		offset = int64(len(head))
	}
	n := min(offset, tailLength)
	tail, err := readAt(r, make([]byte, n), offset-n)
	if err != nil {
		return mark{}, err
	}
	return mark{offset: offset, head: run{bytes: head}, tail: run{bytes: tail}}, nil
}

// readAt fills p from offset on and returns what there was; the end of the file
// is no error.
func readAt(r io.ReaderAt, p []byte, offset int64) ([]byte, error) {
	if len(p) == 0 {
		return p, nil
	}
	n, err := r.ReadAt(p, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return p[:n], err
}

// record is what is saved of a stream: the Data of its position. Times are Unix
// nanoseconds. The fingerprint covers the first min(1024, offset) bytes, tail
// the last min(256, offset) before the offset.
type record struct {
	Version  int         `json:"version"`
	Path     string      `json:"path"`           // the tailed path that the file was found at
	File     string      `json:"file,omitempty"` // its present name, if that is another
	Dev      uint64      `json:"dev"`
	Inode    uint64      `json:"inode"`
	Offset   int64       `json:"offset"`
	Size     int64       `json:"size,omitempty"` // it was as long at least, if that is more than the offset
	Head     fingerprint `json:"fingerprint"`
	Tail     fingerprint `json:"tail"`
	Modified int64       `json:"modified"`          // when last seen
	Since    int64       `json:"since,omitempty"`   // of the pattern: since when it is known
	Done     bool        `json:"done,omitempty"`    // rotated away and read to its end
	Skipped  bool        `json:"skipped,omitempty"` // rotated away before dz knew the path
}

// encode returns the saved form of st.
func (st *stream) encode() ([]byte, error) {
	at := st.mark
	if st.skip != nil {
		at = st.skip.from // a line that is being skipped has not been reported
	}
	r := record{
		Version: recordVersion, Path: st.path, Dev: st.id.dev, Inode: st.id.inode,
		Offset: at.offset, Head: at.head.fingerprint(), Tail: at.tail.fingerprint(),
		Modified: st.modified.UnixNano(), Done: st.done, Skipped: st.skipped,
	}
	if st.key == bornStream {
		r.Since = st.since.UnixNano()
	}
	if size := st.known(); size > r.Offset {
		r.Size = size
	}
	if st.name != st.path {
		r.File = st.name
	}
	return json.Marshal(r)
}

// decodeStream reads what encode wrote.
func decodeStream(key string, data []byte) (*stream, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("not a file position: %w", err)
	}
	switch {
	case r.Version != recordVersion:
		return nil, fmt.Errorf("its format is version %d, this program reads version %d", r.Version, recordVersion)
	case r.Path == "":
		return nil, errors.New("it names no path")
	case r.Offset < 0:
		return nil, fmt.Errorf("its offset %d is negative", r.Offset)
	case r.Size != 0 && r.Size <= r.Offset:
		return nil, fmt.Errorf("its size %d is not beyond its offset %d", r.Size, r.Offset)
	case int64(r.Head.Len) != min(r.Offset, headLength) || int64(r.Tail.Len) != min(r.Offset, tailLength):
		return nil, errors.New("its fingerprint does not fit its offset")
	}
	st := &stream{
		key: key, path: r.Path, name: r.File, id: fileID{r.Dev, r.Inode},
		mark:     mark{offset: r.Offset, head: run{print: r.Head}, tail: run{print: r.Tail}},
		modified: time.Unix(0, r.Modified), size: r.Offset, sure: r.Size, done: r.Done, skipped: r.Skipped,
	}
	if key == bornStream {
		st.since = time.Unix(0, r.Since)
	}
	if st.name == "" {
		st.name = st.path
	}
	return st, nil
}
