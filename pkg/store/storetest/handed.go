package storetest

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// handOn has a job of an endpoint begin, and hand on changes of items.
func (f *fixture) handOn(ep endpoint.Endpoint, items ...int) (store.Ingested, []debt.Handed) {
	f.Helper()
	job := resync.Job{Number: 1, Phase: resync.Listing, Started: f.now}
	o := store.Owing{Endpoint: ep.ID, Now: f.now, Job: job}
	must(f.engine().Owe(ctx, o)).in(f)
	o.Handed = f.alike(ep, items)
	owed := must(f.engine().Owe(ctx, o)).in(f)
	var handed []debt.Handed
	for i := range o.Handed.Of {
		if !slices.Contains(owed.Owed, i) {
			handed = append(handed, debt.Handed{Changes: &o.Handed, Index: i, At: f.now})
		}
	}
	return owed, handed
}

// alike are changes of items, all in the background, that differ in nothing else.
func (f *fixture) alike(ep endpoint.Endpoint, items []int) (changes debt.Alike) {
	for _, n := range items {
		c := f.change(ep, n)
		if c.Background = true; changes.Event == nil {
			changes.Change = c
		}
		changes.Of = append(changes.Of, debt.Subject{Key: c.Key, Object: c.Event.Object})
	}
	return changes
}

// settleHandedOn ends an attempt at what was handed on.
func (f *fixture) settleHandedOn(h *debt.Handed, v attempt.Verdict, ack *tracking.Acknowledgement) store.SettledDebt {
	f.Helper()
	s := handedSettlement(h, v, f)
	s.Acknowledged = ack
	return must(f.engine().Settle(ctx, h.Changes.Endpoint, []store.Attempt{{Outcome: s.Outcome, Debts: []debt.Settlement{s}}})).in(f)[0].Debts[0]
}

func handedSettlement(h *debt.Handed, v attempt.Verdict, f *fixture) debt.Settlement {
	sent := debt.New(debt.NewID(h.At, 7, 7), h.Change(), h.At)
	s := f.settlement(sent, v)
	s.Handed = *h
	return s
}

func handedOnIsNoDebt(f *fixture) {
	ep := f.add("shop")
	f.ingest(f.change(ep, 2))
	owed, handed := f.handOn(ep, 1, 2, 3)
	equal(f, "owed", fmt.Sprint(owed.Owed), "[1]")
	f.crash()
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 2, Coalesced: 1})
	f.advance(1e12)
	debts := f.claim(ep, 10)
	equal(f, "claimed", fmt.Sprint(keysOf(debts)), "[asset/000002]")
	equal(f, "changes of what is owed", debts[0].Count, uint64(2))

	settled := f.settleHandedOn(&handed[0], attempt.Delivered, acknowledged(1, "told"))
	equal(f, "delivered", settled, store.SettledDebt{Found: true, Done: true})
	equal(f, "skipped", f.settleHandedOn(&handed[1], attempt.Skipped, nil), store.SettledDebt{Found: true, Done: true})
	f.crash()
	equal(f, "counts in the end", f.counts(ep), store.Counts{Open: 1, Tracked: 1, Owed: 4, Coalesced: 1, Delivered: 1, Skipped: 1})
	tracked := f.tracked(ep)
	equal(f, "state", tracked[0].State.Text, "told")
	equal(f, "attempts", tracked[0].Attempts, uint64(1))
}

func handedOnIsOwed(f *fixture) {
	ep := f.add("shop")
	_, handed := f.handOn(ep, 1, 2, 3, 4, 5, 6)
	f.ingest(f.change(ep, 5), f.change(ep, 6)) // which change meanwhile
	equal(f, "of an attempt that was not made", f.settleHandedOn(&handed[0], attempt.Aborted, nil), store.SettledDebt{})
	equal(f, "counts", f.counts(ep), store.Counts{Open: 2, Owed: 2})

	f.advance(1e9)
	refused := f.settleHandedOn(&handed[0], attempt.Refused, nil)
	equal(f, "refused: attempts, due in a second and more", []bool{refused.Found, refused.Done, refused.Debt.Attempts == 1, refused.Debt.Due.After(f.now)},
		[]bool{true, false, true, true})
	held := f.settleHandedOn(&handed[1], attempt.Held, nil)
	equal(f, "held", held.Debt.Held, true)
	lost := handedSettlement(&handed[2], attempt.Aborted, f)
	lost.Unclear = true // because of an attempt before this one
	foretold := must(f.engine().Settle(ctx, ep.ID, []store.Attempt{{Outcome: lost.Outcome, Debts: []debt.Settlement{lost}}})).in(f)[0].Debts[0]
	equal(f, "that may have been taken", foretold.Debt.Unclear, true)
	f.settleHandedOn(&handed[4], attempt.Unavailable, nil)
	f.settleHandedOn(&handed[5], attempt.Delivered, acknowledged(6, "told"))
	f.crash()
	equal(f, "counts in the end", f.counts(ep), store.Counts{
		Open: 4, Retrying: 1, Background: 2, Held: 1, Tracked: 1, Owed: 7, Coalesced: 1, Delivered: 1, Attempts: 1,
	})
	equal(f, "failures", len(f.failures(debt.Selection{Retrying: true})), 1)
	newer := must(f.engine().Debt(ctx, ep.ID, keyOf(5))).in(f)
	equal(f, "a newer change that the attempt was none at: changes, attempts, doubt", fmt.Sprint(newer.Count, newer.Attempts, newer.Unclear), "2 0 true")
	f.advance(1e14)
	equal(f, "due", fmt.Sprint(keysOf(f.claim(ep, 10))), "[asset/000005 asset/000006 asset/000003 asset/000001]")
	must(f.engine().RemoveEndpoint(ctx, ep.Name)).in(f)
	equal(f, "of an endpoint that was removed", f.settleHandedOn(&handed[3], attempt.Refused, nil), store.SettledDebt{})
}

