package storetest

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

func (m *model) addEndpoint(t *rapid.T) {
	name := rapid.SampledFrom([]string{"shop", "web", "archive"}).Draw(t, "name")
	if _, exists := m.endpoints[name]; exists {
		t.Skip("exists")
	}
	added := must(m.engine().AddEndpoint(ctx, newEndpoint(name))).in(m.fixture)
	m.endpoints[name], m.revision = added.Endpoint, m.raised(added.Revision)
}

// raised returns a revision that must be higher than before.
func (m *model) raised(revision uint64) uint64 {
	if revision <= m.revision {
		m.Fatalf("revision %d after %d", revision, m.revision)
	}
	return revision
}

func (m *model) updateEndpoint(t *rapid.T) {
	ep := m.pick(t)
	url := rapid.StringMatching(`http://[a-z]{1,5}/`).Draw(t, "url")
	updated := must(m.engine().UpdateEndpoint(ctx, ep.Name, func(e *endpoint.Endpoint) error {
		e.URL = url
		return nil
	})).in(m.fixture)
	ep.URL = url
	equal(m.fixture, "updated", updated.Endpoint, ep)
	m.endpoints[ep.Name], m.revision = ep, m.raised(updated.Revision)
}

func (m *model) resetHealth(t *rapid.T) {
	health := must(m.engine().ResetHealth(ctx, m.pick(t).ID, m.now)).in(m.fixture)
	if health.Gone || !health.NotBefore.IsZero() {
		m.Fatalf("after it was reset, health is %+v", health)
	}
}

func (m *model) removeEndpoint(t *rapid.T) {
	ep := m.pick(t)
	m.revision = m.raised(must(m.engine().RemoveEndpoint(ctx, ep.Name)).in(m.fixture).Revision)
	delete(m.endpoints, ep.Name)
	for name, d := range m.owed {
		if name.endpoint == ep.ID {
			delete(m.owed, name)
			delete(m.troubled, d.ID)
		}
	}
	m.forget(ep)
	delete(m.jobs, ep.ID)
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
	var events []event.Event
	for range rapid.IntRange(1, 6).Draw(t, "changes") {
		c := m.change(m.pick(t), rapid.IntRange(1, 5).Draw(t, "item"), "title")
		if rapid.Bool().Draw(t, "other base") {
			c.Event.Object.BaseID = event.IntID(1000)
		}
		if rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
			c.Event.Type, c.Event.Reason = "AssetDeleted", "delete"
		}
		c.Background = rapid.IntRange(0, 2).Draw(t, "background") == 0
		changes, events = append(changes, c), append(events, *c.Event)
		if rapid.Bool().Draw(t, "for all") {
			changes = append(changes, m.toOthers(c)...)
		}
	}
	assets := m.someAssets(t)
	m.ingestBatch(store.Ingest{Source: "test", Now: m.now, Changes: changes, Events: events, Assets: assets})
	m.tookIn(events, changes)
	m.learned(assets)
}

// toOthers is what a change means to all other endpoints, if they want the same.
func (m *model) toOthers(c debt.Change) (others []debt.Change) {
	for _, name := range slices.Sorted(maps.Keys(m.endpoints)) {
		if id := m.endpoints[name].ID; id != c.Endpoint {
			other := c
			other.Endpoint = id
			others = append(others, other)
		}
	}
	return others
}

// tookIn does to the model what an ingest does to the store.
func (m *model) tookIn(events []event.Event, changes []debt.Change) {
	m.ingested += uint64(len(events))
	for _, e := range events {
		m.events = append(m.events, recent{m.now, string(e.Raw)})
	}
	m.owe(changes)
}

