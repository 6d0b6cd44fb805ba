package managed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style"
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
// left the filter or is hidden. So what arrives together is held as a whole. One
// that is under way counts as owed even if a change has come since that is none.
func (s *settings) tooMany(l tracking.Losses, under deletions) bool {
	if s.guard == 0 {
		return false
	}
	if l.Held > 0 {
		return true
	}
	deleted, before := l.Recent+max(l.Pending, under.owed)+under.unowed, l.Tracked+l.Recent
	return deleted > s.above && deleted*100 > before*s.guard
}

// deletions counts some by whether an event has owed them.
type deletions struct{ owed, unowed uint64 }

// gate counts an endpoint's deletions under way.
//
// They are under way until it is durable that they were acknowledged, when the
// memory counts them as those of late. Neither may count them at that moment, nor
// both: so nobody passes while outcomes are made durable.
type gate struct {
	mu       sync.Mutex
	settled  sync.Cond // settling has become 0
	under    deletions
	settling int // messages whose outcome is about to be durable
}

// gates are those of all endpoints, by id.
type gates struct{ byEndpoint sync.Map }

func (g *gates) of(endpointID uint64) *gate {
	fresh := &gate{}
	fresh.settled.L = &fresh.mu
	kept, _ := g.byEndpoint.LoadOrStore(endpointID, fresh)
	one, _ := kept.(*gate) // they are nothing else
	return one
}

// pass lets n deletions through; nil if they are too many, which is judged by how
// many are under way with them.
func (g *gate) pass(n deletions, tooMany func(under deletions) (bool, error)) (*passage, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.settling > 0 {
		g.settled.Wait()
	}
	under := deletions{g.under.owed + n.owed, g.under.unowed + n.unowed}
	if held, err := tooMany(under); err != nil || held {
		return nil, err
	}
	g.under = under
	return &passage{gate: g, n: n}, nil
}

// passage is that of one message.
type passage struct {
	gate     *gate
	n        deletions
	settling bool
}

// Settle closes the gate until the end.
func (p *passage) Settle() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	if !p.settling {
		p.settling = true
		p.gate.settling++
	}
}

// End lets others pass.
func (p *passage) End() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.gate.under.owed -= p.n.owed
	p.gate.under.unowed -= p.n.unowed
	if p.settling {
		if p.gate.settling--; p.gate.settling == 0 {
			p.gate.settled.Broadcast()
		}
	}
}

// guard holds the deletions of a message if they are too many. It returns the
// passage of those that are not; nil without any.
func (s Style) guard(ctx context.Context, ep *endpoint.Endpoint, set *settings, m *draft, now time.Time) (style.Passage, error) {
	var n deletions
	for i := range m.tellings {
		switch t := &m.tellings[i]; {
		case !t.guarded():
		case t.debt.Deletes():
			n.owed++
		default:
			n.unowed++
		}
	}
	if n == (deletions{}) || set.guard == 0 {
		return nil, nil
	}
	through, err := s.gates.of(ep.ID).pass(n, func(under deletions) (bool, error) {
		losses, err := s.memory.Losses(ctx, ep.ID, now)
		return set.tooMany(losses, under), err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("guard against mass deletion: %w", err)
	case through != nil:
		return through, nil
	}
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
