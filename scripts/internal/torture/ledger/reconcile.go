package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Counts is what a reconciliation counts.
type Counts struct {
	Events    uint64 `json:"events"`    // written
	Endpoints int    `json:"endpoints"` // that there ever were
	Owed      int    `json:"owed"`      // endpoints times keys, at the end; and what removed endpoints had got of it
	Requests  int    `json:"requests"`
	Delivered int    `json:"delivered"` // requests answered with success

	Lost     int `json:"lost"`     // owed, and not delivered in its latest form
	Stale    int `json:"stale"`    // an older change after a newer one, or an older generation
	Overlaps int `json:"overlaps"` // two requests about a key at a time
	Repeated int `json:"repeated"` // begun on before the process ended, and sent again after
	Doubled  int `json:"doubled"`  // one change owed twice: its line was taken in twice
	Early    int `json:"early"`    // requests before the debounce was over
	Strange  int `json:"strange"`  // requests that should not be at all

	Kills    int `json:"kills"`
	Stops    int `json:"stops"`
	UnderWay int `json:"underWay"` // requests that receivers had begun on and not answered, summed over kills

	Worst  Worst         `json:"worst"`
	Oldest time.Duration `json:"oldestNanoseconds"` // before a kill came an answer that it made dz forget
}

// Worst is the kill that made an endpoint repeat most.
type Worst struct {
	Endpoint string `json:"endpoint,omitempty"`
	End      int    `json:"end,omitempty"` // of the process; the first is 1
	Repeated int    `json:"repeated"`
	Allowed  int    `json:"allowed"`
}

// Atop returns the worse of two.
func (w Worst) Atop(o Worst) Worst {
	if o.Repeated > w.Repeated {
		return o
	}
	return w
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
	c.Early += o.Early
	c.Strange += o.Strange
	c.Kills += o.Kills
	c.Stops += o.Stops
	c.UnderWay += o.UnderWay
	c.Worst = c.Worst.Atop(o.Worst)
	c.Oldest = max(c.Oldest, o.Oldest)
}

// Reconcile compares what is owed with what was delivered, once everything has
// settled. Without faults nothing was lost, stale or abreast, nothing was taken
// in twice, and no kill made an endpoint repeat more than it may.
func (l *Ledger) Reconcile() (Counts, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := Counts{Events: l.written + l.emitted, Endpoints: len(l.accounts)}
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
	counts.Owed, counts.Lost = owed+a.delivered, len(missing)
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
	notAgain := a.notAgain()
	counts.Lost += len(notAgain)
	for _, key := range notAgain[:min(len(notAgain), maxTold)] {
		faults = append(faults, fmt.Sprintf("endpoint %s: %v was replayed and not told again", a.id, key))
	}
	told := l.reconcileRepeats(a, &counts)
	return counts, append(faults, told...)
}

// reconcileRepeats compares what was repeated after the ends of the process with
// what may be; both are locked.
func (l *Ledger) reconcileRepeats(a *Account, counts *Counts) (faults []string) {
	for _, epoch := range slices.Sorted(maps.Keys(a.repeats)) {
		r := a.repeats[epoch]
		if !l.ends[epoch].Killed {
			faults = append(faults, fmt.Sprintf("endpoint %s: %d requests were repeated after an orderly stop (the end %d)",
				a.id, r.answered, epoch+1))
			continue
		}
		counts.Worst = counts.Worst.Atop(Worst{a.id, epoch + 1, r.cut + r.answered, a.terms.Concurrency + Unsettled})
		if r.cut > a.terms.Concurrency || r.answered > Unsettled {
			faults = append(faults, fmt.Sprintf("endpoint %s: a kill (the end %d) made it repeat %d requests that were under way and %d that were answered; %d and %d are allowed",
				a.id, epoch+1, r.cut, r.answered, a.terms.Concurrency, Unsettled))
		}
	}
	counts.Oldest = max(0, a.oldest.age)
	if may := l.durableWithin(); a.oldest.age > may {
		faults = append(faults, fmt.Sprintf("endpoint %s: %v was repeated after a kill (the end %d), and had been answered %v before it; within %v that is to be durable",
			a.id, a.oldest.key, a.oldest.end+1, a.oldest.age, may))
	}
	return faults
}
