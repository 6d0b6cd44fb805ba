package file

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"os"
)

// inflater reads a gzip file (RFC 1952) at offsets of its decompressed text. It
// is made for reading forwards: a step back begins again at the file's start.
// Its memory is bounded by the longest read.
type inflater struct {
	file  *os.File
	zip   *gzip.Reader
	text  []byte // decompressed already
	start int64  // the offset of text
	err   error  // what follows text: io.EOF, damage or trouble
}

// damageError is damage in a gzip file, as opposed to trouble with reading it.
type damageError struct{ err error }

func (e damageError) Error() string { return "the gzip file is damaged: " + e.err.Error() }
func (e damageError) Unwrap() error { return e.err }

// isZipped reports whether a file that begins so is gzip's. NDJSON never begins
// so.
func isZipped(head []byte) bool { return len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b }

// ReadAt implements io.ReaderAt over the decompressed text.
func (z *inflater) ReadAt(p []byte, offset int64) (int, error) {
	if z.zip == nil || offset < z.start {
		if err := z.rewind(); err != nil {
			return 0, err
		}
	}
	drop := min(offset-z.start, int64(len(z.text)))
	z.text, z.start = z.text[drop:], z.start+drop
	if z.start < offset && z.err == nil {
		n, err := io.CopyN(io.Discard, z.zip, offset-z.start)
		z.start, z.err = z.start+n, judge(err)
	}
	if z.start < offset {
		return 0, z.err
	}
	if len(z.text) < len(p) && z.err == nil {
		z.fill(len(p))
	}
	n := copy(p, z.text)
	if n < len(p) {
		return n, z.err
	}
	return n, nil
}

// Close closes the file.
func (z *inflater) Close() error { return z.file.Close() }

func (z *inflater) rewind() error {
	if _, err := z.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zip, err := gzip.NewReader(z.file)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // not even a header
	}
	if err != nil {
		return judge(err)
	}
	z.zip, z.text, z.start, z.err = zip, nil, 0, nil
	return nil
}

// fill decompresses until text is want bytes long or something stands in the way.
func (z *inflater) fill(want int) {
	text := make([]byte, want)
	have := copy(text, z.text)
	for have < want && z.err == nil {
		n, err := z.zip.Read(text[have:])
		have, z.err = have+n, judge(err)
	}
	z.text = text[:have]
}

// judge tells damage from trouble.
func judge(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return damageError{errors.New("it ends in the middle")}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return damageError{err}
	default:
		return err
	}
}
