package dztest

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
)

// Source is a source in memory: what is pushed comes out, once, from the saved
// position on.
type Source struct {
	mu     sync.Mutex
	events []event.Event
	next   int
	acked  int
	wake   chan struct{}
}

// NewSource makes an empty source.
func NewSource() *Source { return &Source{wake: make(chan struct{}, 1)} }

// Push appends an event of a type about an item, with the fields it changed.
func (s *Source) Push(typ string, item int, fields ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.tell()
	return s.push(typ, item, fields)
}

// PushAll appends an event of a type about each of the items. They come out
// together.
func (s *Source) PushAll(typ string, items ...int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.tell()
	for _, item := range items {
		if err := s.push(typ, item, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) push(typ string, item int, fields []string) error {
	list := "null"
	if len(fields) > 0 {
		list = fmt.Sprintf("%q", fields)
	}
	line := fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/test","type":%q,"data":{"itemId":%d,"changedFields":%s}}`,
		len(s.events)+1, typ, item, list)
	e, err := event.Decode(line)
	if err != nil {
		return err
	}
	s.events = append(s.events, e)
	return nil
}

// tell wakes whoever waits in Next.
func (s *Source) tell() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Acked returns how many events have been made durable.
func (s *Source) Acked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Rewind begins again at what was acknowledged, as a daemon does that starts
// anew.
func (s *Source) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = s.acked
}

// Next returns everything that was pushed since.
func (s *Source) Next(ctx context.Context) (source.Batch, error) {
	for {
		if b, ok := s.take(); ok {
			return b, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return source.Batch{}, context.Cause(ctx)
		}
	}
}

func (s *Source) take() (source.Batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.events) {
		return source.Batch{}, false
	}
	b := source.Batch{Events: s.events[s.next:len(s.events):len(s.events)]}
	s.next = len(s.events)
	b.Positions = []source.Position{{Stream: "memory", Data: []byte(strconv.Itoa(s.next))}}
	return b, true
}

// Ack notes that everything returned is durable.
func (s *Source) Ack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = s.next
}

// Status says how far the source was read.
func (s *Source) Status() source.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return source.Status{Position: strconv.Itoa(s.next), Lag: int64(len(s.events) - s.next), CaughtUp: s.next == len(s.events)}
}

// Close does nothing: the source outlives the daemon.
func (s *Source) Close() error { return nil }
