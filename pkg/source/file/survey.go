package file

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

// clockSkew is how far the clock of a file system and the machine's may differ.
const clockSkew = time.Second

// survey lists what there is and decides which stream each file is. Streams come
// first, by number, then by content; only what no stream knows is new.
func (s *Source) survey(now time.Time) {
	began := s.clock()
	l := s.list()
	s.unsettled, s.listTrouble = false, l.trouble
	since := s.watermarks(began)
	for _, st := range s.streams {
		st.present = false
	}
	// Content is proof, so what has been read of goes first: a number may have
	// been given to a copy of it.
	for _, proven := range []bool{true, false} {
		s.matchNumbers(l, proven, now)
		for _, st := range s.streams {
			if proven && !st.present {
				l.adrift = append(l.adrift, st)
			}
		}
		for _, st := range s.streams {
			if !st.present && !st.gone && st.isProven() == proven {
				s.seek(st, l, now)
			}
		}
	}
	for _, st := range s.streams {
		if !st.gone && !st.lost.IsZero() && !st.done && !st.isProven() && st.since.Before(since[st.path]) {
			since[st.path] = st.since // it may be any file that is no older
		}
	}
	s.takeIn(l, since, began, now)
	calm := s.isCalm(l, began)
	for _, st := range s.streams {
		switch before, known := since[st.path]; {
		case !st.present:
		case (calm && !l.deferred[st.path]) || (!known && s.born.IsZero()):
			st.since = st.modified
		case !st.since.IsZero():
		case known: // files that were not seen or judged may be older than it
			st.since = before
		default:
			st.since = s.born
		}
		if !s.concerns(st.path) && !st.gone {
			s.forget(st) // the pattern has been changed
		}
	}
	if s.born.IsZero() {
		s.born = began.Add(-clockSkew)
	}
	s.streams = slices.DeleteFunc(s.streams, func(st *stream) bool { return st.gone })
	s.surveyed(l, began)
}

// isCalm reports whether the directories have not changed since some time before
// they were read. Else files may have been renamed under the listing, so that it
// lacks some that are older than those it has.
func (s *Source) isCalm(l *listing, began time.Time) bool {
	for dir, modified := range l.stamps {
		known, ok := s.stamps[dir]
		if !ok || !known.modified.Equal(modified) || began.Before(known.seen.Add(tick)) || !modTime(dir).Equal(modified) {
			return false
		}
	}
	return true
}

// watermarks returns for every tailed path since when its newest stream was
// known. Siblings that were changed earlier are older than it. The time is that
// of the survey before, because the path's file may have been copied, truncated
// and written to since.
//
// It is no time at all, so that nothing is older, where the clock may have been
// set back meanwhile: after a downtime, and if the time is still to come. A
// sibling that was there before is known as a stream, read or not (see note), so
// one that is not known came later, whatever its time says.
func (s *Source) watermarks(now time.Time) map[string]time.Time {
	newest := make(map[string]*stream)
	for _, st := range s.streams { // in order of age
		if best := newest[st.path]; best == nil || st.rank() >= best.rank() {
			newest[st.path] = st
		}
	}
	since := make(map[string]time.Time, len(newest))
	for path, st := range newest {
		since[path] = st.since
		if st.since.After(now.Add(clockSkew)) {
			since[path] = time.Time{}
		}
	}
	return since
}

// rank orders the streams of a path: what is at the path is newest.
func (st *stream) rank() int {
	switch {
	case st.skipped:
		return -1
	case st.done:
		return 0
	case !st.rotated.IsZero():
		return 1
	default:
		return 2
	}
}

// isProven reports whether the stream has content to be known by.
func (st *stream) isProven() bool { return st.mark.offset > 0 }

// matchNumbers finds the streams whose files have the numbers they had. A number
// proves nothing, because numbers are reused: the content decides.
func (s *Source) matchNumbers(l *listing, proven bool, now time.Time) {
	for _, st := range s.streams {
		e := l.byID[st.id]
		if e == nil || e.owner != nil || st.gone || st.isProven() != proven || !st.mayBe(e) {
			continue
		}
		if !proven && st.content == nil && s.isCopy(e, st, l, now) {
			continue
		}
		if !proven && st.done && e.modified.Equal(st.modified) {
			s.settle(st, e, now) // damaged from its first byte on
			st.done = true
			continue
		}
		if !proven && (!st.checked || !st.lost.IsZero()) {
			e.unread = true // this file or a later one: it gets its number by age
			s.forget(st)
			continue
		}
		if s.isStill(st, e) {
			s.settle(st, e, now)
		}
	}
}

