package file

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// relist is how often directories are read although nothing seems to have
	// changed in them; less often if that takes more than its share of a core,
	// but at least every relistAtMost.
	relist       = 5 * time.Second
	relistAtMost = time.Minute
	// tick is more than the step in which file systems stamp changes: a change
	// in the same step as the one before leaves the same stamp.
	tick = 50 * time.Millisecond
)

// stamp is a directory's time of last change, and when it was first seen.
type stamp struct {
	modified time.Time
	seen     time.Time
}

// look finds out what there is. It reports whether there is something to read.
func (s *Source) look(now time.Time) bool {
	began := s.clock()
	s.putToRest(now)
	for _, st := range s.streams {
		st.paused, st.trouble = false, nil
	}
	var listing time.Duration
	if s.isSurveyDue() {
		s.survey(now)
		listing += s.listCost
	}
	if s.statAll(now) {
		s.survey(now)
		listing += s.listCost
		s.statAll(now)
	}
	s.keepOpen()
	for _, st := range s.streams {
		s.end(st, now)
	}
	s.streams = slices.DeleteFunc(s.streams, func(st *stream) bool { return st.gone })
	s.lookEnded = s.clock()
	cost := s.lookEnded.Sub(began)
	s.lookCost, s.lastCost = min(cost, s.lastCost), cost // one slow look proves nothing
	s.pollCost = min(s.lookCost, cost-listing)
	return slices.ContainsFunc(s.streams, (*stream).unread)
}

// isSurveyDue reports whether files may have come, gone or changed their names.
func (s *Source) isSurveyDue() bool {
	now := s.clock()
	if s.unsettled || s.last.IsZero() || now.Sub(s.last) > min(max(relist, watchedShare*s.listCost), relistAtMost) {
		return true
	}
	if s.surveysAlways() || (!s.glob && s.atPath() != s.target) {
		return true
	}
	for dir, stamp := range s.stamps {
		if !modTime(dir).Equal(stamp.modified) || s.last.Before(stamp.seen.Add(tick)) {
			return true
		}
	}
	return false
}

// surveysAlways reports whether every look has to read directories, as some may
// have come that the pattern names.
func (s *Source) surveysAlways() bool { return s.glob && isPattern(filepath.Dir(s.pattern)) }

// atPath returns the number of what is at the path, zero if nothing is.
func (s *Source) atPath() fileID {
	info, err := os.Stat(s.pattern)
	if err != nil {
		return fileID{}
	}
	id, err := identify(info)
	if err != nil {
		return fileID{}
	}
	return id
}

func modTime(dir string) time.Time {
	info, err := os.Stat(dir)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// surveyed notes what a survey that began at this time saw.
func (s *Source) surveyed(l *listing, began time.Time) {
	stamps := make(map[string]stamp, len(l.stamps))
	for dir, modified := range l.stamps {
		old, known := s.stamps[dir]
		if !known || !old.modified.Equal(modified) {
			old = stamp{modified: modified, seen: began}
		}
		stamps[dir] = old
	}
	s.stamps, s.last = stamps, began
	s.listCost = s.clock().Sub(began)
	s.names = make(map[string]*stream, len(s.streams))
	for _, st := range s.streams {
		s.names[st.name] = st
	}
	s.target = fileID{}
	if e := l.byPath[s.pattern]; e != nil && !s.glob {
		s.target = e.id
	}
	s.watch.cover(l.stamps)
}

// statAll looks at the size of every file, newest first: what is at a path is
// then read only as far as it went before its predecessor was looked at. It
// leaves out those at rest. It reports whether a file is not what it was.
func (s *Source) statAll(now time.Time) bool {
	changed := false
	for _, atPath := range []bool{true, false} {
		for _, st := range slices.Backward(s.streams) {
			if st.done || st.asleep || !st.lost.IsZero() || st.rotated.IsZero() != atPath {
				continue
			}
			st.paused, st.trouble = false, nil
			if err := st.stat(now); err != nil {
				s.stumble(st, err)
				changed = changed || errors.Is(err, errChanged)
			}
		}
	}
	return changed
}

// keepOpen opens files that are not rotated away or removed yet, so that they
// can be read when they are.
func (s *Source) keepOpen() {
	for _, st := range s.streams {
		if len(s.opened) >= s.opts.MaxOpen {
			return
		}
		if st.content == nil && !st.done && st.lost.IsZero() && !st.paused {
			if err := s.openStream(st); err != nil {
				s.stumble(st, err)
			}
		}
		if err := st.lookAhead(); err != nil {
			s.stumble(st, err)
		}
	}
}

// end ends a stream that will have no more: one that was rotated away and did
// not grow for the time of grace, or a compressed one that was read.
func (s *Source) end(st *stream, now time.Time) {
	if st.done || st.paused || st.unread() || !st.lost.IsZero() {
		return
	}
	since := st.rotated
	if st.grown.After(since) {
		since = st.grown
	}
	over := now.Sub(since) >= s.opts.Grace
	if st.zipped && st.damaged == nil {
		over = true
	} else if st.rotated.IsZero() && !st.zipped {
		over = false
	}
	if !over {
		return
	}
	if st.content == nil && st.held != nil {
		if err := s.openStream(st); err != nil {
			s.stumble(st, err)
			return
		}
	}
	if err := s.finish(st, now); err != nil {
		s.stumble(st, err)
		return
	}
	switch {
	case !st.isProven() && st.damaged == nil:
		s.forget(st) // there is nothing that could be read twice
	case !st.present:
		s.unsettled = true // perhaps a compressed copy is left of it
	}
}

// openStream opens a stream's file, and closes another if there are too many.
func (s *Source) openStream(st *stream) error {
	if st.content != nil {
		return nil
	}
	if len(s.opened) >= s.opts.MaxOpen && !s.evict() {
		return errTooMany
	}
	if err := st.open(s.open); err != nil {
		return err
	}
	s.opened = append(s.opened, st)
	s.use(st)
	return nil
}

var errTooMany = errors.New("too many files are open that were rotated away and are not read to their ends yet")

// evict closes the file that was longest without use and can be opened again:
// its name still leads to it.
func (s *Source) evict() bool {
	candidates := slices.Clone(s.opened)
	slices.SortFunc(candidates, func(a, b *stream) int { return cmp.Compare(a.used, b.used) })
	for _, st := range candidates {
		info, err := os.Stat(st.name)
		if err != nil {
			continue
		}
		if id, err := identify(info); err == nil && id == st.id {
			s.closeStream(st)
			return true
		}
	}
	return false
}

func (s *Source) use(st *stream) {
	s.uses++
	st.used = s.uses
}

func (s *Source) closeStream(st *stream) {
	if st.content == nil {
		return
	}
	st.close()
	if i := slices.Index(s.opened, st); i >= 0 {
		s.opened = slices.Delete(s.opened, i, i+1)
	}
}

// stumble notes what hinders reading a stream. It is tried again at the next
// look.
func (s *Source) stumble(st *stream, err error) {
	st.paused = true
	if errors.Is(err, errChanged) || errors.Is(err, fs.ErrNotExist) {
		s.unsettled = true
		return
	}
	st.trouble = err
}

// forget drops a stream for good.
func (s *Source) forget(st *stream) {
	s.closeStream(st)
	st.gone = true
	s.tell(st)
}
