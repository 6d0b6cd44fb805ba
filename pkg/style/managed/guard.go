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
// held, all others are. Each is held until a person releases it or its asset is back,
// however few of them are left (WasHeld). The deletion of an asset that is not tracked
// counts if the endpoint may have taken it in an attempt. But after a restore it may have
// any asset, and never had most: their deletions are sent.
//
// What is counted: deletions that were acknowledged within the window, those that
// are owed because an event said so, and those that are under way because an asset
// left the filter or is hidden. So what arrives together is held as a whole. One that
// is under way counts as owed even if a change has come since that is none.
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

	users int // passages, and messages that are being judged; under the lock of gates
}

// gates are those of endpoints with deletions under way, by id. Without any there is
// nothing to remember: an endpoint that is removed leaves no gate.
type gates struct {
	mu         sync.Mutex
	byEndpoint map[uint64]*gate
}

// enter returns an endpoint's gate, to be left again.
func (a *gates) enter(endpointID uint64) *gate {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.byEndpoint[endpointID]
	if g == nil {
		if a.byEndpoint == nil {
			a.byEndpoint = make(map[uint64]*gate)
		}
		g = &gate{}
		g.settled.L = &g.mu
		a.byEndpoint[endpointID] = g
	}
	g.users++
	return g
}

func (a *gates) leave(endpointID uint64, g *gate) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(a.byEndpoint, endpointID)
	}
}

// pass lets n deletions of an endpoint through; nil if they are too many, which is
// judged by how many are under way with them.
func (a *gates) pass(endpointID uint64, n deletions, tooMany func(under deletions) (bool, error)) (*passage, error) {
	g := a.enter(endpointID)
	leave := func() { a.leave(endpointID, g) }
	through, err := g.pass(n, tooMany)
	if !through {
		leave()
		return nil, err
	}
	return &passage{gate: g, leave: leave, n: n}, nil
}

func (g *gate) pass(n deletions, tooMany func(under deletions) (bool, error)) (through bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.settling > 0 {
		g.settled.Wait()
	}
	under := deletions{g.under.owed + n.owed, g.under.unowed + n.unowed}
	if held, err := tooMany(under); err != nil || held {
		return false, err
	}
	g.under = under
	return true, nil
}

// passage is that of one message.
type passage struct {
	gate     *gate
	leave    func() // the gate, in the end
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
	defer p.leave()
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
	if set.guard == 0 {
		return nil, nil
	}
	var n deletions
	for i := range m.tellings {
		switch t := &m.tellings[i]; {
		case !t.guarded():
		case t.debt.WasHeld:
			t.hold(ep)
		case t.debt.Deletes():
			n.owed++
		default:
			n.unowed++
		}
	}
	if n == (deletions{}) {
		return nil, nil
	}
	through, err := s.gates.pass(ep.ID, n, func(under deletions) (bool, error) {
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
			t.hold(ep)
		}
	}
	return nil, nil
}

// hold makes a deletion wait for a person.
func (t *telling) hold(ep *endpoint.Endpoint) {
	t.apart = &attempt.Outcome{
		Verdict: attempt.Held, Reason: attempt.TooManyDeletions,
		Error: "held: too many assets would be deleted at a time; 'dz endpoint release " + ep.Name + "' sends the deletions",
	}
}
