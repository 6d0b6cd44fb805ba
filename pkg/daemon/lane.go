package daemon

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// maxNap is how long a lane that has debts sleeps at most, so that a clock that
// is set forth or back is noticed.
const maxNap = 30 * time.Second

// storeRetry is how long a lane or an intake waits before it asks again a store
// that could not do what it was asked.
const storeRetry = time.Second

// laneStore is what a lane needs of the store.
type laneStore interface {
	Claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error)
	Settle(ctx context.Context, endpoint uint64, attempts []store.Attempt) ([]store.Settled, error)
	Hasten(ctx context.Context, endpoint uint64, now time.Time) (uint64, error)
}

// sender makes attempts.
type sender interface {
	Send(ctx context.Context, ep *endpoint.Endpoint, r attempt.Request, limits deliver.Limits) (attempt.Answer, attempt.Outcome)
	Forget(endpointID uint64)
}

// Settlement is told to whoever observes what becomes of debts.
type settlement struct {
	endpoint uint64
	debt     debt.Debt // as it was sent
	outcome  attempt.Outcome
	settled  store.SettledDebt
}

// lane delivers to one endpoint: it claims what is due and keeps as many
// attempts under way as the endpoint's settings and its health allow.
//
// It keeps the order per object: an object with an attempt under way is not
// claimed again until the attempt's outcome is durable. It holds nothing that
// the store does not: whatever it has claimed and not settled is simply still
// due.
type lane struct {
	store    laneStore
	sender   sender
	now      func() time.Time
	log      *slog.Logger
	observe  func(settlement)
	measure  func(attempt.Outcome, time.Duration)
	wakeUp   chan struct{}
	settings atomic.Pointer[laneSettings]
	inFlight atomic.Int64 // requests

	mu     sync.Mutex
	health endpoint.Health
}

// laneSettings is what a lane needs to know of its endpoint; it is replaced, not
// changed.
type laneSettings struct {
	ep       endpoint.Endpoint
	style    style.Style
	window   endpoint.Window
	schedule endpoint.Schedule
	limits   style.Limits
	limiter  *rate.Limiter // nil: no limit
}

func newLaneSettings(ep endpoint.Endpoint, st style.Style, defaults endpoint.Window) *laneSettings {
	s := &laneSettings{ep: ep, style: st, window: ep.Window(defaults), schedule: ep.Schedule(), limits: st.Limits(&ep)}
	if ep.Rate > 0 {
		// A tenth of a second's requests may go at once, so that a high rate
		// does not depend on how fine the timers are.
		s.limiter = rate.NewLimiter(rate.Limit(ep.Rate), max(1, int(math.Ceil(ep.Rate/10))))
	}
	return s
}

// wake makes the lane look again.
func (l *lane) wake() {
	select {
	case l.wakeUp <- struct{}{}:
	default: // it will look anyway
	}
}

// set gives the lane new settings.
func (l *lane) set(s *laneSettings) {
	if before := l.settings.Load(); before != nil && before.ep.Rate == s.ep.Rate {
		s.limiter = before.limiter
	}
	l.settings.Store(s)
	l.wake()
}

// setHealth takes over a newer health.
func (l *lane) setHealth(h endpoint.Health) (before, after endpoint.Health) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before = l.health
	if h.Revision > l.health.Revision {
		l.health = h
	}
	return before, l.health
}

func (l *lane) getHealth() endpoint.Health {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.health
}

// ended is an attempt whose outcome is durable, or given up.
type ended struct {
	debts []debt.Debt // as they were sent
}

