package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/style"
)

// attempted is an attempt that has ended and is not settled.
type attempted struct {
	settings *laneSettings
	debts    []debt.Debt     // as they were sent
	outcome  attempt.Outcome // of the request, for the endpoint's health; aborted if it says nothing of that
	results  []style.Result  // of the debts; nil if there is nothing to record of them
	divide   bool            // it failed as a whole, and parts of it may be taken
	blamed   bool            // it failed because of its debt
	foretold bool            // that the receiver may have its debts' objects was made durable before it
	slot     bool            // it holds a slot until it is durable
	passage  style.Passage   // not nil: to be told how it fares
}

// isAcknowledged reports whether the receiver has taken any of it.
func (a *attempted) isAcknowledged() bool {
	return slices.ContainsFunc(a.results, func(r style.Result) bool { return r.Outcome.Verdict == attempt.Delivered })
}

// endPassage tells that nothing of the attempt waits to be durable.
func (a *attempted) endPassage() {
	if a.passage != nil {
		a.passage.End()
		a.passage = nil
	}
}

// isNothing reports whether the attempt was not made: its debts are still due.
func (a *attempted) isNothing() bool {
	return a.results == nil && a.outcome.Verdict == attempt.Aborted
}

// failed reports whether no other request may take the place of this one before
// its outcome is durable: the endpoint's health may forbid it.
func (a *attempted) failed() bool {
	return a.outcome.Verdict != attempt.Delivered && a.outcome.Verdict != attempt.Aborted
}

// settleAlike gives all debts of the attempt one outcome.
func (a *attempted) settleAlike(o attempt.Outcome) {
	a.results = make([]style.Result, len(a.debts))
	for i := range a.results {
		a.results[i].Outcome = o
	}
}

// work makes one attempt after another for as long as there is something ready
// and another request may begin.
func (l *lane) work(claiming, attempts context.Context, debts []debt.Debt) {
	for debts != nil {
		background := debts[0].Behind()
		a := l.attempt(attempts, debts)
		if a.divide {
			a = l.divide(claiming, attempts, a)
		}
		debts = l.next(claiming, attempts, a, background)
	}
}

// next hands an attempt that has ended to the settler, and returns what to send
// next in its place; nil if nothing may be sent, or nothing is ready.
func (l *lane) next(claiming, attempts context.Context, a *attempted, background bool) []debt.Debt {
	s := l.settings.Load()
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.rouse(attempts) // when it is known whether another request follows
	l.ended++
	if background {
		l.background--
	}
	switch {
	case a.isNothing():
		l.running--
		l.freed = append(l.freed, a.debts)
	case a.failed():
		a.slot = true
		l.handOver(a)
		return nil // the settler wakes the lane
	default:
		l.running--
		l.unsettled++
		l.handOver(a)
	}
	permit := l.health.Permit(now, s.ep.Enabled, s.ep.Slots())
	if claiming.Err() != nil || s.limiter != nil || l.free(permit) == 0 || now.Before(l.catalogue.until) {
		l.wake()
		return nil
	}
	debts := l.takeReady(s, now)
	if debts == nil || l.ready.isLow() {
		l.wake()
	}
	if debts != nil {
		l.running++
	}
	return debts
}

// takeReady returns the debts of the next request, nil if none is ready. The caller
// holds the lock.
func (l *lane) takeReady(s *laneSettings, now time.Time) []debt.Debt {
	if l.background >= s.backgroundSlots() {
		l.freed = append(l.freed, l.ready.dropBackground()...) // still due
	}
	debts := l.ready.take(max(1, s.limits.Batch), now)
	if len(debts) > 0 && debts[0].Behind() {
		l.background++
	}
	return debts
}

// attempt makes one attempt. What the message does not tell is settled, or given
// back, beside it; the attempt is at the others.
func (l *lane) attempt(ctx context.Context, debts []debt.Debt) *attempted {
	s := l.settings.Load()
	a := &attempted{settings: s, debts: debts, outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	if len(debts) > max(1, s.limits.Batch) {
		return a // they were claimed when the limit was another
	}
	begun := l.now()
	message, err := s.style.Compose(ctx, &s.ep, debts, begun)
	if err != nil {
		l.notComposed(ctx, a, begun, err)
		return a
	}
	l.catalogueWorks(begun)
	a.passage = message.Passage
	defer func() {
		if !a.isAcknowledged() {
			a.endPassage()
		}
	}()
	if message.Apart != nil {
		if a.debts = l.settleApart(ctx, s, debts, message.Apart, begun); len(a.debts) == 0 {
			return a
		}
	}
	if a.foretold = len(message.Creates) > 0; a.foretold && !l.foretell(ctx, debts, message.Creates) {
		return a
	}
	limits := deliver.Limits{Answer: s.limits.Answer, Timeout: s.limits.Timeout}
	answer, sent := l.sender.Send(ctx, &s.ep, message.Request, limits)
	failpoint.Reach(failpoint.Answered)
	if sent.Verdict == attempt.Aborted {
		return a
	}
	reading := message.Understand(len(debts), answer, sent)
	a.outcome, a.results, a.divide = reading.Outcome, resultsTold(reading.Debts, message.Apart), reading.Divide
	keepAnswer(a, &s.ep, message.Request.Secrets, answer.Body)
	l.measure(a.outcome, begun.Sub(a.debts[0].Due))
	l.logAttempt(ctx, s, a.debts, message.Request, a.outcome)
	return a
}

// notComposed says what becomes of an attempt whose message could not be made.
func (l *lane) notComposed(ctx context.Context, a *attempted, begun time.Time, err error) {
	var unread *catalogue.ReadError
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &unread) && unread.Asset.IsZero() && !errors.Is(err, catalogue.ErrUnreadable):
		// The catalogue's fault, and that of all there is to tell: they wait for it.
		l.waitForCatalogue(unread)
	default:
		// The debts' own fault, which says nothing about the endpoint.
		o := l.refusal(begun, err.Error())
		l.logAttempt(ctx, a.settings, a.debts, attempt.Request{}, o)
		a.settleAlike(o)
	}
}

// keepAnswer keeps the beginning of an answer that the style takes for no success.
func keepAnswer(a *attempted, ep *endpoint.Endpoint, secrets []attempt.Secret, answer []byte) {
	var kept []byte
	keep := func(o *attempt.Outcome) {
		if o.Response != nil || o.Verdict == attempt.Delivered {
			return
		}
		if kept == nil {
			kept = deliver.Beginning(ep, secrets, answer)
		}
		o.Response = kept
	}
	keep(&a.outcome)
	for i := range a.results {
		keep(&a.results[i].Outcome)
	}
}

// refusal is the outcome of a debt that can't be told.
func (l *lane) refusal(begun time.Time, why string) attempt.Outcome {
	return attempt.Outcome{
		Verdict: attempt.Refused, Reason: attempt.Compose, Error: why, Started: begun, Duration: l.now().Sub(begun),
	}
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
