package ledger

import (
	"fmt"
	"maps"
	"slices"
)

// Counts is what a reconciliation counts.
type Counts struct {
	Events    uint64 `json:"events"`    // written
	Endpoints int    `json:"endpoints"` // that there ever were
	Owed      int    `json:"owed"`      // endpoints times keys, at the end
	Requests  int    `json:"requests"`
	Delivered int    `json:"delivered"` // requests answered with success

	Lost     int `json:"lost"`     // owed, and not delivered in its latest form
	Stale    int `json:"stale"`    // an older change after a newer one, or an older generation
	Overlaps int `json:"overlaps"` // two requests about a key at a time
	Repeated int `json:"repeated"` // begun on before the process ended, and sent again after
	Doubled  int `json:"doubled"`  // one change owed twice: its line was taken in twice
	Strange  int `json:"strange"`  // requests that should not be at all

	Kills    int `json:"kills"`
	Stops    int `json:"stops"`
	UnderWay int `json:"underWay"` // requests that receivers had begun on and not answered, summed over kills
	Allowed  int `json:"allowed"`  // what may be not durable yet, summed over kills and endpoints: repeats there may be
}

// Add adds what another reconciliation counted.
func (c *Counts) Add(o Counts) {
	c.Events += o.Events
	c.Endpoints += o.Endpoints
	c.Owed += o.Owed
	c.Requests += o.Requests
	c.Delivered += o.Delivered
	c.Lost += o.Lost
	c.Stale += o.Stale
	c.Overlaps += o.Overlaps
	c.Repeated += o.Repeated
	c.Doubled += o.Doubled
	c.Strange += o.Strange
	c.Kills += o.Kills
	c.Stops += o.Stops
	c.UnderWay += o.UnderWay
	c.Allowed += o.Allowed
}

// Reconcile compares what is owed with what was delivered, once everything has
// settled. Without faults nothing was lost, stale or abreast, nothing was taken
// in twice, and no kill made an endpoint repeat more than it may.
func (l *Ledger) Reconcile() (Counts, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := Counts{Events: l.written, Endpoints: len(l.accounts)}
	for _, end := range l.ends {
		if end.Killed {
			sum.Kills++
			sum.UnderWay += end.Open
		} else {
			sum.Stops++
		}
	}
	var faults []string
	for _, a := range l.sorted() {
		counts, told := l.reconcile(a)
		sum.Add(counts)
		faults = append(faults, told...)
	}
	return sum, faults
}

func (l *Ledger) reconcile(a *Account) (Counts, []string) {
	owed, missing := len(a.debts()), a.missing()
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := a.counts
	counts.Owed, counts.Lost = owed, len(missing)
	faults := slices.Clone(a.told)
	for _, e := range missing[:min(len(missing), maxTold)] {
		got := uint64(0)
		if s := a.seen[e.Key]; s != nil {
			got = s.got
		}
		faults = append(faults, fmt.Sprintf("endpoint %s: %v: change %d is owed and was lost; delivered was %d", a.id, e.Key, e.Number, got))
	}
	for key, s := range a.seen {
		if s.number > l.last {
			counts.Strange++
			faults = append(faults, fmt.Sprintf("endpoint %s: %v: change %d was never written", a.id, key, s.number))
		}
	}
	for epoch, end := range l.ends {
		if end.Killed && epoch >= a.born && (a.died < 0 || epoch <= a.died) {
			counts.Allowed += a.undurable
		}
	}
	for _, epoch := range slices.Sorted(maps.Keys(a.repeats)) {
		repeats, allowed, how := a.repeats[epoch], 0, "an orderly stop"
		if l.ends[epoch].Killed {
			allowed, how = a.undurable, "a kill"
		}
		if repeats > allowed {
			faults = append(faults, fmt.Sprintf("endpoint %s: %d requests were repeated after %s (the end %d), %d were allowed",
				a.id, repeats, how, epoch+1, allowed))
		}
	}
	return counts, faults
}
