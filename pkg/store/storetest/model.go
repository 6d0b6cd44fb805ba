package storetest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// model is what a store should hold: a map of debts, kept by the pure functions
// of package debt. It does everything at once, in memory, and never crashes.
type model struct {
	*fixture
	t *rapid.T

	endpoints map[string]endpoint.Endpoint
	owed      map[debtName]*debt.Debt
	troubled  map[debt.ID]bool
	inFlight  []debt.Debt
	ingested  uint64
	delivered uint64
}

type debtName struct {
	endpoint uint64
	key      debt.Key
}

// runModel lets rapid do things to a store and to a model of it, and compares
// them, with crashes in between.
func runModel(t *testing.T, open func(tb testing.TB) Harness) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t)
		m := &model{
			fixture: &fixture{TB: rt, h: h, now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)},
			t:       rt, endpoints: make(map[string]endpoint.Endpoint),
			owed: make(map[debtName]*debt.Debt), troubled: make(map[debt.ID]bool),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"":         m.compare,
			"add":      m.addEndpoint,
			"remove":   m.removeEndpoint,
			"ingest":   m.ingestSome,
			"claim":    m.claimSome,
			"settle":   m.settleOne,
			"retry":    m.retrySome,
			"purge":    m.purgeSome,
			"hasten":   m.hastenSome,
			"wait":     m.wait,
			"crash":    m.crashNow,
			"maintain": m.maintain,
		})
		m.drain()
		h.Check(rt)
	})
}

func (m *model) addEndpoint(t *rapid.T) {
	name := rapid.SampledFrom([]string{"shop", "web", "archive"}).Draw(t, "name")
	if _, exists := m.endpoints[name]; exists {
		t.Skip("exists")
	}
	m.endpoints[name] = m.add(name)
}

func (m *model) removeEndpoint(t *rapid.T) {
	ep := m.pick(t)
	must(m.engine().RemoveEndpoint(ctx, ep.Name)).in(m.fixture)
	delete(m.endpoints, ep.Name)
	for name, d := range m.owed {
		if name.endpoint == ep.ID {
			delete(m.owed, name)
			delete(m.troubled, d.ID)
		}
	}
}

func (m *model) pick(t *rapid.T) endpoint.Endpoint {
	if len(m.endpoints) == 0 {
		t.Skip("no endpoint")
	}
	names := slices.Sorted(maps.Keys(m.endpoints))
	return m.endpoints[rapid.SampledFrom(names).Draw(t, "endpoint")]
}

func (m *model) ingestSome(t *rapid.T) {
	var changes []debt.Change
	for range rapid.IntRange(1, 6).Draw(t, "changes") {
		changes = append(changes, m.change(m.pick(t), rapid.IntRange(1, 5).Draw(t, "item"), "title"))
	}
	m.ingest(changes...)
	m.ingested += uint64(len(changes))
	for _, c := range changes {
		name := debtName{c.Endpoint, c.Key}
		if d, ok := m.owed[name]; ok {
			d.Merge(c, m.now)
			continue
		}
		d := debt.New(debt.ID{}, c, m.now)
		m.owed[name] = &d
	}
}

// claimSome claims and compares: exactly what the model holds due, and not
// busy, in order.
func (m *model) claimSome(t *rapid.T) {
	ep := m.pick(t)
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	objectsBusy := func(o event.Object) bool {
		return slices.ContainsFunc(m.inFlight, func(f debt.Debt) bool { return f.Endpoint == ep.ID && f.Object == o })
	}
	var due []*debt.Debt
	for name, d := range m.owed {
		if name.endpoint == ep.ID && !d.Failed && (d.Forced || !d.Due.After(m.now)) && !objectsBusy(d.Object) {
			due = append(due, d)
		}
	}
	claim := must(m.engine().Claim(ctx, store.ClaimRequest{
		Endpoint: ep.ID, Now: m.now, Limit: limit, Busy: objectsBusy,
	})).in(m.fixture)
	equal(m.fixture, "number claimed", len(claim.Debts), min(limit, len(due)))
	for _, d := range claim.Debts {
		mine, ok := m.owed[debtName{d.Endpoint, d.Key}]
		if !ok || !slices.Contains(due, mine) {
			t.Fatalf("claimed %s, which is not due", d.Key)
		}
		if mine.ID == (debt.ID{}) {
			mine.ID = d.ID // the engine gives ids
		}
		equal(m.fixture, "debt", d, *mine)
		m.inFlight = append(m.inFlight, d)
	}
}

