package file

import (
	"bytes"
	"errors"
	"slices"
	"time"
)

// relation is what a file is to a stream by its content.
type relation int

const (
	unrelated relation = iota
	part               // it has nothing but what the stream read
	same               // it has all that the stream read, perhaps more
)

// isStill reports whether the file with the stream's number has its content.
func (s *Source) isStill(st *stream, e *entry) bool {
	if st.checked && st.listed == e.looks() {
		return true
	}
	if st.mark.offset == 0 && st.ahead == nil {
		return true
	}
	if st.content != nil && !st.zipped {
		return s.isIntact(st)
	}
	if err := e.peek(s.open); err != nil {
		if errors.Is(err, errChanged) {
			s.unsettled = true
			return false
		}
		s.listTrouble = append(s.listTrouble, err)
		return true // it can't be read now; whoever reads it compares
	}
	if e.zipped {
		n := st.mark.head.length()
		return len(e.head) >= n && st.mark.head.is(e.head[:n])
	}
	if e.size < st.mark.offset {
		return false
	}
	return s.hasMark(st, e) && e.size >= st.seen()
}

// isIntact reports whether the stream's open file still has what was seen of it.
func (s *Source) isIntact(st *stream) bool {
	if st.content == nil || st.zipped {
		return st.content != nil // a compressed file is not written to again
	}
	info, err := st.file.Stat()
	if err != nil || info.Size() < st.seen() {
		return false
	}
	ok, err := st.mark.check(st.content)
	if err == nil && ok {
		ok, err = st.guarded(&s.buf)
	}
	return err == nil && ok
}

// isIntactNow looks again at a stream that was found in this survey.
func (s *Source) isIntactNow(st *stream, l *listing) bool {
	if st.content != nil {
		return s.isIntact(st)
	}
	own := l.byID[st.id]
	return own != nil && s.hasMark(st, own)
}

// isReplaced reports whether a program has written the stream's content anew and
// put that in its place, as editors do.
func (s *Source) isReplaced(st *stream, l *listing) bool {
	e := l.byPath[st.path]
	return e != nil && e.owner == nil && e.target && !st.zipped && e.size >= st.size && s.compare(st, e) == same
}

// hasMark reports whether e has before the stream's mark what the stream read.
func (s *Source) hasMark(st *stream, e *entry) bool {
	ok := false
	err := e.with(s.open, func(r content) (err error) {
		ok, err = st.mark.check(r)
		return err
	})
	return err == nil && ok
}

// isShortened reports whether the stream's file lost only what was not read: a
// writer took back the line that it had begun.
func (s *Source) isShortened(st *stream, l *listing) bool {
	e := l.byID[st.id]
	if e == nil || e.owner != nil || e.size < st.mark.offset || st.done || st.skip != nil {
		return false
	}
	return (st.isProven() || st.content != nil) && s.hasMark(st, e)
}

// findContent looks for a file that nobody owns and that has the stream's
// content. The best goes on where the stream stopped, and is not compressed.
func (s *Source) findContent(st *stream, l *listing, now time.Time) (*entry, relation) {
	var best *entry
	how := unrelated
	for _, e := range l.entries {
		sibling := slices.Contains(e.of, st.path)
		if e.owner != nil || e.id == st.id || (!sibling && !e.target) || !st.mayBe(e) {
			continue
		}
		if !st.isProven() && (len(st.ahead) == 0 || s.isCopy(e, st, l, now)) {
			continue
		}
		r := s.compare(st, e)
		if r == unrelated || (r == part && !sibling) {
			continue
		}
		if best == nil || r > how || (r == how && best.zipped && !e.zipped) {
			best, how = e, r
		}
	}
	return best, how
}

// compare says what e's content is to the stream's.
func (s *Source) compare(st *stream, e *entry) relation {
	if err := e.peek(s.open); err != nil {
		s.unsettled = true
		return unrelated
	}
	head := st.mark.head
	n := head.length()
	switch {
	case st.mark.offset == 0:
		if len(st.ahead) == 0 || !bytes.HasPrefix(e.head, st.ahead[:min(len(st.ahead), headLength)]) {
			return unrelated
		}
		return same
	case len(e.head) < n:
		if st.done || len(e.head) == 0 || e.torn != nil || !bytes.HasPrefix(head.bytes, e.head) {
			return unrelated
		}
		return part
	case !head.is(e.head[:n]):
		return unrelated
	case st.done:
		if n < headLength && len(e.head) > n {
			return unrelated // too little was read of it to know it by that
		}
		return same
	case !e.zipped && e.size < st.mark.offset:
		return part
	default:
		return s.compareTail(st, e)
	}
}

// compareTail compares what lies before the stream's mark, far into the file.
func (s *Source) compareTail(st *stream, e *entry) relation {
	how := unrelated
	err := e.with(s.open, func(r content) error {
		n := st.mark.tail.length()
		tail, err := readAt(r, make([]byte, n), st.mark.offset-int64(n))
		switch {
		case err != nil:
			return err
		case len(tail) < n:
			how = part
		case st.mark.tail.is(tail):
			how = same
		}
		return nil
	})
	var damage damageError
	if err != nil && !errors.As(err, &damage) {
		s.unsettled = true
	}
	return how
}

// isPrefix reports whether e is a copy of the stream's file, whole or under way.
func (s *Source) isPrefix(st *stream, e *entry, l *listing) bool {
	if st.content != nil {
		ok, err := e.isPrefixOf(st.content, st.zipped, s)
		return err == nil && ok
	}
	own := l.byID[st.id]
	if own == nil || own.owner != st {
		return s.compare(st, e) != unrelated
	}
	ok := false
	err := own.with(s.open, func(r content) (err error) {
		ok, err = e.isPrefixOf(r, own.zipped, s)
		return err
	})
	return err == nil && ok
}

// isPrefixOf compares the entry's beginning and end with the same places of r.
func (e *entry) isPrefixOf(r content, zipped bool, s *Source) (bool, error) {
	head, err := readAt(r, make([]byte, headLength), 0)
	if err != nil || len(e.head) == 0 || !bytes.HasPrefix(head, e.head) {
		return false, err
	}
	if zipped || e.zipped {
		return true, nil
	}
	n := min(e.size, tailLength)
	there, err := readAt(r, make([]byte, n), e.size-n)
	if err != nil {
		return false, err
	}
	var here []byte
	err = e.with(s.open, func(own content) (err error) {
		here, err = readAt(own, make([]byte, n), e.size-n)
		return err
	})
	return bytes.Equal(here, there), err
}