// run delivers until ctx ends, and then waits for the attempts under way, which
// end with attempts at the latest.
func (l *lane) run(ctx, attempts context.Context) {
	r := laneRun{
		lane: l, busy: make(map[event.Object]bool), busyKeys: make(map[debt.Key]bool),
		ended: make(chan ended, endpoint.DefaultConcurrency), // so that attempts rarely wait to say so
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next, err := r.dispatch(ctx, attempts)
		now := l.now()
		if err != nil && ctx.Err() == nil {
			l.log.Error("can't read what is due; trying again", "error", err)
			next = now.Add(storeRetry)
		}
		nap := maxNap
		if next.IsZero() {
			nap = math.MaxInt64
		} else {
			nap = max(0, min(nap, next.Sub(now)))
		}
		timer.Reset(nap)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-l.wakeUp:
		case e := <-r.ended:
			r.end(e)
			r.endOthers()
		}
	}
	for r.requests > 0 {
		r.end(<-r.ended)
	}
}

// laneRun is what only the lane's own goroutine touches.
type laneRun struct {
	*lane
	requests int
	busy     map[event.Object]bool
	busyKeys map[debt.Key]bool // a change meanwhile may give a debt another object
	ended    chan ended
}

func (r *laneRun) end(e ended) {
	r.requests--
	r.inFlight.Add(-1)
	for i := range e.debts {
		delete(r.busy, e.debts[i].Object)
		delete(r.busyKeys, e.debts[i].Key)
	}
}

// endOthers takes in what has ended at the same time: outcomes become durable
// many at once, and one look at what is due next serves them all.
func (r *laneRun) endOthers() {
	for {
		select {
		case e := <-r.ended:
			r.end(e)
		default:
			return
		}
	}
}

// dispatch begins as many attempts as may be made now, and returns when to look
// again; zero if only an event can tell.
func (r *laneRun) dispatch(ctx, attempts context.Context) (next time.Time, err error) {
	s := r.settings.Load()
	now := r.now()
	health := r.getHealth()
	permit := health.Permit(now, s.ep.Enabled, s.ep.Slots())
	request := store.ClaimRequest{
		Endpoint: s.ep.ID, Now: now,
		Busy:    func(o event.Object) bool { return r.busy[o] },
		BusyKey: func(key debt.Key) bool { return r.busyKeys[key] },
	}
	if permit.Slots == 0 {
		if permit.Until.IsZero() {
			return time.Time{}, nil // switched off
		}
		// A sick endpoint that is left alone still gets what a person wants
		// sent, one at a time.
		permit.Slots, request.ForcedOnly, next = 1, true, permit.Until
	}
	free := permit.Slots - r.requests
	if free <= 0 {
		return next, nil // the end of an attempt wakes the lane
	}
	tokens, soon := s.tokens(now, free)
	next = earliest(next, soon)
	if tokens == 0 {
		return next, nil
	}
	batch := max(1, s.limits.Batch)
	request.Limit = tokens * batch
	claim, err := r.store.Claim(ctx, request)
	if err != nil {
		return next, err
	}
	if !request.ForcedOnly {
		next = earliest(next, claim.Next)
	}
	for len(claim.Debts) > 0 {
		n := min(batch, len(claim.Debts))
		s.spend(now)
		r.begin(attempts, s, claim.Debts[:n:n])
		claim.Debts = claim.Debts[n:]
	}
	if r.requests >= permit.Slots && !request.ForcedOnly {
		return time.Time{}, nil // the end of an attempt wakes the lane
	}
	return next, nil
}

// tokens returns how many of the wanted requests the rate allows now, and, if
// none, when there will be one.
func (s *laneSettings) tokens(now time.Time, wanted int) (n int, next time.Time) {
	if s.limiter == nil {
		return wanted, time.Time{}
	}
	have := s.limiter.TokensAt(now)
	if have >= 1 {
		return min(wanted, int(have)), time.Time{}
	}
	missing := time.Duration((1 - have) / float64(s.limiter.Limit()) * float64(time.Second))
	return 0, now.Add(max(missing, time.Millisecond))
}

func (s *laneSettings) spend(now time.Time) {
	if s.limiter != nil {
		s.limiter.AllowN(now, 1)
	}
}