func (m *model) settleOne(t *rapid.T) {
	if len(m.inFlight) == 0 {
		t.Skip("nothing in flight")
	}
	i := rapid.IntRange(0, len(m.inFlight)-1).Draw(t, "attempt")
	sent := m.inFlight[i]
	m.inFlight = slices.Delete(m.inFlight, i, i+1)
	verdict := rapid.SampledFrom([]attempt.Verdict{
		attempt.Delivered, attempt.Delivered, attempt.Refused, attempt.Unavailable, attempt.Gone, attempt.Aborted,
	}).Draw(t, "verdict")
	s := m.settlement(sent, verdict)
	settled := must(m.engine().Settle(ctx, m.attempt(sent, verdict))).in(m.fixture).Debts[0]

	mine, ok := m.owed[debtName{sent.Endpoint, sent.Key}]
	found := ok && mine.ID == sent.ID
	equal(m.fixture, "found", settled.Found, found)
	if !found {
		return
	}
	done := mine.Settle(s)
	equal(m.fixture, "done", settled.Done, done)
	if done {
		delete(m.owed, debtName{sent.Endpoint, sent.Key})
	}
	switch verdict {
	case attempt.Delivered:
		m.delivered++
		delete(m.troubled, sent.ID)
	case attempt.Aborted:
	default:
		m.troubled[sent.ID] = true
	}
}

// selected returns the model's debts that a selection means.
func (m *model) selected(sel debt.Selection) []*debt.Debt {
	var list []*debt.Debt
	for _, d := range m.owed {
		if m.troubled[d.ID] && sel.Match(debt.Failure{Debt: *d}) {
			list = append(list, d)
		}
	}
	return list
}

func (m *model) selection(t *rapid.T) debt.Selection {
	return debt.Selection{Endpoint: m.pick(t).ID, Retrying: rapid.Bool().Draw(t, "retrying")}
}

func (m *model) retrySome(t *rapid.T) {
	sel := m.selection(t)
	mine := m.selected(sel)
	forced, _, err := m.engine().Retry(ctx, sel, m.now, "", 1000)
	if err != nil {
		t.Fatalf("retry: %v", err)
	}
	equal(m.fixture, "retried", len(forced), len(mine))
	for _, d := range mine {
		d.Force(m.now)
	}
}

func (m *model) purgeSome(t *rapid.T) {
	sel := m.selection(t)
	mine := m.selected(sel)
	n, _, err := m.engine().Purge(ctx, sel, "", 1000)
	if err != nil {
		t.Fatalf("purge: %v", err)
	}
	equal(m.fixture, "purged", n, uint64(len(mine)))
	for _, d := range mine {
		delete(m.owed, debtName{d.Endpoint, d.Key})
		delete(m.troubled, d.ID)
	}
}

func (m *model) hastenSome(t *rapid.T) {
	ep := m.pick(t)
	must(m.engine().Hasten(ctx, ep.ID, m.now)).in(m.fixture)
	for name, d := range m.owed {
		if name.endpoint == ep.ID && m.troubled[d.ID] {
			d.Hasten(m.now)
		}
	}
}

func (m *model) wait(t *rapid.T) {
	m.advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
}

// crashNow loses what was in flight, and nothing else.
func (m *model) crashNow(*rapid.T) {
	m.crash()
	m.inFlight = nil
}

func (m *model) maintain(*rapid.T) {
	if err := m.engine().Maintain(ctx, m.now); err != nil {
		m.Fatalf("maintain: %v", err)
	}
}

// compare compares what can be seen without changing anything.
func (m *model) compare(*rapid.T) {
	stats := must(m.engine().Stats(ctx)).in(m.fixture)
	equal(m.fixture, "ingested", stats.Ingested, m.ingested)
	equal(m.fixture, "delivered", stats.Total.Delivered, m.delivered)
	for _, ep := range m.endpoints {
		var want store.Counts
		for name, d := range m.owed {
			switch {
			case name.endpoint != ep.ID:
			case d.Failed:
				want.Failed++
			default:
				want.Open++
				if d.Retrying() {
					want.Retrying++
				}
			}
		}
		c := stats.Endpoints[ep.ID]
		equal(m.fixture, "open, retrying, failed of "+ep.Name,
			[]uint64{c.Open, c.Retrying, c.Failed}, []uint64{want.Open, want.Retrying, want.Failed})
		equal(m.fixture, "owed is what became of it", c.Owed, c.Coalesced+c.Delivered+c.Open+c.Failed+c.Dropped)
	}
}

// drain waits until everything is due, and compares all that is owed.
func (m *model) drain() {
	m.crash()
	m.advance(1000 * time.Hour)
	for _, ep := range m.endpoints {
		var want []debt.Key
		for name, d := range m.owed {
			if name.endpoint == ep.ID && !d.Failed {
				want = append(want, d.Key)
			}
		}
		got := keysOf(m.claim(ep, 1000))
		slices.SortFunc(got, func(a, b debt.Key) int { return strings.Compare(string(a), string(b)) })
		slices.SortFunc(want, func(a, b debt.Key) int { return strings.Compare(string(a), string(b)) })
		if !slices.Equal(got, want) {
			m.Fatalf("in the end %s is owed %q, want %q", ep.Name, got, want)
		}
		equal(m.fixture, "failures of "+ep.Name, len(m.failures(debt.Selection{Endpoint: ep.ID})),
			len(m.selectedFailed(ep.ID)))
	}
}

func (m *model) selectedFailed(id uint64) []*debt.Debt {
	return m.selected(debt.Selection{Endpoint: id})
}