// someToHand draws changes that a job may hand on.
func (m *model) someToHand(t *rapid.T, ep endpoint.Endpoint) debt.Alike {
	return m.alike(ep, rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 3, rapid.ID[int]).Draw(t, "handed on"))
}

// hand hands changes on, but merges those that there are debts of, and returns the places
// of these.
func (m *model) hand(changes debt.Alike) (owed []int) {
	for i := range changes.Of {
		h := debt.Handed{Changes: &changes, Index: i, At: m.now}
		c := h.Change()
		if _, ok := m.owed[debtName{c.Endpoint, c.Key}]; ok {
			m.owe([]debt.Change{c})
			owed = append(owed, i)
			continue
		}
		m.handed = append(m.handed, h)
	}
	return owed
}

// settleHanded ends an attempt at what was handed on.
func (m *model) settleHanded(t *rapid.T) {
	if len(m.handed) == 0 {
		t.Skip("nothing was handed on")
	}
	i := rapid.IntRange(0, len(m.handed)-1).Draw(t, "attempt")
	h := m.handed[i]
	change := h.Change()
	v := rapid.SampledFrom(verdicts).Draw(t, "verdict")
	s := handedSettlement(&h, v, m.fixture)
	s.Unclear = rapid.IntRange(0, 3).Draw(t, "of a request that is not settled") == 0
	end := &settling{verdict: v, sent: debt.Debt{Endpoint: change.Endpoint, Key: change.Key, Object: change.Event.Object}}
	if v == attempt.Delivered {
		end.ack = drawAcknowledgement(t, &end.sent)
		s.Acknowledged = end.ack
	}
	settled := must(m.engine().Settle(ctx, change.Endpoint, []store.Attempt{{Outcome: s.Outcome, Debts: []debt.Settlement{s}}})).in(m.fixture)[0].Debts[0]
	registered := slices.ContainsFunc(m.all(), func(ep endpoint.Endpoint) bool { return ep.ID == change.Endpoint })
	if settled.Found || !registered {
		m.handed = slices.Delete(m.handed, i, i+1)
	}
	if !registered {
		equal(m.fixture, "of an endpoint that was removed", settled, store.SettledDebt{})
		return
	}
	m.handedSettled(end, &h, s, settled)
}

// handedSettled does to the model what the settlement did to the store, and compares.
func (m *model) handedSettled(end *settling, h *debt.Handed, s debt.Settlement, settled store.SettledDebt) {
	change := h.Change()
	name := debtName{change.Endpoint, change.Key}
	mine, owed := m.owed[name]
	m.acknowledged(end, nil, false)
	switch {
	case end.verdict == attempt.Delivered:
		m.delivered++
	case end.verdict == attempt.Skipped:
		m.skipped++
	case end.verdict == attempt.Aborted && !s.IsUnclear():
		equal(m.fixture, "of an attempt that was not made", settled, store.SettledDebt{})
		return
	case owed:
		now := m.now
		if m.now = h.At; mine.LastSeen.After(h.At) {
			m.now = mine.LastSeen
		}
		m.owe([]debt.Change{change})
		m.now = now
		delete(m.troubled, debt.ID{})
	case settled.Debt == nil:
		m.Fatalf("the attempt at what was handed on left %+v, and it is to be owed", settled)
	default:
		d := debt.New(settled.Debt.ID, change, h.At)
		m.owed[name] = &d
		s.ID, s.Generation, s.Count = d.ID, d.Generation, d.Count
		s.ReleasedAt = m.released[change.Endpoint]
		d.Settle(s)
		equal(m.fixture, "what is owed now", settled.Debt, &d)
		switch end.verdict {
		case attempt.Refused, attempt.Unavailable, attempt.Gone:
			m.troubled[d.ID] = end.verdict
		default:
		}
		return
	}
	equal(m.fixture, "seen to", settled.Found, true)
	if owed {
		mine.Doubt(s)
	}
}