// begin starts one attempt.
func (r *laneRun) begin(ctx context.Context, s *laneSettings, debts []debt.Debt) {
	for i := range debts {
		r.busy[debts[i].Object], r.busyKeys[debts[i].Key] = true, true
	}
	r.requests++
	r.inFlight.Add(1)
	go func() {
		r.attempt(ctx, s, debts)
		r.ended <- ended{debts}
	}()
}

// attempt makes one attempt and settles it.
func (l *lane) attempt(ctx context.Context, s *laneSettings, debts []debt.Debt) {
	begun := l.now()
	request, err := s.style.Compose(&s.ep, debts, begun)
	if err != nil {
		l.settleUnsent(ctx, s, debts, begun, err)
		return
	}
	limits := deliver.Limits{Answer: s.limits.Answer, Timeout: s.limits.Timeout}
	answer, outcome := l.sender.Send(ctx, &s.ep, request, limits)
	outcomes := s.style.Interpret(&s.ep, debts, answer, outcome)
	l.measure(outcome, begun.Sub(debts[0].Due))
	l.logAttempt(ctx, s, debts, request, outcome)
	if outcome.Verdict == attempt.Aborted {
		return // still due; it will be sent again
	}
	l.settle(ctx, s, debts, outcome, outcomes)
}

// settleUnsent records that no message could be made. That is the debts' own
// fault, and says nothing about the endpoint.
func (l *lane) settleUnsent(ctx context.Context, s *laneSettings, debts []debt.Debt, begun time.Time, cause error) {
	o := attempt.Outcome{
		Verdict: attempt.Refused, Reason: attempt.Compose, Error: cause.Error(), Started: begun, Duration: l.now().Sub(begun),
	}
	l.logAttempt(ctx, s, debts, attempt.Request{}, o)
	outcomes := make([]attempt.Outcome, len(debts))
	for i := range outcomes {
		outcomes[i] = o
	}
	unsent := o
	unsent.Verdict = attempt.Aborted
	l.settle(ctx, s, debts, unsent, outcomes)
}

// settle makes the outcome durable. While the store can't take it, the objects
// stay busy: an outcome that was forgotten would be an attempt repeated.
func (l *lane) settle(ctx context.Context, s *laneSettings, debts []debt.Debt, outcome attempt.Outcome, outcomes []attempt.Outcome) {
	a := store.Attempt{Outcome: outcome, Debts: make([]debt.Settlement, len(debts))}
	for i := range debts {
		a.Debts[i] = debt.SettlementOf(&debts[i])
		a.Debts[i].Outcome = outcomes[i]
		a.Debts[i].Window, a.Debts[i].Schedule = s.window, s.schedule
		a.Debts[i].Jitter = rand.Float64() //nolint:gosec // spreads retries, guards no secret
	}
	for {
		// What was sent is to be recorded, even during a shutdown.
		settled, err := l.store.Settle(context.WithoutCancel(ctx), s.ep.ID, []store.Attempt{a})
		if err == nil {
			l.settled(ctx, s, debts, a, settled[0])
			return
		}
		if errors.Is(err, store.ErrClosed) {
			return
		}
		l.log.Error("can't record an attempt; trying again", "error", err)
		select {
		case <-ctx.Done():
			return // it is sent again after the next start
		case <-time.After(storeRetry):
		}
	}
}

// settled tells whoever needs to know.
func (l *lane) settled(ctx context.Context, s *laneSettings, debts []debt.Debt, a store.Attempt, settled store.Settled) {
	before, after := l.setHealth(settled.Health)
	l.logHealth(s, before, after)
	if before.State(true) == endpoint.Sick && after.State(true) == endpoint.Healthy {
		if _, err := l.store.Hasten(context.WithoutCancel(ctx), s.ep.ID, l.now()); err != nil {
			l.log.Error("can't bring retries forward; they are made when they are due", "error", err)
		}
	}
	for i := range debts {
		l.observe(settlement{endpoint: s.ep.ID, debt: debts[i], outcome: a.Debts[i].Outcome, settled: settled.Debts[i]})
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

// earliest returns the earlier of two times; zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
