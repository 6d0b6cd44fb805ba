package file

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
)

// Of a file, chunkLength is read at once, or less if the batch has less room; more
// only if a line is longer.
const (
	chunkLength = 256 << 10
	leastChunk  = 16 << 10
)

// buffers are what reading needs over and over. What leaves the source is
// copied out of them.
type buffers struct {
	before, after [headLength]byte
	guard         [tailLength + source.MaxRejectedLine]byte
	chunk         []byte
}

// bytesFrom reads up to n bytes after the stream's mark. They are returned only
// if the file was the same before and after: a file that is truncated and
// written anew meanwhile would give bytes of both.
func (st *stream) bytesFrom(buf *buffers, n int64) ([]byte, error) {
	from := st.mark.offset
	n = min(n, st.size-from)
	if int64(cap(buf.chunk)) < n {
		buf.chunk = make([]byte, n)
	}
	if st.zipped {
		return st.unzippedFrom(buf.chunk[:n])
	}
	before, err := readAt(st.content, buf.before[:], 0)
	if err != nil {
		return nil, err
	}
	seen := st.mark.head.length()
	if len(before) < seen || !st.mark.head.is(before[:seen]) {
		return nil, errChanged
	}
	if len(before) < headLength {
		n = min(n, int64(len(before))-from) // so that before covers it
	}
	data, err := readAt(st.content, buf.chunk[:max(n, 0)], from)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || int64(len(data)) < n {
		return nil, errChanged // it has shrunk since the last look
	}
	after, err := readAt(st.content, buf.after[:len(before)], 0)
	if err != nil {
		return nil, err
	}
	same, err := st.guarded(buf)
	if err != nil {
		return nil, err
	}
	if !same || !bytes.Equal(before, after) {
		return nil, errChanged
	}
	st.sure = st.size
	return data, nil
}

// guarded reports whether what lies around the mark is still there: the bytes
// before it, and what was seen after it.
func (st *stream) guarded(buf *buffers) (bool, error) {
	tail := st.mark.tail.bytes
	around := buf.guard[:len(tail)+len(st.ahead)]
	got, err := readAt(st.content, around, st.mark.offset-int64(len(tail)))
	if err != nil {
		return false, err
	}
	if len(got) < len(around) || !bytes.Equal(got[:len(tail)], tail) {
		return false, nil
	}
	return bytes.Equal(got[len(tail):], st.ahead), nil
}

// unzippedFrom fills p with decompressed text. A compressed file is written once,
// so it needs no guard; where it ends shows only now.
func (st *stream) unzippedFrom(p []byte) ([]byte, error) {
	data, err := readAt(st.content, p, st.mark.offset)
	var damage damageError
	if err != nil && !errors.As(err, &damage) {
		return nil, err
	}
	if len(data) < len(p) {
		st.size, st.damaged = st.mark.offset+int64(len(data)), nil
		if err != nil {
			st.damaged = err
		}
	}
	return data, nil
}

// lookAhead remembers the beginning of a file that nothing was read of, so that
// it is known again if it is copied and truncated before it is read.
func (st *stream) lookAhead() error {
	want := min(st.size, headLength)
	if st.content == nil || st.zipped || st.mark.offset > 0 || int64(len(st.ahead)) >= want {
		return nil
	}
	ahead, err := readAt(st.content, make([]byte, want), 0)
	if err == nil && len(ahead) > len(st.ahead) && bytes.HasPrefix(ahead, st.ahead) {
		st.ahead = ahead
	}
	return err
}

// read takes lines from st into the batch, about a chunk of them. It returns
// how many bytes it worked through.
func (s *Source) read(st *stream, now time.Time) (int64, error) {
	if st.skip != nil {
		return s.skipOn(st, now)
	}
	want := min(max(int64(s.opts.BatchBytes-s.outBytes), leastChunk), chunkLength)
	data, err := st.bytesFrom(&s.buf, want)
	if err != nil {
		return 0, err
	}
	if len(data) == 0 {
		return 0, nil // the end of a compressed file
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if end == 0 && int64(len(data)) == want {
		if data, err = st.bytesFrom(&s.buf, longestLine); err != nil {
			return 0, err
		}
		end = bytes.LastIndexByte(data, '\n') + 1
	}
	if end > 0 {
		return s.takeLines(st, slices.Clone(data[:end]), now), nil
	}
	blank := cut(data, st.mark.offset == 0).skip
	more := st.mark.offset+int64(len(data)) < st.size
	switch {
	case blank > 0 && (blank < len(data) || more || blank == longestLine):
		s.pass(st, data[:blank])
	case len(data) == longestLine:
		st.skip = &skip{from: st.mark, begin: slices.Clone(data[:source.MaxRejectedLine])}
		st.held, st.ahead = nil, nil
		st.skipOver(data)
	case !more:
		st.hold(data, now)
	}
	return int64(len(data)), nil
}

// takeLines takes as many of the lines as the batch has room for. The events
// share the lines' memory.
func (s *Source) takeLines(st *stream, lines []byte, now time.Time) int64 {
	s.makeRoom(st, lines)
	taken := 0
	for taken < len(lines) && !s.full() {
		at := st.mark.offset + int64(taken)
		p := cut(lines[taken:], at == 0)
		s.takeLine(st, p.line, at+int64(p.skip), now)
		taken += p.total
	}
	s.pass(st, lines[:taken])
	return int64(taken)
}

// makeRoom makes the batch as long as it is likely to get, at once.
func (s *Source) makeRoom(st *stream, lines []byte) {
	count := int64(bytes.Count(lines, []byte{'\n'}))
	bytesToCome := min(st.size-st.mark.offset, int64(s.opts.BatchBytes-s.outBytes))
	likely := count * max(bytesToCome, int64(len(lines))) / int64(len(lines))
	room := int64(s.outMost - len(s.out.Events) - len(s.out.Rejected))
	s.out.Events = slices.Grow(s.out.Events, int(min(likely, room)))
}

// takeLine puts a line into the batch, as an event or as a rejection.
func (s *Source) takeLine(st *stream, line []byte, at int64, now time.Time) {
	if isBlank(line) {
		return
	}
	e, err := event.Decode(line)
	if err != nil {
		s.reject(st, err.Error(), line, at, int64(len(line)), now)
		return
	}
	s.out.Events = append(s.out.Events, e)
	s.outBytes += len(line)
}

// reject puts input that is no event into the batch. line may be cut short;
// length says how long it is.
func (s *Source) reject(st *stream, reason string, line []byte, at, length int64, now time.Time) {
	line = slices.Clone(line[:min(len(line), source.MaxRejectedLine)])
	s.out.Rejected = append(s.out.Rejected, source.Rejection{
		Source: s.name, File: st.name, Offset: at, Reason: reason, Line: line, Length: length, Time: now,
	})
	s.outBytes += len(line)
}

// pass moves the stream's mark over data, whose lines are in the batch.
func (s *Source) pass(st *stream, data []byte) {
	st.mark = st.mark.advance(data)
	st.held, st.ahead = nil, nil
	s.tell(st)
}
