package file

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/source"
)

// mostWork is how many bytes are worked through before the source looks up,
// even if they were all blank or one long line.
const mostWork = 16 << 20

// step reads what there is, and looks for more if that is nothing. It does not
// wait. more says that there is something to read although the batch is empty.
func (s *Source) step(now time.Time) (batch source.Batch, more bool, err error) {
	s.outMost = s.opts.BatchLines
	if s.opts.Room != nil {
		s.outMost = max(1, min(s.outMost, s.opts.Room()))
	}
	s.collect(now)
	for range 2 { // a file that turns out to have changed is worth a second look
		if s.hasOutput() {
			break
		}
		if more = s.look(now); !more && !s.hasOutput() {
			break
		}
		s.collect(now)
	}
	batch, err = s.flush()
	s.publish(isEmpty(batch) && !more)
	return batch, more, err
}

// collect fills the batch from what the last look found: files that were rotated
// away, oldest first, then the others in turn.
func (s *Source) collect(now time.Time) {
	work := int64(mostWork)
	for _, st := range s.streams {
		if !st.rotated.IsZero() {
			work -= s.drain(st, work, now)
		}
	}
	if len(s.streams) == 0 {
		return
	}
	first := s.turn % len(s.streams)
	for i := range s.streams {
		at := (first + i) % len(s.streams)
		st := s.streams[at]
		if !st.rotated.IsZero() {
			continue
		}
		if n := s.drain(st, work, now); n > 0 {
			work -= n
			s.turn = at + 1
		}
	}
}

// drain reads a stream until the last look's end, or until enough was read.
func (s *Source) drain(st *stream, work int64, now time.Time) int64 {
	var done int64
	for st.unread() && !s.full() && done < work {
		err := s.openStream(st)
		var n int64
		if err == nil {
			s.use(st)
			n, err = s.read(st, now)
		}
		if err != nil {
			s.stumble(st, err)
			break
		}
		done += n
	}
	if h := st.held; h != nil && !h.judged && !st.paused && !st.done && !s.full() &&
		h.end == st.size && now.Sub(h.since) >= s.opts.PollInterval {
		err := s.openStream(st)
		if err == nil {
			err = s.judge(st, now)
		}
		if err != nil {
			s.stumble(st, err)
		}
	}
	return done
}

// full reports whether the batch has as much as it may have.
func (s *Source) full() bool {
	return len(s.out.Events)+len(s.out.Rejected) >= s.outMost || s.outBytes >= s.opts.BatchBytes
}

func (s *Source) hasOutput() bool {
	return len(s.out.Events) > 0 || len(s.out.Rejected) > 0 || len(s.moved) > 0 || s.isNewborn()
}

// isNewborn reports whether the source has to save that it knows its pattern. In
// the absence of any stream, that tells a restart from the first start.
func (s *Source) isNewborn() bool { return !s.born.IsZero() && !s.toldBorn }

func isEmpty(b source.Batch) bool {
	return len(b.Events) == 0 && len(b.Rejected) == 0 && len(b.Positions) == 0
}

// tell puts the stream's position into the batch.
func (s *Source) tell(st *stream) {
	if !st.told {
		st.told = true
		s.moved = append(s.moved, st)
	}
}

// flush returns the batch with the positions after it, and begins another.
func (s *Source) flush() (source.Batch, error) {
	if s.isNewborn() {
		s.toldBorn = true
		s.tell(&stream{key: bornStream, path: s.pattern, name: s.pattern, modified: s.born, since: s.born, done: true, skipped: true})
	}
	for _, st := range s.moved {
		p := source.Position{Stream: st.key}
		if !st.gone {
			data, err := st.encode()
			if err != nil {
				return source.Batch{}, fmt.Errorf("file source: encode position: %w", err)
			}
			p.Data = data
		}
		st.told = false
		s.out.Positions = append(s.out.Positions, p)
	}
	batch := s.out
	s.out, s.outBytes, s.moved = source.Batch{}, 0, nil
	return batch, nil
}

// sortByAge orders the streams by their numbers, which count up.
func (s *Source) sortByAge() {
	number := func(st *stream) uint64 {
		n, err := strconv.ParseUint(st.key, 10, 64)
		if err != nil {
			return 0 // restore refused such keys
		}
		return n
	}
	slices.SortFunc(s.streams, func(a, b *stream) int { return cmp.Compare(number(a), number(b)) })
}