// owe owes changes.
func (m *model) owe(changes []debt.Change) {
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
	forcedOnly := rapid.IntRange(0, 3).Draw(t, "forced only") == 0
	objectsBusy := func(o event.Object) bool {
		return slices.ContainsFunc(m.inFlight, func(f debt.Debt) bool { return f.Endpoint == ep.ID && f.Object == o })
	}
	keysBusy := func(key debt.Key) bool {
		return slices.ContainsFunc(m.inFlight, func(f debt.Debt) bool { return f.Endpoint == ep.ID && f.Key == key })
	}
	background := rapid.IntRange(0, 3).Draw(t, "of them, in the background")
	var due []*debt.Debt
	urgent := 0
	for name, d := range m.owed {
		if name.endpoint == ep.ID && !d.Failed && !d.Held && (d.Forced || !forcedOnly && !d.Due.After(m.now)) &&
			!objectsBusy(d.Object) && !keysBusy(d.Key) {
			due = append(due, d)
			if !d.Behind() {
				urgent++
			}
		}
	}
	claim := must(m.engine().Claim(ctx, store.ClaimRequest{
		Endpoint: ep.ID, Now: m.now, Limit: limit, Busy: objectsBusy, BusyKey: keysBusy, ForcedOnly: forcedOnly, Background: background,
	})).in(m.fixture)
	equal(m.fixture, "number claimed", len(claim.Debts), min(limit, urgent+min(background, len(due)-urgent)))
	for i, d := range claim.Debts {
		if d.Behind() != (i >= urgent) {
			t.Fatalf("of %d that go first, number %d of those claimed goes behind=%v", urgent, i+1, d.Behind())
		}
	}
	m.checkForcedFirst(claim.Debts, due)
	for _, d := range claim.Debts {
		mine, ok := m.owed[debtName{d.Endpoint, d.Key}]
		if !ok || !slices.Contains(due, mine) {
			t.Fatalf("claimed %s, which is not due", d.Key)
		}
		if mine.ID == (debt.ID{}) {
			mine.ID = d.ID // the engine gives ids
		}
		want := *mine
		want.Inherited = m.inherited[mine]
		equal(m.fixture, "debt", d, want)
		m.inFlight = append(m.inFlight, d)
	}
}

// checkForcedFirst: what a person wants sent is not left behind for what is due.
func (m *model) checkForcedFirst(claimed []debt.Debt, due []*debt.Debt) {
	forced := 0
	for _, d := range due {
		if d.Forced {
			forced++
		}
	}
	for i, d := range claimed {
		if d.Forced != (i < forced) {
			m.Fatalf("of %d forced debts, number %d of those claimed has forced=%v", forced, i+1, d.Forced)
		}
	}
}

// selected returns the model's debts that a selection means.
func (m *model) selected(sel debt.Selection) []*debt.Debt {
	var list []*debt.Debt
	for _, d := range m.owed {
		if m.troubled[d.ID] != 0 && sel.Match(debt.Failure{Debt: *d}) {
			list = append(list, d)
		}
	}
	return list
}

func (m *model) selection(t *rapid.T) debt.Selection {
	return debt.Selection{Endpoints: []uint64{m.pick(t).ID}, Retrying: rapid.Bool().Draw(t, "retrying")}
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
		if name.endpoint == ep.ID && m.troubled[d.ID] == attempt.Unavailable {
			d.Hasten(m.now)
		}
	}
}

func (m *model) wait(t *rapid.T) {
	m.advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
}

// waitForWeeks makes all that is recent old.
func (m *model) waitForWeeks(t *rapid.T) {
	m.advance(time.Duration(rapid.IntRange(1, 6).Draw(t, "weeks")) * 7 * 24 * time.Hour)
	m.maintain(t)
}

// setClockBack sets the clock back, by little or much, and moves what then lies
// in the future.
func (m *model) setClockBack(t *rapid.T) {
	m.advance(-time.Duration(rapid.IntRange(1, 7200).Draw(t, "seconds back")) * time.Second)
	ep := m.pick(t)
	var want uint64
	for name, d := range m.owed {
		if name.endpoint == ep.ID && !d.Failed && !d.Forced && d.Due.After(m.now) && d.Rewind(m.now) {
			want++
		}
	}
	equal(m.fixture, "moved", must(m.engine().Rewind(ctx, ep.ID, m.now)).in(m.fixture), want)
	m.maintain(t) // or what is released depends on when that is done
}

// crashNow loses what was in flight, and nothing else.
func (m *model) crashNow(*rapid.T) {
	m.crash()
	m.inFlight, m.handed = nil, nil
	for _, d := range m.owed {
		m.inherited[d] = true
	}
}

func (m *model) maintain(*rapid.T) {
	for id, at := range m.released {
		if at.Sub(m.now) > time.Minute {
			delete(m.released, id)
		}
	}
	if err := m.engine().Maintain(ctx, m.now); err != nil {
		m.Fatalf("maintain: %v", err)
	}
	m.compareEvents()
	m.compareAssets()
	m.compareTracked()
}
