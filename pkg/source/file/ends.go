package file

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
)

// hold notes an unterminated last line.
func (st *stream) hold(data []byte, now time.Time) {
	st.held = &held{end: st.mark.offset + int64(len(data)), since: now}
	st.ahead = slices.Clone(data[:min(len(data), source.MaxRejectedLine)])
}

// judge takes an unterminated last line that has rested, if it is a whole event
// already.
func (s *Source) judge(st *stream, now time.Time) error {
	data, err := st.bytesFrom(&s.buf, longestLine)
	if err != nil {
		return err
	}
	st.held.judged = true
	p := cut(append(slices.Clone(data), '\n'), st.mark.offset == 0)
	if !isWhole(p.line) {
		return nil
	}
	if _, err := event.Decode(p.line); err != nil {
		return nil //nolint:nilerr // its end may come yet, and its reason then
	}
	s.takeLine(st, p.line, st.mark.offset+int64(p.skip), now)
	s.pass(st, data)
	return nil
}

// skipOn goes on with a line that is too long, in memory that does not grow.
func (s *Source) skipOn(st *stream, now time.Time) (int64, error) {
	data, err := st.bytesFrom(&s.buf, chunkLength)
	if err != nil {
		return 0, err
	}
	end := bytes.IndexByte(data, '\n') + 1
	if end == 0 {
		st.skipOver(data)
		return int64(len(data)), nil
	}
	st.skipOver(data[:end-1])
	if st.skip.last == '\r' {
		st.skip.length--
	}
	s.rejectSkipped(st, tooLong(), now)
	s.pass(st, data[end-1:end])
	return int64(end), nil
}

func (st *stream) skipOver(data []byte) {
	if len(data) == 0 {
		return
	}
	st.mark = st.mark.advance(data)
	st.skip.length += int64(len(data))
	st.skip.last = data[len(data)-1]
}

func (s *Source) rejectSkipped(st *stream, reason string, now time.Time) {
	s.reject(st, reason, st.skip.begin, st.skip.from.offset, st.skip.length, now)
	st.skip = nil
	s.tell(st)
}

// tooLong is the reason that a line of too many bytes is given anywhere.
func tooLong() string { return fmt.Sprintf("the line is longer than %d bytes", event.MaxLineLength) }

// Reasons of what a file's end cuts off.
const (
	reasonEnded     = "the file ended in the middle of a line"
	reasonTruncated = "the file was truncated in the middle of a line"
	reasonLost      = "the file was truncated or removed before this was read"
	reasonUnread    = "the file was truncated or removed, and nothing was read of it under this name"
	reasonGone      = "the file was truncated or removed while dz was down; if anything followed here, it was not read"
)

// finish ends a stream that was rotated away and read to its end: an
// unterminated last line is all there will be of it.
func (s *Source) finish(st *stream, now time.Time) error {
	switch {
	case st.skip != nil:
		s.rejectSkipped(st, tooLong(), now)
	case st.held != nil:
		data, err := st.bytesFrom(&s.buf, longestLine)
		if err != nil {
			return err
		}
		data = slices.Clone(data)
		p := cut(append(slices.Clip(data), '\n'), st.mark.offset == 0)
		at := st.mark.offset + int64(p.skip)
		if _, err := event.Decode(p.line); err != nil && !isBlank(p.line) {
			s.reject(st, reasonEnded, p.line, at, int64(len(p.line)), now)
		} else {
			s.takeLine(st, p.line, at, now)
		}
		s.pass(st, data)
	}
	if st.damaged != nil {
		s.reject(st, st.damaged.Error(), nil, st.mark.offset, 0, now)
	}
	if st.file != nil {
		info, err := st.file.Stat()
		st.removed = err == nil && isRemoved(info)
	}
	s.closeStream(st)
	st.done = true
	s.tell(st)
	return nil
}

// reportLost reports what was not read of a stream whose file is gone for good.
//
// Where that can't be known, people are told of the doubt. Of a file that went
// while dz was down there is only the saved position, and lines may have been
// added behind it. A file that nothing was read of can't be known again by its
// content, so it may have been read as another, such as a compressed one.
func (s *Source) reportLost(st *stream, now time.Time) {
	switch unread := st.known() - st.mark.offset; {
	case st.done:
	case st.held != nil || st.skip != nil:
		s.cutOff(st, reasonTruncated, now)
	case unread > 0 && !st.isProven():
		s.reject(st, reasonUnread, nil, 0, unread, now)
	case unread > 0:
		s.reject(st, reasonLost, nil, st.mark.offset, unread, now)
	case !st.checked && st.isProven():
		s.reject(st, reasonGone, nil, st.mark.offset, 0, now)
	}
}

// cutOff reports what a truncation or removal took away, as far as it was seen.
func (s *Source) cutOff(st *stream, reason string, now time.Time) {
	switch {
	case st.skip != nil:
		s.rejectSkipped(st, reason, now)
	case st.held != nil:
		s.reject(st, reason, st.ahead, st.mark.offset, st.held.end-st.mark.offset, now)
		st.held = nil
	}
	st.ahead = nil
}
