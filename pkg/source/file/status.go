package file

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/source"
)

// mostTails is how many files are looked at each time the status is asked for.
const mostTails = 256

// tail is a tailed path, and the file that was there at the last look, as far as it
// went; the zero file if there was none.
type tail struct {
	path string
	id   fileID
	size int64
}

// growth returns how many bytes came since the last look.
func (t tail) growth() int64 {
	info, err := os.Stat(t.path)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	if id, err := identify(info); err == nil && id == t.id {
		return max(info.Size()-t.size, 0)
	}
	return info.Size()
}

// Status implements source.Source. CaughtUp becomes true in the call of Next
// that finds nothing more, so never before the batches were handed over. Lag is as
// of now, as far as the paths themselves tell: whoever can't take the next batch
// calls no Next, and files go on growing.
func (s *Source) Status() source.Status {
	s.mu.Lock()
	status, tails := s.status, s.tails
	s.mu.Unlock()
	for _, t := range tails {
		grown := t.growth()
		status.Lag += grown
		if grown > 0 && t.path == s.pattern && status.Position == s.waiting() {
			status.Position = filepath.Base(t.path) + ":0"
		}
	}
	return status
}

func (s *Source) waiting() string { return "waiting for " + s.pattern }

// publish renews what Status returns. nothing says that the last look found
// nothing to read.
func (s *Source) publish(nothing bool) {
	var files int
	var lag int64
	var current *stream
	var tails []tail
	settled := !s.unsettled
	troubles := slices.Clone(s.listTrouble)
	for _, st := range s.streams {
		if st.done {
			continue
		}
		lag += st.lag()
		if st.trouble != nil {
			troubles = append(troubles, st.trouble)
		}
		settled = settled && (st.lost.IsZero() || st.waiting) && !st.resting()
		if st.rotated.IsZero() {
			files++
			if !st.zipped && len(tails) < mostTails {
				tails = append(tails, tail{st.path, st.id, st.size})
			}
		}
		if current == nil || st.isBefore(current) {
			current = st
		}
	}
	status := source.Status{
		Position: s.waiting(),
		Lag:      lag,
		CaughtUp: nothing && settled && len(troubles) == 0,
		Error:    joined(troubles),
	}
	if current != nil {
		status.Position = current.position()
	}
	if s.glob && current != nil {
		status.Position = fmt.Sprintf("%d files, %s", files, status.Position)
	}
	if !s.glob && files == 0 {
		tails = append(tails, tail{path: s.pattern})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.tails = status, tails
}

// isBefore orders streams for showing one of them: what is being read, then what
// is at its path, then what was used last.
func (st *stream) isBefore(other *stream) bool {
	if st.unread() != other.unread() {
		return st.unread()
	}
	if st.rotated.IsZero() != other.rotated.IsZero() {
		return st.rotated.IsZero()
	}
	return st.used > other.used
}

func (st *stream) position() string {
	return fmt.Sprintf("%s:%d", filepath.Base(st.name), st.mark.offset)
}

// joined puts several obstacles into one sentence.
func joined(errs []error) string {
	if len(errs) == 0 {
		return ""
	}
	texts := make([]string, 0, len(errs))
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if more := len(texts) - 3; more > 0 {
		texts = append(texts[:3], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
