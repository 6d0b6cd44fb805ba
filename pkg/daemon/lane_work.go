package daemon

import (
	"context"
	"log/slog"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/failpoint"
)

// attempted is an attempt that has ended and is not settled.
type attempted struct {
	settings *laneSettings
	debts    []debt.Debt       // as they were sent
	outcome  attempt.Outcome   // of the request; aborted if it was not sent
	outcomes []attempt.Outcome // of the debts; nil if there is nothing to record
}

// holdsSlot reports whether no other request may take the place of this one
// before its outcome is durable: the endpoint's health may forbid it.
func (a *attempted) holdsSlot() bool {
	return a.outcome.Verdict != attempt.Delivered && a.outcome.Verdict != attempt.Aborted
}

// work makes one attempt after another for as long as there is something ready
// and another request may begin.
func (l *lane) work(claiming, attempts context.Context, debts []debt.Debt) {
	for debts != nil {
		debts = l.next(claiming, attempts, l.attempt(attempts, debts))
	}
}

// next hands an attempt that has ended to the settler, and returns what to send
// next in its place; nil if nothing may be sent, or nothing is ready.
func (l *lane) next(claiming, attempts context.Context, a *attempted) []debt.Debt {
	s := l.settings.Load()
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	switch {
	case a.outcomes == nil: // it is still due
		l.running--
		l.freed = append(l.freed, a.debts)
	case a.holdsSlot():
		l.handOver(attempts, a)
		return nil // the settler wakes the lane
	default:
		l.running--
		l.unsettled++
		l.handOver(attempts, a)
	}
	permit := l.health.Permit(now, s.ep.Enabled, s.ep.Slots())
	if claiming.Err() != nil || s.limiter != nil || l.free(permit) == 0 {
		l.wake()
		return nil
	}
	debts := l.ready.take(max(1, s.limits.Batch), now)
	if debts == nil || l.ready.isLow() {
		l.wake()
	}
	if debts != nil {
		l.running++
	}
	return debts
}

// attempt makes one attempt.
func (l *lane) attempt(ctx context.Context, debts []debt.Debt) *attempted {
	s := l.settings.Load()
	begun := l.now()
	request, err := s.style.Compose(ctx, &s.ep, debts, begun)
	if err != nil && ctx.Err() != nil {
		return &attempted{settings: s, debts: debts, outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	}
	if err != nil {
		// That is the debts' own fault, and says nothing about the endpoint.
		o := attempt.Outcome{
			Verdict: attempt.Refused, Reason: attempt.Compose, Error: err.Error(), Started: begun, Duration: l.now().Sub(begun),
		}
		l.logAttempt(ctx, s, debts, attempt.Request{}, o)
		a := &attempted{settings: s, debts: debts, outcome: o, outcomes: make([]attempt.Outcome, len(debts))}
		for i := range a.outcomes {
			a.outcomes[i] = o
		}
		a.outcome.Verdict = attempt.Aborted
		return a
	}
	limits := deliver.Limits{Answer: s.limits.Answer, Timeout: s.limits.Timeout}
	answer, outcome := l.sender.Send(ctx, &s.ep, request, limits)
	failpoint.Reach(failpoint.Answered)
	l.measure(outcome, begun.Sub(debts[0].Due))
	l.logAttempt(ctx, s, debts, request, outcome)
	a := &attempted{settings: s, debts: debts, outcome: outcome}
	if outcome.Verdict != attempt.Aborted {
		a.outcomes = s.style.Interpret(&s.ep, debts, answer, outcome)
	}
	return a
}

// logAttempt writes the canonical line of an attempt.
func (l *lane) logAttempt(ctx context.Context, s *laneSettings, debts []debt.Debt, r attempt.Request, o attempt.Outcome) {
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	d := &debts[0]
	l.log.Debug("attempt", "endpoint", s.ep.Name, "id", r.ID, "object", d.Object.String(), "debts", len(debts),
		"changes", d.Count, "attempt", d.Attempts+1, "verdict", o.Verdict.String(), "reason", o.Reason,
		"status", o.Status, "duration", o.Duration.String(), "error", o.Error)
}
