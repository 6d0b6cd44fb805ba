package storetest

import (
	"errors"
	"slices"
	"sync"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

var verdicts = []attempt.Verdict{
	attempt.Delivered, attempt.Delivered, attempt.Refused, attempt.Unavailable, attempt.Gone, attempt.Aborted,
	attempt.Skipped, attempt.Held,
}

// settling is an attempt under way that is about to end.
type settling struct {
	sent    debt.Debt
	verdict attempt.Verdict
	blamed  bool
	// foretold: that it is unclear was recorded before it was sent.
	foretold bool
	ack      *tracking.Acknowledgement // of one that was delivered, if its endpoint gives any
	settled  store.SettledDebt
	err      error
}

// drawSettling takes an attempt from those under way.
func (m *model) drawSettling(t *rapid.T) *settling {
	i := rapid.IntRange(0, len(m.inFlight)-1).Draw(t, "attempt")
	return m.drawEnd(t, i)
}

// drawEnd ends one of those under way.
func (m *model) drawEnd(t *rapid.T, i int) *settling {
	s := &settling{sent: m.inFlight[i], verdict: rapid.SampledFrom(verdicts).Draw(t, "verdict")}
	s.sent.Unclear = s.sent.Unclear || rapid.IntRange(0, 3).Draw(t, "of a request that is not settled") == 0
	s.blamed = s.verdict == attempt.Refused && rapid.Bool().Draw(t, "blamed")
	s.foretold = rapid.Bool().Draw(t, "foretold")
	if s.verdict == attempt.Delivered {
		s.ack = drawAcknowledgement(t, &s.sent)
	}
	m.inFlight = slices.Delete(m.inFlight, i, i+1)
	return s
}

// toSettle is the attempt as the store is told of it.
func (m *model) toSettle(s *settling) store.Attempt {
	d := m.settlementOf(s)
	return store.Attempt{Outcome: d.Outcome, Debts: []debt.Settlement{d}}
}

func (m *model) settlementOf(s *settling) debt.Settlement {
	d := m.settlement(s.sent, s.verdict)
	d.Blamed, d.Foretold, d.Acknowledged = s.blamed, s.foretold, s.ack
	return d
}

// do settles in the store.
func (m *model) do(s *settling) {
	settled, err := m.engine().Settle(ctx, s.sent.Endpoint, []store.Attempt{m.toSettle(s)})
	if s.err = err; err == nil {
		s.settled = settled[0].Debts[0]
	}
}

// did does to the model what the settlement did to the store, and compares.
func (m *model) did(s *settling) {
	if s.err != nil {
		m.Fatalf("settle: %v", s.err)
	}
	mine, ok := m.owed[debtName{s.sent.Endpoint, s.sent.Key}]
	found := ok && mine.ID == s.sent.ID
	equal(m.fixture, "found", s.settled.Found, found)
	m.acknowledged(s, mine, found)
	if !found {
		if ok { // it was purged meanwhile, and is owed again
			mine.Doubt(m.settlementOf(s))
		}
		return
	}
	settlement := m.settlementOf(s)
	settlement.ReleasedAt = m.released[s.sent.Endpoint]
	done := mine.Settle(settlement)
	equal(m.fixture, "done", s.settled.Done, done)
	if done {
		delete(m.owed, debtName{s.sent.Endpoint, s.sent.Key})
	} else {
		equal(m.fixture, "settled debt", s.settled.Debt, mine)
	}
	switch s.verdict {
	case attempt.Delivered:
		m.delivered++
		delete(m.troubled, s.sent.ID)
	case attempt.Refused, attempt.Unavailable, attempt.Gone:
		m.troubled[s.sent.ID] = s.verdict
	case attempt.Skipped:
		m.skipped++
		delete(m.troubled, s.sent.ID)
	case attempt.Held:
		delete(m.troubled, s.sent.ID)
	case attempt.Aborted:
	}
}

// settleSome ends attempts at one endpoint in one call.
func (m *model) settleSome(t *rapid.T) {
	if len(m.inFlight) == 0 {
		t.Skip("nothing in flight")
	}
	ends := []*settling{m.drawSettling(t)}
	id := ends[0].sent.Endpoint
	for range rapid.IntRange(0, 3).Draw(t, "more attempts") {
		i := slices.IndexFunc(m.inFlight, func(d debt.Debt) bool { return d.Endpoint == id })
		if i < 0 {
			break
		}
		ends = append(ends, m.drawEnd(t, i))
	}
	attempts := make([]store.Attempt, len(ends))
	for i, s := range ends {
		attempts[i] = m.toSettle(s)
	}
	health, registered := must(m.engine().Endpoints(ctx)).in(m.fixture).Health[id]
	for i, settled := range must(m.engine().Settle(ctx, id, attempts)).in(m.fixture) {
		if registered {
			health = health.After(attempts[i].Outcome)
		}
		equal(m.fixture, "health", settled.Health, health)
		ends[i].settled = settled.Debts[0]
		m.did(ends[i])
	}
}

// together ends all attempts under way at once, while changes of other objects
// and a cleaning come between: what they do has no order.
func (m *model) together(t *rapid.T) {
	ep := m.pick(t)
	var ends []*settling
	for len(m.inFlight) > 0 {
		ends = append(ends, m.drawSettling(t))
	}
	var changes []debt.Change
	for n := range rapid.IntRange(1, 6).Draw(t, "changes") {
		changes = append(changes, m.change(ep, 100+n, "title"))
	}
	in := store.Ingest{Source: "test", Now: m.now, Revision: m.revision, Changes: changes}
	for _, c := range changes {
		in.Events = append(in.Events, *c.Event)
	}
	told := make(map[debtName]bool)
	ends = slices.DeleteFunc(ends, func(s *settling) bool {
		// Those of one object, or of one asset, would have an order.
		if slices.ContainsFunc(changes, func(c debt.Change) bool { return c.Key == s.sent.Key }) {
			return true
		}
		if s.ack == nil {
			return false
		}
		asset := trackedName(s.sent.Endpoint, s.ack)
		again := told[asset]
		told[asset] = true
		return again
	})
	var wg sync.WaitGroup
	var ingested, maintained error
	wg.Go(func() { _, ingested = m.engine().Ingest(ctx, in) })
	wg.Go(func() { maintained = m.engine().Maintain(ctx, m.now) })
	for _, s := range ends {
		wg.Go(func() { m.do(s) })
	}
	wg.Wait()
	if err := errors.Join(ingested, maintained); err != nil {
		m.Fatalf("together: %v", err)
	}
	m.tookIn(in.Events, changes)
	for _, s := range ends {
		m.did(s)
	}
}
