package daemon

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// dispatcher claims what is due and has workers send it.
//
// What is busy is known to it alone, and it forgets an object only between two
// claims: a claim never looks at the store as it was before a settlement with
// the eyes of the time after.
type dispatcher struct {
	*lane
	busy      busy
	claimedAt time.Time // the last time
	passed    string    // what was claimed behind all others: see claim
	passedAt  time.Time // since when it is passed over
}

func newDispatcher(l *lane) *dispatcher {
	return &dispatcher{lane: l, busy: newBusy()}
}

// dispatch begins as many attempts as may be made now, and returns when to look
// again; zero if only an event can tell. No attempt begins once claiming has
// ended; those under way end with attempts.
func (d *dispatcher) dispatch(claiming, attempts context.Context) (next time.Time, err error) {
	s := d.settings.Load()
	now := d.now()
	permit := d.getHealth().Permit(now, s.ep.Enabled, s.ep.Slots())
	if wait := d.catalogueUntil(); now.Before(wait) {
		d.forget(now, true)
		return wait, nil // for the catalogue; nothing can be told
	}
	d.forget(now, permit.Slots < s.ep.Slots())
	forcedOnly := permit.Slots == 0
	if forcedOnly {
		if permit.Until.IsZero() {
			return time.Time{}, nil // switched off
		}
		// A sick endpoint that is left alone still gets what a person wants
		// sent, one at a time.
		permit.Slots, next = 1, permit.Until
	}
	d.begin(claiming, attempts, s, permit, forcedOnly, now)
	limit, soon := d.demand(s, permit, now)
	next = earliest(next, soon)
	if limit == 0 {
		return next, nil // the end of an attempt wakes the lane, or soon does
	}
	claim, err := d.claim(claiming, store.ClaimRequest{
		Endpoint: s.ep.ID, Now: now, Limit: limit, ForcedOnly: forcedOnly,
		Background: d.backgroundLimit(s, limit),
		Busy:       d.busy.hasObject,
		BusyKey:    d.busy.hasKey,
	})
	if err != nil {
		return next, err
	}
	d.busy.add(claim.Debts)
	var handed []debt.Debt
	if !forcedOnly {
		rest := limit - len(claim.Debts)
		handed = d.claimHanded(min(rest, d.backgroundLimit(s, limit)-countBehind(claim.Debts)))
	}
	d.keep(now, len(claim.Debts)+len(handed) >= limit, claim.Debts, handed)
	if free := d.begin(claiming, attempts, s, permit, forcedOnly, now); free > 0 && !forcedOnly {
		next = earliest(next, claim.Next)
	}
	return next, nil
}

// passOverFor is how long debts that go behind all others are not looked at again.
const passOverFor = 100 * time.Millisecond

// claim claims. For a while it passes over what was claimed behind all others: that
// is under way, all of it as a rule, and may be a thousand times what is claimed. If
// there is not enough behind it, all is looked at.
func (d *dispatcher) claim(ctx context.Context, r store.ClaimRequest) (store.Claim, error) {
	if age := r.Now.Sub(d.passedAt); !r.ForcedOnly && 0 <= age && age < passOverFor {
		r.After = d.passed
	}
	claim, err := d.store.Claim(ctx, r)
	if err == nil && r.After != "" && len(claim.Debts) < r.Limit && countBehind(claim.Debts) < r.Background {
		r.After = ""
		claim, err = d.store.Claim(ctx, r)
	}
	if r.After == "" {
		d.passedAt = r.Now
	}
	if d.passed = claim.Behind; claim.Behind == "" {
		d.passed = r.After
	}
	return claim, err
}

// countBehind counts the debts that go behind all others.
func countBehind(debts []debt.Debt) (n int) {
	for i := range debts {
		if debts[i].Behind() {
			n++
		}
	}
	return n
}

// backgroundLimit is how many of the debts to claim may be of those that go behind
// all others.
func (d *dispatcher) backgroundLimit(s *laneSettings, limit int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(limit, max(0, s.backgroundSlots()-d.background)*max(1, s.limits.Batch))
}

// forget makes what has been settled claimable again, and what was claimed ahead
// and is not worth sending any more; all of it if everything is to be claimed
// anew.
func (d *dispatcher) forget(now time.Time, anew bool) {
	d.mu.Lock()
	freed := d.freed
	defer d.mu.Unlock()
	freed, d.freed = append(freed, d.ready.drop(now, anew)...), nil
	for _, debts := range freed {
		d.takeBack(debts)
		for i := range debts {
			d.busy.remove(&debts[i])
		}
	}
}

// demand returns how many debts to claim, and, if it is the rate that forbids
// more, when to look again.
func (d *dispatcher) demand(s *laneSettings, permit endpoint.Permit, now time.Time) (limit int, soon time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := d.free(permit)
	if s.limiter != nil && free > 0 {
		if free, soon = s.tokens(now, free); free == 0 {
			return 0, soon // for what is ready too: nothing else may wake the lane
		}
	}
	if d.ready.debts > max(d.ready.low, 0) || (free == 0 && d.ready.low < 0) {
		return 0, time.Time{}
	}
	ahead := 0 // with a rate, it is not the store that requests wait for
	if age := now.Sub(d.claimedAt); s.limiter == nil && 0 <= age && age < freshFor && permit.Slots == s.ep.Slots() {
		// As much as has gone since the last look will be wanted before long.
		ahead = min(maxAhead, 2*d.ended)
		if batch := s.limits.Batch; batch > 1 {
			ahead = min(2, d.ended) * batch // whole requests
		}
	}
	limit = max(0, free*max(1, s.limits.Batch)+ahead-d.ready.debts)
	if limit > 0 {
		d.claimedAt, d.ended, d.ready.low = now, 0, ahead/2
	}
	return limit, time.Time{}
}

// keep takes in what was claimed, in parts that no request tells together. more says that
// there is more to claim.
func (d *dispatcher) keep(now time.Time, more bool, parts ...[]debt.Debt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, debts := range parts {
		d.doubt(debts)
		d.ready.add(debts, now)
	}
	if !more {
		d.ready.low = -1
	}
}

// begin starts workers on what is ready, and returns how many more there might
// be.
func (d *dispatcher) begin(claiming, attempts context.Context, s *laneSettings, permit endpoint.Permit, forcedOnly bool, now time.Time) (free int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	permit.Slots = min(permit.Slots, d.stillPermitted(forcedOnly, now))
	if claiming.Err() != nil {
		permit.Slots = 0
	}
	for free = d.free(permit); free > 0; free = d.free(permit) {
		if tokens, _ := s.tokens(now, 1); tokens == 0 {
			return free
		}
		debts := d.takeReady(s, now)
		if debts == nil {
			return free
		}
		s.spend(now)
		d.running++
		go d.work(claiming, attempts, debts)
	}
	return free
}

// stillPermitted returns how many requests may be under way as things are now: the
// endpoint may have fallen sick or been switched off while the store was read.
// Whatever forbids requests wakes the lane, too. The caller holds the lock.
func (l *lane) stillPermitted(forcedOnly bool, now time.Time) int {
	s := l.settings.Load()
	permit := l.health.Permit(now, s.ep.Enabled, s.ep.Slots())
	if forcedOnly && !permit.Until.IsZero() {
		return 1
	}
	return permit.Slots
}

// free returns how many more requests may begin. The caller holds the lock.
func (l *lane) free(permit endpoint.Permit) int {
	return max(0, min(permit.Slots-l.running, permit.Slots+MaxUnsettled-l.running-l.unsettled))
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
