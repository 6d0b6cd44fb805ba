package daemon

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// settle makes outcomes durable, all at once that have gathered, until there are
// none.
func (l *lane) settle(ctx context.Context) {
	for {
		l.gather()
		l.mu.Lock()
		batch := l.outcomes
		l.outcomes, l.urgent = nil, false
		if len(batch) == 0 {
			l.settling = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		err := l.record(ctx, batch)
		if err == nil || errors.Is(err, store.ErrClosed) {
			l.release(batch)
			continue
		}
		// One of them may be to blame, so that each must stand for itself.
		for i := range batch {
			go l.insist(ctx, batch[i:i+1:i+1])
		}
	}
}

// foretell makes it durable that the receiver may have what a request creates, before
// that is sent. It reports false if it must not be sent.
func (l *lane) foretell(ctx context.Context, debts []debt.Debt, creates []int) bool {
	mark := store.Attempt{Outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	var marked []debt.Debt
	for _, i := range creates {
		if !debts[i].Unclear {
			one := debt.SettlementOf(&debts[i])
			one.Outcome, one.Unclear = mark.Outcome, true
			mark.Debts, marked = append(mark.Debts, one), append(marked, debts[i])
		}
	}
	id := l.settings.Load().ep.ID
	l.ofHanded(mark.Debts, marked)
	for len(mark.Debts) > 0 {
		_, err := l.store.Settle(ctx, id, []store.Attempt{mark})
		l.logFault(err)
		if err == nil {
			break
		}
		if errors.Is(err, store.ErrClosed) {
			return false
		}
		if sleep(ctx, storeRetry); ctx.Err() != nil {
			return false
		}
	}
	return true
}

// insist makes the outcome of one attempt durable. While the store can't take
// it, its objects stay busy: an outcome that was forgotten would be an attempt
// repeated. See forgets for when that is the lesser evil.
func (l *lane) insist(ctx context.Context, one []*attempted) {
	defer l.release(one)
	begun := time.Now()
	for {
		err := l.record(ctx, one)
		if err == nil || errors.Is(err, store.ErrClosed) || l.forgets(one[0], err, time.Since(begun)) {
			return
		}
		select {
		case <-ctx.Done():
			return // it is sent again after the next start
		case <-time.After(storeRetry):
		}
	}
}

// record makes outcomes durable, and tells whoever needs to know.
func (l *lane) record(ctx context.Context, batch []*attempted) error {
	id := l.settings.Load().ep.ID
	attempts := make([]store.Attempt, len(batch))
	n := 0
	for i := range batch {
		n += len(batch[i].debts)
	}
	room := settlementsFor(n)
	defer room.release()
	for i := range batch {
		attempts[i] = batch[i].settlement(room.next(len(batch[i].debts)))
		l.ofHanded(attempts[i].Debts, batch[i].debts)
		if batch[i].passage != nil {
			batch[i].passage.Settle()
		}
	}
	// What was sent is to be recorded, even during a shutdown.
	settled, err := l.store.Settle(context.WithoutCancel(ctx), id, attempts)
	l.logFault(err)
	if err != nil {
		return err
	}
	var held uint64
	for i := range batch {
		batch[i].endPassage()
		l.settleHanded(batch[i].debts, settled[i].Debts)
		before, after := l.setHealth(settled[i].Health)
		l.logHealth(batch[i].settings, before, after)
		for j := range batch[i].debts {
			sent, outcome, left := &batch[i].debts[j], &batch[i].results[j].Outcome, &settled[i].Debts[j]
			if left.Debt != nil && left.Debt.Held && !sent.WasHeld {
				held++
			}
			if outcome.Verdict == attempt.Aborted {
				continue // it is as it was
			}
			l.observe(settlement{endpoint: id, debt: sent, outcome: outcome, settled: left})
		}
	}
	if l.getHealth().Hasten {
		l.hasten(context.WithoutCancel(ctx)) // once for all of them
	}
	if held > 0 && l.held != nil {
		l.held(&l.settings.Load().ep, held)
	}
	return nil
}

// settlements is room for what is settled at once. It may be much, and again and again.
type settlements struct {
	all  []debt.Settlement
	used int
}

var settlementRooms sync.Pool // of *settlements

// settlementsFor returns room for n, all zero.
func settlementsFor(n int) *settlements {
	room, ok := settlementRooms.Get().(*settlements)
	if !ok || cap(room.all) < n {
		room = &settlements{all: make([]debt.Settlement, n)}
	}
	room.all, room.used = room.all[:n], 0
	return room
}

func (r *settlements) next(n int) []debt.Settlement {
	part := r.all[r.used : r.used+n : r.used+n]
	r.used += n
	return part
}

// release gives the room to others. The store has kept nothing of it.
func (r *settlements) release() {
	clear(r.all)
	settlementRooms.Put(r)
}

// settlement is what the store is to make of an attempt; there is room for one of each
// debt.
func (a *attempted) settlement(room []debt.Settlement) store.Attempt {
	s := store.Attempt{Outcome: a.outcome, Debts: room}
	for i := range a.debts {
		s.Debts[i] = debt.SettlementOf(&a.debts[i])
		s.Debts[i].Outcome, s.Debts[i].Acknowledged = a.results[i].Outcome, a.results[i].Acknowledged
		s.Debts[i].Blamed, s.Debts[i].Foretold = a.blamed, a.foretold
		s.Debts[i].Window, s.Debts[i].Schedule = a.settings.window, a.settings.schedule
		s.Debts[i].Jitter = rand.Float64() //nolint:gosec // spreads retries, guards no secret
	}
	return s
}

// hasten brings the retries forward that wait for the endpoint to work again.
func (l *lane) hasten(ctx context.Context) {
	ep := &l.settings.Load().ep
	if _, err := l.store.Hasten(ctx, ep.ID, l.now()); err != nil {
		l.log.Error("can't bring retries forward; they are made when they are due", "endpoint", ep.Name, "error", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.Hasten = false // in the store too, in a later revision
}

// maxTestsHasten is how many delivered tests bring retries forward while an endpoint is
// sick. They are well below what a debt may be tried beside its schedule: a receiver
// that takes tests, and nothing else, must not use the schedule up.
const maxTestsHasten = 20

// probe makes the next probe of a sick endpoint due now, as its receiver took a test.
// What that has asked for by Retry-After holds.
func (l *lane) probe(ctx context.Context) {
	l.mu.Lock()
	sick, hastens := l.health.State(true) == endpoint.Sick, false
	if sick {
		l.health.NotBefore = l.health.RetryAfter
		if !l.tests.sickSince.Equal(l.health.SickSince) {
			l.tests.sickSince, l.tests.hastened = l.health.SickSince, 0
		}
		if hastens = l.tests.hastened < maxTestsHasten; hastens {
			l.tests.hastened++
		}
	}
	l.mu.Unlock()
	if hastens {
		l.hasten(ctx) // or nothing may be due that could be a probe
	}
	if sick {
		l.wake()
	}
}

// release gives back what attempts held until they were settled.
func (l *lane) release(batch []*attempted) {
	l.mu.Lock()
	for i := range batch {
		batch[i].endPassage()
		if batch[i].slot {
			l.running--
		} else {
			l.unsettled--
		}
		l.freed = append(l.freed, batch[i].debts)
	}
	l.mu.Unlock()
	l.wake()
}

// logFault says once what keeps outcomes from becoming durable.
func (l *lane) logFault(err error) {
	text := ""
	if err != nil && !errors.Is(err, store.ErrClosed) {
		text = err.Error()
	}
	l.mu.Lock()
	before := l.fault
	l.fault = text
	l.mu.Unlock()
	if text != "" && text != before {
		l.log.Error("can't record attempts; trying again", "endpoint", l.settings.Load().ep.Name, "error", text)
	}
}

func (l *lane) logHealth(s *laneSettings, before, after endpoint.Health) {
	from, to := before.State(true), after.State(true)
	if from == to {
		return
	}
	switch to {
	case endpoint.Sick:
		l.log.Warn("endpoint is sick: probing it until it answers", "endpoint", s.ep.Name,
			"reason", after.LastReason, "status", after.LastStatus, "error", after.LastError, "next", after.NotBefore)
	case endpoint.Paused:
		l.log.Warn("endpoint is gone: it answered 410; 'dz endpoint enable' resumes it, nothing is lost meanwhile", "endpoint", s.ep.Name)
	case endpoint.Healthy:
		l.log.Info("endpoint has recovered", "endpoint", s.ep.Name)
	case endpoint.Disabled:
	}
}
