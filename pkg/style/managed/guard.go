package managed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// The guard against mass deletion: exports of DAMs break, and a day on which all
// assets vanish is followed by one on which they return. So deletions are held if
// with them more than guard percent, and more than guardAbove, of an endpoint's
// tracked assets were deleted within tracking.DeletionWindow; and while some are
// held, all others are.
//
// What is counted: deletions that were acknowledged within the window, those that
// are owed because an event said so, and those that are under way because an asset
// left the filter or is hidden. So what arrives together is held as a whole.
func (s *settings) tooMany(l tracking.Losses, unowed uint64) bool {
	if s.guard == 0 {
		return false
	}
	if l.Held > 0 {
		return true
	}
	deleted, before := l.Recent+l.Pending+unowed, l.Tracked+l.Recent
	return deleted > s.above && deleted*100 > before*s.guard
}

// gates count, for each endpoint, deletions under way that no event has owed.
type gates struct {
	mu    sync.Mutex
	under map[uint64]uint64
}

// enter counts n more, and returns how many there are now.
func (g *gates) enter(endpointID, n uint64) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under == nil {
		g.under = make(map[uint64]uint64)
	}
	g.under[endpointID] += n
	return g.under[endpointID]
}

func (g *gates) leave(endpointID, n uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.under[endpointID] -= n; g.under[endpointID] == 0 {
		delete(g.under, endpointID)
	}
}

// guard holds the deletions of a message if they are too many. It returns what
// must be called when those under way have ended.
func (s Style) guard(ctx context.Context, ep *endpoint.Endpoint, set *settings, m *draft, now time.Time) (leave func(), err error) {
	var unowed, all uint64
	for i := range m.tellings {
		if t := &m.tellings[i]; t.guarded() {
			all++
			if !t.debt.Deletes() {
				unowed++
			}
		}
	}
	if all == 0 || set.guard == 0 {
		return nil, nil
	}
	losses, err := s.memory.Losses(ctx, ep.ID, now)
	if err != nil {
		return nil, fmt.Errorf("guard against mass deletion: %w", err)
	}
	under := s.gates.enter(ep.ID, unowed)
	if !set.tooMany(losses, under) {
		return func() { s.gates.leave(ep.ID, unowed) }, nil
	}
	s.gates.leave(ep.ID, unowed)
	for i := range m.tellings {
		if t := &m.tellings[i]; t.guarded() {
			t.apart = attempt.Outcome{
				Verdict: attempt.Held, Reason: attempt.TooManyDeletions,
				Error: "held: too many of the tracked assets would be deleted at a time; 'dz endpoint release " + ep.Name + "' sends the deletions",
			}
		}
	}
	return nil, nil
}
