package file

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// takeIn makes streams of the files that no stream knows: those that the pattern
// names, and siblings that were rotated away unseen.
//
// Siblings that were there before dz knew of their path are not read. They are
// noted, so that they are known when they are renamed or compressed, and so are
// old files that are put beside a path later.
func (s *Source) takeIn(l *listing, since map[string]time.Time, began, now time.Time) {
	open := make(map[fileID]bool) // the number of an open file is no other's
	for _, st := range s.opened {
		open[st.id] = true
	}
	var fresh, old []*entry
	for _, e := range l.entries {
		if e.owner != nil {
			continue
		}
		news := s.isNews(e, since)
		copied := news && s.isCopy(e, nil, l, now)
		switch {
		case e.moved || open[e.id]: // renamed during the survey
			s.unsettled = true
		case copied:
			l.deferred[e.origin()] = true
		case news:
			fresh = append(fresh, e)
		case isSource(e):
			old = append(old, e)
		}
	}
	if len(old) > 0 && s.isCalm(l, began) {
		s.note(old, l, now)
	}
	fresh = append(fresh, s.unread(fresh)...)
	slices.SortFunc(fresh, byAge)
	for _, target := range []bool{false, true} { // what is at the path is the newest
		for _, e := range fresh {
			if e.target != target {
				continue
			}
			if e.owner != nil {
				s.renumber(e.owner)
				continue
			}
			_, known := since[e.origin()]
			s.enter(e, known, now)
		}
	}
}

// unread returns the files of the streams that nothing was read of, if others of
// their paths are fresh: those may be older and have to be read first.
func (s *Source) unread(fresh []*entry) []*entry {
	paths := make(map[string]bool)
	for _, e := range fresh {
		if !e.target {
			paths[e.origin()] = true
		}
	}
	var files []*entry
	for _, st := range s.streams {
		if paths[st.path] && !st.gone && !st.done && st.lost.IsZero() && !st.isProven() {
			files = append(files, &entry{path: st.name, modified: st.lastChange(), target: st.rotated.IsZero(), owner: st})
		}
	}
	return files
}

// lastChange returns when the stream's file was changed last, as far as is known.
func (st *stream) lastChange() time.Time {
	if st.file != nil {
		if info, err := st.file.Stat(); err == nil {
			return info.ModTime()
		}
	}
	return st.modified
}

// renumber makes a stream the newest.
func (s *Source) renumber(st *stream) {
	s.tell(&stream{key: st.key, gone: true})
	s.newest++
	st.key = strconv.FormatUint(s.newest, 10)
	i := slices.Index(s.streams, st)
	s.streams = append(slices.Delete(s.streams, i, i+1), st)
	s.tell(st)
}

