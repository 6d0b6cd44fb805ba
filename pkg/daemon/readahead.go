package daemon

import (
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
)

const (
	// maxAhead is how many debts a lane claims at most beyond what its free
	// slots take.
	maxAhead = 64
	// freshFor is how long a claimed debt may wait for its attempt. Later it may
	// have changed or been purged, and is claimed again.
	freshFor = 20 * time.Millisecond
)

// readAhead holds debts that are claimed and not begun, so that a slot that
// becomes free need not wait for the store.
type readAhead struct {
	debts  int
	claims []claimed // the oldest first
	low    int       // claim again when so many debts are left; -1: there are no more
}

// claimed is what is left of one claim.
type claimed struct {
	debts []debt.Debt
	at    time.Time
}

// stale reports whether the claim is too old, or made by a clock that has been
// set back since.
func (c *claimed) stale(now time.Time) bool {
	age := now.Sub(c.at)
	return age < 0 || age >= freshFor
}

func (r *readAhead) add(debts []debt.Debt, now time.Time) {
	if len(debts) > 0 {
		r.claims = append(r.claims, claimed{debts: debts, at: now})
		r.debts += len(debts)
	}
}

// dropBackground forgets debts that go behind all others, and that others would
// wait for, and returns them.
func (r *readAhead) dropBackground() (dropped [][]debt.Debt) {
	for len(r.claims) > 0 && r.claims[0].debts[0].Behind() {
		dropped = append(dropped, r.claims[0].debts)
		r.debts -= len(r.claims[0].debts)
		r.claims = append(r.claims[:0], r.claims[1:]...)
	}
	return dropped
}

// take returns up to limit debts for one request, nil if none is ready.
func (r *readAhead) take(limit int, now time.Time) []debt.Debt {
	if r.debts == 0 || r.claims[0].stale(now) {
		return nil
	}
	first := &r.claims[0]
	n := together(first.debts[:min(limit, len(first.debts))])
	debts := first.debts[:n:n]
	first.debts = first.debts[n:]
	r.debts -= n
	if len(first.debts) == 0 {
		r.claims = append(r.claims[:0], r.claims[1:]...)
	}
	return debts
}

// together returns how many of the first debts, at least one, one request may
// tell. A debt that was to blame for a failure goes alone: others are not to be
// held up by it again.
func together(debts []debt.Debt) int {
	for i := range debts {
		if debts[i].Blamed {
			return max(1, i)
		}
	}
	return len(debts)
}

// drop returns what is stale, or everything, and forgets it.
func (r *readAhead) drop(now time.Time, everything bool) (dropped [][]debt.Debt) {
	for len(r.claims) > 0 && (everything || r.claims[0].stale(now)) {
		dropped = append(dropped, r.claims[0].debts)
		r.debts -= len(r.claims[0].debts)
		r.claims = append(r.claims[:0], r.claims[1:]...)
	}
	return dropped
}

// isLow reports whether it is time to claim more.
func (r *readAhead) isLow() bool { return r.debts <= r.low }
