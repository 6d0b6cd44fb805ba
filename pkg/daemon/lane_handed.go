package daemon

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

// handout is what a synchronisation has handed on to a lane: assets that are to be told
// without a debt each. They go like debts that go behind all others, and after those.
//
// What an attempt does not see to is owed by its settlement, under a name of its own: a
// receiver that took it, and did not say so, is told again. What is claimed and never
// begun, or not recorded, comes back, and is claimed again.
//
// The lane's lock guards it.
type handout struct {
	of      map[debt.Key]*handedOne // those that are not settled
	waiting []*handedOne            // of them, those that are not under way
	closed  bool                    // nothing more of it is to be begun
	moved   chan struct{}           // gets one when a page is all settled
}

// handedOne is one asset.
type handedOne struct {
	debt.Handed

	debt debt.Debt
	page *handedPage
}

// handedPage is what one page of a job has handed on.
type handedPage struct {
	job  resync.Job // as it is when all is settled
	size int        // assets, also those that it did not hand on
	left int        // that are not settled
}

// hand hands changes on, each of another key, that nobody else sees to.
func (l *lane) hand(page *handedPage, changes []debt.Change, now time.Time, name func(*debt.Change) debt.ID) {
	ones := make([]handedOne, len(changes))
	for i := range changes {
		c := &changes[i]
		ones[i] = handedOne{Handed: debt.Handed{Change: *c, At: now}, debt: debt.New(name(c), *c, now), page: page}
		ones[i].debt.Handed = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handed.of == nil {
		l.handed.of, l.handed.moved = make(map[debt.Key]*handedOne), make(chan struct{}, 1)
	}
	page.left = len(ones)
	l.handed.closed = false
	for i := range ones {
		l.handed.of[ones[i].debt.Key] = &ones[i]
		l.handed.waiting = append(l.handed.waiting, &ones[i])
	}
	l.wake()
}

// unsettledHanded counts what was handed on and is not settled.
func (l *lane) unsettledHanded() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.handed.of)
}

// claimHanded returns up to limit of what was handed on and isn't under way.
func (d *dispatcher) claimHanded(limit int) (claimed []debt.Debt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if limit <= 0 || len(d.handed.waiting) == 0 || d.handed.closed {
		return nil
	}
	claimed = make([]debt.Debt, 0, min(limit, len(d.handed.waiting)))
	var busy []*handedOne
	n := 0
	for _, one := range d.handed.waiting {
		if len(claimed) == limit {
			break
		}
		n++
		if d.busy[one.debt.Object] || d.busyKeys[one.debt.Key] {
			busy = append(busy, one) // its turn comes when the attempt under way has ended
			continue
		}
		claimed = append(claimed, one.debt)
	}
	d.handed.waiting = append(busy, d.handed.waiting[n:]...)
	return claimed
}

// takeBack makes what was handed on, and not settled, claimable again. The caller holds
// the lock.
func (l *lane) takeBack(debts []debt.Debt) {
	for i := range debts {
		if !debts[i].Handed {
			return // nor is any other
		}
		if one := l.handed.of[debts[i].Key]; one != nil && one.debt.ID == debts[i].ID {
			l.handed.waiting = append(l.handed.waiting, one)
		}
	}
}

// ofHanded says of the settlements of an attempt which changes they stand for, if they
// were handed on.
func (l *lane) ofHanded(settlements []debt.Settlement, debts []debt.Debt) {
	if len(debts) == 0 || !debts[0].Handed {
		return // none of them is
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range settlements {
		if one := l.handed.of[debts[i].Key]; one != nil && one.debt.ID == debts[i].ID {
			settlements[i].Handed = &one.Handed
		}
	}
}

// settleHanded notes which of an attempt's debts, if they were handed on, need no more
// to be seen to.
func (l *lane) settleHanded(debts []debt.Debt, settled []store.SettledDebt) {
	if len(debts) == 0 || !debts[0].Handed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range debts {
		one := l.handed.of[debts[i].Key]
		if one == nil || one.debt.ID != debts[i].ID || !settled[i].Found {
			continue
		}
		delete(l.handed.of, debts[i].Key)
		if one.page.left--; one.page.left == 0 {
			select {
			case l.handed.moved <- struct{}{}:
			default: // whoever waits has not looked yet
			}
		}
	}
}

// closeHanded claims no more of what was handed on, and returns what is not settled, so
// that it can be owed. If it is, dropHanded forgets it: an attempt that is still made, or
// ends, then is one at another debt than is owed. Else reopenHanded goes on.
func (l *lane) closeHanded() (changes []debt.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed.closed = true
	for _, one := range l.handed.of {
		changes = append(changes, one.Change)
	}
	return changes
}

func (l *lane) reopenHanded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed.closed = false
	l.wake()
}

// waitHanded waits until a page that was handed on is settled, for d at the longest.
func (l *lane) waitHanded(ctx context.Context, d time.Duration) {
	l.mu.Lock()
	moved := l.handed.moved
	l.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-moved:
	}
}

func (l *lane) dropHanded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.handed.of)
	l.handed.waiting = nil
}