// mayBe keeps what was skipped as an old sibling from hiding a file that the
// pattern names.
func (st *stream) mayBe(e *entry) bool { return !st.skipped || !e.target }

// settle notes that e has st's content, under its name.
func (s *Source) settle(st *stream, e *entry, now time.Time) {
	e.owner = st
	st.present, st.checked, st.name = true, true, e.path
	st.lost, st.waiting = time.Time{}, false
	if e.zipped && !st.zipped {
		st.zipped, st.size, st.packed = true, unknownSize, e.size
	}
	if st.damaged != nil && !st.done && st.listed != e.looks() { // it was still being written
		s.closeStream(st)
		st.size, st.damaged = unknownSize, nil
	}
	if !st.zipped {
		st.size = min(max(st.size, st.mark.offset), e.size)
	}
	if st.listed != e.looks() {
		st.asleep = false
	}
	st.modified, st.listed, st.linked = e.modified, e.looks(), e.linked
	grown := !st.zipped && !st.skipped && e.size > st.mark.offset
	switch {
	case e.target && (e.path == st.path || !slices.Contains(e.of, st.path)):
		// At its path, or renamed to another that the pattern names.
		if st.path != e.path {
			st.path = e.path
			s.tell(st)
		}
		st.rotated = time.Time{}
		st.done = st.done && st.zipped
	case st.done && grown:
		// Somebody still writes to it, long after it was rotated away.
		st.done, st.rotated, st.grown = false, now, now
	case st.rotated.IsZero():
		failpoint.Reach(failpoint.Rotated)
		st.rotated = now
	}
}

// seek finds a stream whose number leads nowhere or to other content: its file
// was removed, copied and truncated, compressed, or moved to another disk.
func (s *Source) seek(st *stream, l *listing, now time.Time) {
	if s.isIntact(st) && !s.isReplaced(st, l) { // removed, or moved out of sight, but still open
		st.lost = time.Time{}
		if st.rotated.IsZero() {
			st.rotated = now
		}
		return
	}
	switch found, how := s.findContent(st, l, now); {
	case how == same:
		s.closeStream(st)
		st.adopt(found)
		s.settle(st, found, now)
		s.tell(st)
	case how == part:
		s.closeAs(st, found, now)
	case s.isShortened(st, l):
		s.cutOff(st, reasonTruncated, now)
		st.size = st.mark.offset
		s.settle(st, l.byID[st.id], now)
	default:
		s.closeStream(st)
		s.giveUp(st, l, now)
	}
}

// adopt makes a file with the stream's content the stream's file.
func (st *stream) adopt(e *entry) {
	st.name, st.id = e.path, e.id
	st.size, st.sure, st.zipped, st.damaged, st.held, st.ahead = st.mark.offset, 0, false, nil, nil, nil
}

// closeAs ends a stream at a copy that holds only lines that were read: the
// copy was made, more was read, then the file was truncated.
func (s *Source) closeAs(st *stream, e *entry, now time.Time) {
	s.closeStream(st)
	end := e.size
	if e.zipped {
		end = int64(len(e.head))
	}
	err := e.with(s.open, func(r content) error {
		if e.grown {
			return errChanged // it was still being copied when it was listed
		}
		at, err := markAt(r, end)
		if err == nil {
			s.cutOff(st, reasonTruncated, now)
			st.mark = at
		}
		return err
	})
	if err != nil {
		s.unsettled = true
		return
	}
	st.adopt(e)
	st.done = true
	s.settle(st, e, now)
	s.tell(st)
}

// giveUp forgets a stream that could not be found for the time of grace.
func (s *Source) giveUp(st *stream, l *listing, now time.Time) {
	if st.lost.IsZero() {
		st.lost = now
	}
	if st.rotated.IsZero() {
		st.rotated = now
	}
	if now.Sub(st.lost) < s.opts.Grace {
		s.unsettled = s.unsettled || !st.done
		return
	}
	if st.waiting = !st.removed && !l.settled[filepath.Dir(st.path)]; st.waiting {
		return
	}
	s.reportLost(st, now)
	s.forget(st)
}
