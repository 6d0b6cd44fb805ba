package daemon

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
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

// settlement is told to whoever observes what becomes of debts. It points into what the
// lane holds: nobody is to change that.
type settlement struct {
	endpoint uint64
	debt     *debt.Debt // as it was sent
	outcome  *attempt.Outcome
	settled  *store.SettledDebt
}

// MaxUnsettled is how many requests of one endpoint may have been answered well
// without that being durable yet. They hold no slot any more, so that the next
// requests need not wait for the disk; a process that is killed repeats them, as
// it does those under way.
//
// It is what an endpoint may be sent in the time of two commits, as half of it is
// on its way into the store while the other half gathers. A commit takes two
// flushes, 20 ms on a slow disk, and 100 ms with a batch of a backlog in it: so
// much less would hold a good receiver up.
const MaxUnsettled = 512

// lane delivers to one endpoint: it keeps as many requests under way as the
// endpoint's settings and its health allow. Three parties share the work:
//
//   - the dispatcher, one goroutine, claims what is due;
//   - workers, one for each slot in use, take what is claimed and make one
//     attempt after another;
//   - the settler makes outcomes durable, many at once.
//
// A request holds its slot until it is answered and, unless it was answered
// well, until that is durable: an endpoint that fails is never asked more often
// than its health allows.
//
// The lane keeps the order per object: an object with an attempt under way is
// not claimed again until the attempt's outcome is durable. It holds nothing
// that the store does not: whatever it has claimed and not settled is simply
// still due. What a synchronisation has handed on to it is claimed from the handout;
// in the store, the job stands for that.
type lane struct {
	store   laneStore
	sender  sender
	now     func() time.Time
	log     *slog.Logger
	observe func(settlement)
	measure func(attempt.Outcome, time.Duration)
	// held, if not nil, is told that so many deletions wait to be released.
	held     func(ep *endpoint.Endpoint, anew uint64)
	wakeUp   chan struct{}
	hurry    chan struct{} // outcomes are not to wait any longer
	settings atomic.Pointer[laneSettings]

	mu         sync.Mutex
	health     endpoint.Health
	ready      readAhead
	running    int           // requests that hold a slot
	background int           // of them, those of debts that go behind all others
	unsettled  int           // requests that have given theirs back; at most MaxUnsettled
	ended      int           // requests, since the last claim
	outcomes   []*attempted  // for the settler, in the order they ended
	urgent     bool          // one of them holds a slot
	settling   bool          // the settler runs
	freed      [][]debt.Debt // settled or given up, for the dispatcher to forget
	fault      string        // what keeps outcomes from becoming durable
	forgot     time.Time     // what was first seen before may have been tried without that being known
	fruitless  int           // divisions in which the receiver took nothing
	tests      struct {      // that brought retries forward since it fell sick
		sickSince time.Time
		hastened  int
	}

	handed    handout
	dividing  chan struct{} // takes one: a division that is under way
	catalogue catalogueWait
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

// newLaneSettings makes the settings of an endpoint's lane. defaults is the daemon's
// debounce.
func newLaneSettings(ep endpoint.Endpoint, st style.Style, defaults endpoint.Window) *laneSettings {
	s := &laneSettings{ep: ep, style: st, window: ep.Window(style.Window(st, defaults)), schedule: ep.Schedule(), limits: st.Limits(&ep)}
	if ep.Rate > 0 {
		// A tenth of a second's requests may go at once, so that a high rate
		// does not depend on how fine the timers are.
		s.limiter = rate.NewLimiter(rate.Limit(ep.Rate), max(1, int(math.Ceil(ep.Rate/10))))
	}
	return s
}

// backgroundSlots is how many requests of debts that go behind all others may be
// under way: a quarter of the slots is left to the others.
func (s *laneSettings) backgroundSlots() int {
	slots := s.ep.Slots()
	return max(1, slots-max(1, slots/4))
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

// underWay counts the requests whose outcome is not durable.
func (l *lane) underWay() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running + l.unsettled
}

// run delivers until ctx ends, and then waits for the attempts under way, which
// end with attempts at the latest.
func (l *lane) run(ctx, attempts context.Context) {
	if l.getHealth().Hasten {
		l.hasten(ctx) // the last process did not come to it
	}
	d := newDispatcher(l)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next, err := d.dispatch(ctx, attempts)
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
		}
	}
	for l.underWay() > 0 {
		<-l.wakeUp
	}
}

// earliest returns the earlier of two times; zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