// origin returns the tailed path that an entry belongs to.
func (e *entry) origin() string {
	if e.target {
		return e.path
	}
	return slices.MaxFunc(e.of, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
}

// isNews reports whether a file that no stream knows may be one to read.
func (s *Source) isNews(e *entry, since map[string]time.Time) bool {
	if e.target || e.unread {
		return true
	}
	return isSource(e) && !e.modified.Before(since[e.origin()])
}

// isSource reports whether a sibling may be one to read or to note.
func isSource(e *entry) bool { return e.size > 0 && !isLeftover(e.path) }

// note makes streams of siblings that are too old to be news, unless they are
// copies of what is known. So they are known after a downtime too, when their
// times prove nothing.
func (s *Source) note(old []*entry, l *listing, now time.Time) {
	for _, e := range old {
		if l.deferred[e.origin()] {
			continue
		}
		err := e.peek(s.open)
		if errors.Is(err, errChanged) {
			s.unsettled = true
			continue
		}
		if err != nil || !s.isCopy(e, nil, l, now) {
			s.leave(s.add(e), e)
		}
	}
}

// leave marks a file that is not to be read.
func (s *Source) leave(st *stream, e *entry) {
	st.skipped = true
	s.pin(st, e)
}

// isCopy reports whether a file is a copy of one that another stream than but knows: the
// first step of copytruncate, a backup, or the compressed form beside the plain
// one. A file that can't be judged yet passes for a copy until it can.
func (s *Source) isCopy(e *entry, but *stream, l *listing, now time.Time) bool {
	if e.size == 0 || (e.target && len(l.relatives(e)) == 0) {
		return false
	}
	if err := e.peek(s.open); err != nil {
		if e.target {
			return false
		}
		s.unsettled, s.listTrouble = true, append(s.listTrouble, err)
		return true
	}
	if slices.ContainsFunc(l.relatives(e), func(st *stream) bool { return st != but && s.isCopyOf(e, st, l) }) {
		return true
	}
	torn := e.torn != nil || (e.size < 2 && strings.HasSuffix(e.path, ".gz"))
	if torn && now.Sub(e.modified).Abs() < s.opts.Grace {
		s.unsettled = true // still being compressed
		return true
	}
	return false
}

// relatives returns the streams that a file may be a copy of, by its name: those
// of the paths that it may have been rotated away from, and, as a pattern may
// name rotated files too, all whose files have gone from where they were.
func (l *listing) relatives(e *entry) []*stream {
	var streams []*stream
	for _, path := range e.of {
		streams = append(streams, l.families[path]...)
	}
	for _, st := range l.adrift {
		if !st.present {
			streams = append(streams, st)
		}
	}
	return streams
}

func (s *Source) isCopyOf(e *entry, st *stream, l *listing) bool {
	switch {
	case st.gone, st.skipped && e.target, !st.isProven() && st.content == nil:
		return false
	case st.done && s.compare(st, e) == unrelated:
		return false
	case !st.done && !s.isPrefix(st, e, l):
		if st.present && !s.isIntactNow(st, l) {
			s.unsettled = true // it was truncated just now, perhaps because e is its copy
			return true
		}
		return false
	}
	if !st.present {
		st.name = e.path // all that is left of it, beside the descriptor
	}
	return true
}

// enter makes a stream of a file. known says that its path had streams before.
func (s *Source) enter(e *entry, known bool, now time.Time) {
	st := s.add(e)
	unseen := known || (!s.born.IsZero() && !e.modified.Before(s.born))
	switch ending := compression(e.path); {
	case e.target && ending == "":
	case !e.target && !unseen:
		s.leave(st, e)
	case ending != "":
		reason := fmt.Sprintf("the file is compressed (%s); of compressions only gzip is read", ending)
		s.reject(st, reason, nil, 0, e.size, now)
		s.pin(st, e)
	default:
		st.rotated, st.grown = now, now
	}
}

// add makes a stream that has read nothing yet. Its position is told at once, so
// that a rotation during a downtime finds that the path was known.
func (s *Source) add(e *entry) *stream {
	s.newest++
	st := &stream{
		key: strconv.FormatUint(s.newest, 10), path: e.origin(), name: e.path, id: e.id,
		modified: e.modified, present: true, checked: true, linked: e.linked,
	}
	e.owner = st
	s.streams = append(s.streams, st)
	s.tell(st)
	return st
}

// pin marks a file as done without reading it, so that it is known again.
func (s *Source) pin(st *stream, e *entry) {
	st.done = true
	end := e.size
	err := e.with(s.open, func(r content) (err error) {
		if e.zipped {
			end = headLength // compressed files are known by their heads
		}
		st.mark, err = markAt(r, end)
		return err
	})
	if err != nil {
		s.listTrouble = append(s.listTrouble, err)
	}
}

// byAge orders files by their last change, and where that is equal by name:
// numbers count down towards the present, dates count up.
func byAge(a, b *entry) int {
	if c := a.modified.Compare(b.modified); c != 0 {
		return c
	}
	nameA, numberA := numbered(a.path)
	nameB, numberB := numbered(b.path)
	if nameA == nameB {
		return cmp.Compare(numberB, numberA)
	}
	return strings.Compare(a.path, b.path)
}

// numbered splits events.ndjson.12.gz into events.ndjson and 12. A date is no
// number.
func numbered(path string) (name string, number int) {
	path = strings.TrimSuffix(path, ".gz")
	digits := strings.TrimPrefix(filepath.Ext(path), ".")
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 {
		return path, 0
	}
	return strings.TrimSuffix(path, "."+digits), n
}
