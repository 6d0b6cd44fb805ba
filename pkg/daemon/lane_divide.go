package daemon

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// maxSamples is how many debts are sent alone to learn whether the receiver takes
// anything at all.
const maxSamples = 3

// division finds out which debts of a request are to blame that it failed as a
// whole: it sends them again in halves, and halves of halves, one request after
// another. What the receiver takes is settled at once. Who is to blame is sent
// alone from then on.
//
// A receiver that takes nothing is not asked about every debt: when both halves
// have failed, some debts are sent alone, and if these fail too, it is the
// receiver that is to blame. Each of the requests then counts for its health.
//
// A lane has one division under way at a time. What fails meanwhile waits for it,
// and fails too if the receiver has taken nothing.
type division struct {
	*lane
	claiming, attempts context.Context //nolint:containedctx // a division lasts as long as its call

	works bool // the receiver has taken something
	// over: dz stops, the endpoint may not be sent anything any more, or it has
	// failed in a way that says something of itself.
	over    bool
	unsent  []*attempted // parts that it never came to, as they failed with others
	telling *attempted   // what said something of the receiver
}

// divide returns an attempt at those debts of a failed one that the receiver
// takes neither together nor alone.
func (l *lane) divide(claiming, attempts context.Context, whole *attempted) *attempted {
	if len(whole.debts) == 1 {
		if whole.debts[0].Blamed {
			// The receiver may well take all others.
			whole.blame()
			whole.outcome.Verdict = attempt.Aborted
		}
		return whole
	}
	d := &division{lane: l, claiming: claiming, attempts: attempts}
	if !d.begin() {
		return whole
	}
	defer d.end()
	whole.doubt()
	failed := d.send(whole.halves()...)
	if !d.works {
		failed = append(failed, d.sample(failed)...)
	}
	var alone []*attempted
	for d.works && !d.over && len(failed) > 0 {
		first := failed[0]
		failed = failed[1:]
		if len(first.debts) == 1 {
			alone = append(alone, first)
			continue
		}
		failed = append(failed, d.send(first.halves()...)...)
	}
	return d.verdict(whole, append(alone, failed...))
}

// begin waits for a division under way, and reports whether it leaves another
// anything to find out.
func (d *division) begin() bool {
	d.mu.Lock()
	fruitless := d.fruitless
	d.mu.Unlock()
	select {
	case d.dividing <- struct{}{}:
	case <-d.claiming.Done():
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fruitless == fruitless {
		return true
	}
	<-d.dividing
	return false
}

func (d *division) end() {
	if !d.works {
		d.mu.Lock()
		d.fruitless++
		d.mu.Unlock()
	}
	<-d.dividing
}

// part returns an attempt that is yet to be made, at some of the debts.
func (a *attempted) part(from, to int) *attempted {
	return &attempted{settings: a.settings, debts: a.debts[from:to:to], outcome: a.outcome}
}

// doubt notes of the debts that the receiver may have taken them: what is made of
// them next does not settle this attempt.
func (a *attempted) doubt() {
	for i := range a.debts {
		a.debts[i].Unclear = a.debts[i].Unclear || a.outcome.IsUnclear()
	}
}

func (a *attempted) halves() []*attempted {
	middle := len(a.debts) / 2
	return []*attempted{a.part(0, middle), a.part(middle, len(a.debts))}
}

// blame makes a failure the fault of the only debt.
func (a *attempted) blame() {
	a.outcome.Verdict, a.blamed = attempt.Refused, true
	for i := range a.results {
		a.results[i].Outcome.Verdict = attempt.Refused
	}
}

// send makes an attempt at each part, and returns those that may be divided
// further.
func (d *division) send(parts ...*attempted) (failed []*attempted) {
	for _, part := range parts {
		if d.over = d.over || !d.mayGoOn(); d.over {
			d.unsent = append(d.unsent, part)
			continue
		}
		a := d.attempt(d.attempts, part.debts)
		switch {
		case a.divide:
			failed = append(failed, a)
		case a.failed():
			d.over, d.telling = true, a
		case !a.isNothing():
			d.works = d.works || a.outcome.Verdict == attempt.Delivered
			d.settleNow(a)
		case len(a.debts) > 0:
			d.over = true
			d.unsent = append(d.unsent, &attempted{settings: a.settings, debts: a.debts, outcome: part.outcome})
		}
	}
	return failed
}

// sample sends some debts of failed requests alone, until one is taken. It returns
// those that were not.
func (d *division) sample(failed []*attempted) (alone []*attempted) {
	for i := range maxSamples {
		if len(failed) == 0 || d.works || d.over {
			break
		}
		of := failed[i%len(failed)]
		n := len(of.debts)
		if n < 2 {
			continue // it was alone
		}
		at := (i + 1) * (n - 1) / (maxSamples + 1)
		alone = append(alone, d.send(of.part(at, at+1))...)
		of.without(at) // it is another attempt's now
	}
	return alone
}

// without takes a debt out of an attempt.
func (a *attempted) without(at int) {
	a.debts = append(a.debts[:at:at], a.debts[at+1:]...)
	a.results = append(a.results[:at:at], a.results[at+1:]...)
}

// mayGoOn waits for the endpoint's rate, and reports whether another request may
// be made.
func (d *division) mayGoOn() bool {
	s := d.settings.Load()
	if s.limiter != nil && d.permitted() {
		now := d.now()
		wait := time.NewTimer(s.limiter.ReserveN(now, 1).DelayFrom(now))
		defer wait.Stop()
		select {
		case <-d.claiming.Done():
		case <-wait.C:
		}
	}
	return d.permitted()
}

func (d *division) permitted() bool {
	if d.claiming.Err() != nil {
		return false
	}
	s, now := d.settings.Load(), d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.health.Permit(now, s.ep.Enabled, s.ep.Slots()).Slots > 0 && d.unsettled < MaxUnsettled
}

// settleNow hands a part of the request over.
func (d *division) settleNow(a *attempted) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handOverBeside(d.attempts, a)
}

// giveBack forgets an attempt, save that the receiver may have taken its debts: they
// are still due.
func (d *division) giveBack(a *attempted) {
	d.settleNow(unmade(a.settings, a.debts))
}

// verdict hands over what failed, and returns the last of it.
//
// If the receiver has taken something, debts that it did not take alone are to
// blame, and those that the division never came to are still due. If not, every
// request has failed by itself, and no debt is spared its retry.
func (d *division) verdict(whole *attempted, failed []*attempted) *attempted {
	var ended []*attempted
	if d.works {
		for _, a := range failed {
			if len(a.debts) > 1 {
				d.giveBack(a)
				continue
			}
			a.blame()
			ended = append(ended, a)
		}
		for _, a := range d.unsent {
			d.giveBack(a)
		}
	} else {
		for _, a := range d.unsent {
			a.settleAlike(a.outcome)
			a.outcome = attempt.Outcome{Verdict: attempt.Aborted} // of whole, which counts
			ended = append(ended, a)
		}
		ended = append(append(ended, &attempted{settings: whole.settings, outcome: whole.outcome}), failed...)
	}
	if d.telling != nil {
		ended = append(ended, d.telling)
	}
	if len(ended) == 0 {
		return &attempted{settings: whole.settings, outcome: attempt.Outcome{Verdict: attempt.Aborted}}
	}
	last := len(ended) - 1
	for _, a := range ended[:last] {
		d.settleNow(a)
	}
	return ended[last]
}
