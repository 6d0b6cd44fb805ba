package storetest

import (
	"cmp"
	"slices"
	"strconv"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// drawAcknowledgement is what an answer says of a debt's asset; nil for an
// endpoint that says nothing.
func drawAcknowledgement(t *rapid.T, sent *debt.Debt) *tracking.Acknowledgement {
	ack := &tracking.Acknowledgement{ID: sent.Object.BaseID}
	switch rapid.IntRange(0, 4).Draw(t, "acknowledges") {
	case 0:
		return nil
	case 1:
		ack.Delete = true
	case 2: // without a state
	default:
		ack.State = tracking.State{Text: rapid.StringN(0, 5, 20).Draw(t, "state"), Given: true}
		ack.Digest = tracking.Digest{byte(len(ack.State.Text))}
		ack.Print = rapid.Uint64().Draw(t, "print")
	}
	return ack
}

// acknowledged does to what the model tracks what a settlement did, before the
// debt itself is settled.
func (m *model) acknowledged(s *settling, mine *debt.Debt, found bool) {
	registered := slices.ContainsFunc(m.all(), func(ep endpoint.Endpoint) bool { return ep.ID == s.sent.Endpoint })
	if s.ack == nil || !registered {
		return
	}
	name := trackedName(s.sent.Endpoint, s.ack)
	if s.ack.Delete {
		delete(m.tracked, name)
		return
	}
	attempts := uint64(1)
	if found {
		attempts += uint64(mine.Attempts)
	}
	m.tracked[name] = m.tracked[name].After(*s.ack, attempts, m.settlement(s.sent, s.verdict).Outcome.Ended())
}

func trackedName(endpointID uint64, ack *tracking.Acknowledgement) debtName {
	return debtName{endpointID, debt.Key(ack.ID.JSON())}
}

func (m *model) all() (list []endpoint.Endpoint) {
	for _, ep := range m.endpoints {
		list = append(list, ep)
	}
	return list
}

// trackedBy returns what an endpoint tracks, in the order of lists: ids here are
// integers.
func (m *model) trackedBy(ep endpoint.Endpoint) []tracking.Asset {
	list := []tracking.Asset{}
	for name, a := range m.tracked {
		if name.endpoint == ep.ID {
			list = append(list, a)
		}
	}
	number := func(a tracking.Asset) int {
		n, err := strconv.Atoi(a.ID.JSON())
		if err != nil {
			m.Fatalf("tracked: %v", err)
		}
		return n
	}
	slices.SortFunc(list, func(a, b tracking.Asset) int { return cmp.Compare(number(a), number(b)) })
	return list
}

func (m *model) forget(ep endpoint.Endpoint) {
	for name := range m.tracked {
		if name.endpoint == ep.ID {
			delete(m.tracked, name)
		}
	}
}

// compareTracked compares all that is tracked.
func (m *model) compareTracked() {
	for _, ep := range m.endpoints {
		got := append([]tracking.Asset{}, m.fixture.tracked(ep)...)
		want := m.trackedBy(ep)
		equal(m.fixture, "tracked by "+ep.Name, len(got), len(want))
		for i := range want {
			if got[i].ID != want[i].ID || got[i].State != want[i].State || got[i].Digest != want[i].Digest || got[i].Print != want[i].Print ||
				!got[i].First.Equal(want[i].First) || !got[i].Synced.Equal(want[i].Synced) ||
				got[i].Syncs != want[i].Syncs || got[i].Attempts != want[i].Attempts {
				m.Fatalf("tracked by %s: %+v, want %+v", ep.Name, got[i], want[i])
			}
		}
	}
}

func (m *model) releaseSome(t *rapid.T) {
	ep := m.pick(t)
	m.released[ep.ID] = m.now
	var want uint64
	for name, d := range m.owed {
		if name.endpoint == ep.ID && d.Release(m.now) {
			want++
		}
	}
	equal(m.fixture, "released", must(m.engine().Release(ctx, ep.ID, m.now)).in(m.fixture), want)
}

func (m *model) resetTracked(t *rapid.T) {
	ep := m.pick(t)
	equal(m.fixture, "forgotten", must(m.engine().ResetTracked(ctx, ep.ID)).in(m.fixture), uint64(len(m.trackedBy(ep))))
	m.forget(ep)
	delete(m.released, ep.ID)
	for name, d := range m.owed {
		switch {
		case name.endpoint != ep.ID:
		case d.Held:
			delete(m.owed, name)
		case d.Deletes():
			d.Unclear, d.Restored = false, false
		}
	}
}

// oweSome begins a job, or goes on with the one that runs, up to its end.
func (m *model) oweSome(t *rapid.T) {
	ep := m.pick(t)
	job := m.jobs[ep.ID]
	o := store.Owing{Endpoint: ep.ID, Now: m.now}
	if !job.Running() {
		job = resync.Job{Number: job.Number + 1, Phase: resync.Listing, Started: m.now}
	} else {
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			c := m.change(ep, rapid.IntRange(1, 5).Draw(t, "item"))
			c.Background = true
			o.Changes = append(o.Changes, c)
		}
		o.Handed = m.someToHand(t, ep)
		job.Found.Seen += uint64(len(o.Changes) + len(o.Handed.Of))
		if rapid.Bool().Draw(t, "ends") {
			job.Phase, job.Ended = resync.Done, m.now
		}
	}
	o.Job = job
	owed := must(m.engine().Owe(ctx, o)).in(m.fixture)
	m.jobs[ep.ID] = job
	equal(m.fixture, "owed of what is handed on", owed.Owed, m.hand(o.Handed))
	m.owe(o.Changes)
	equal(m.fixture, "job", must(m.engine().Resync(ctx, ep.ID)).in(m.fixture), job)
}
