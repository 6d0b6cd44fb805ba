package file

import (
	"time"

	"github.com/fsnotify/fsnotify"
)

// A pattern may name thousands of files that nobody writes to any more. Where
// the source is told of changes, it looks at those only now and then, a few in
// each look, in turn: what a watch misses (a writer on another machine, one that
// writes through a mapping) is found a little later, and everything else at
// once.

// restAfter is how long after it last grew a file is looked at in every look.
const restAfter = time.Minute

// putToRest chooses which files the look will not look at.
func (s *Source) putToRest(now time.Time) {
	s.hearAll()
	most := s.opts.MostResting
	if !s.watch.covers || len(s.streams) <= most {
		most = len(s.streams)
	}
	n := len(s.streams)
	first := s.nextResting
	for i := range n {
		at := (first + i) % n
		st := s.streams[at]
		st.asleep = !st.isAwake(now)
		st.woken = false
		if st.asleep && most > 0 {
			st.asleep = false
			most--
			s.nextResting = at + 1
		}
	}
}

// isAwake reports whether the stream's file has to be looked at in every look.
// Order needs it of files that were rotated away: what followed them is read only
// as far as it went before they were looked at.
func (st *stream) isAwake(now time.Time) bool {
	switch {
	case st.woken, st.linked, st.zipped, st.paused, st.trouble != nil:
		return true
	case !st.rotated.IsZero(), !st.lost.IsZero(), st.held != nil, st.skip != nil, st.unread():
		return true
	default:
		return now.Sub(st.grown) < restAfter
	}
}

// hear notes what a watch tells: that a file was changed, or a directory is gone.
func (s *Source) hear(event fsnotify.Event) {
	s.watch.note(event)
	if st := s.names[event.Name]; st != nil {
		st.woken = true
	}
}

// hearAll hears what has been told by now.
func (s *Source) hearAll() {
	for {
		select {
		case event, ok := <-s.watch.events():
			if !ok {
				s.deafen()
				return
			}
			s.hear(event)
		default:
			return
		}
	}
}

// deafen leaves everything to polling.
func (s *Source) deafen() { s.watch.notify, s.watch.covers = nil, false }

// wakeAll has every file looked at in the next look.
func (s *Source) wakeAll() {
	for _, st := range s.streams {
		st.woken = true
	}
}
