package file

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/source"
)

// publish renews what Status returns. nothing says that the last look found
// nothing to read.
func (s *Source) publish(nothing bool) {
	var files int
	var lag int64
	var current *stream
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
		}
		if current == nil || st.isBefore(current) {
			current = st
		}
	}
	status := source.Status{
		Position: "waiting for " + s.pattern,
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
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
