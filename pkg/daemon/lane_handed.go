package daemon

import (
	"context"
	"slices"
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
// There may be very many, so that each is hardly more than its place in its page. Debts
// are made of them as they are claimed, and know them by numbers that no two have in the
// life of a lane.
//
// The lane's lock guards it.
type handout struct {
	pages  []*handedPage // those that are not all settled, in the order of their numbers
	last   uint64        // number given
	back   []uint64      // those to be claimed again
	closed bool          // nothing more of it is to be begun
	moved  chan struct{} // gets one when a page is all settled
}

// handedPage is what one page of a job has handed on.
type handedPage struct {
	job     resync.Job // as it is when all is settled
	size    int        // assets, also those that it did not hand on
	changes debt.Alike // that it hands on
	at      time.Time  // when that was
	name    debt.ID    // of the first debt; those behind it have the next numbers

	pattern debt.Debt // what all debts have in common
	first   uint64    // number
	claimed int       // how many have been claimed at least once, or passed over
	settled []bool
	left    int  // that are not settled
	dropped bool // it is handed on no more

	// For the dispatcher alone.
	busy      []bool
	busyCount int
	placed    *places // nil until somebody asks for one
}

// hand hands the changes of a page on, each of another key, that nobody else sees to.
func (l *lane) hand(page *handedPage) {
	n := len(page.changes.Of)
	page.settled, page.busy, page.left = make([]bool, n), make([]bool, n), n
	if n > 0 {
		page.pattern = debt.New(page.name, page.changes.At(0), page.at)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := &l.handed
	if h.moved == nil {
		h.moved = make(chan struct{}, 1)
	}
	h.closed = false
	if n > 0 {
		page.first = h.last + 1
		h.last += uint64(n)
		h.pages = append(h.pages, page)
	}
	l.wake()
}

// debt is what is claimed of one of the page.
func (p *handedPage) debt(i int) debt.Debt {
	d := p.pattern
	d.ID = p.name.WithSeq(p.name.Seq() + uint64(i))
	d.Key, d.Object = p.changes.Of[i].Key, p.changes.Of[i].Object
	d.Handed = p.first + uint64(i)
	return d
}

// find returns where what has that number stands, if it is not settled; else no page.
func (h *handout) find(number uint64) (page *handedPage, i int) {
	for _, p := range h.pages {
		if at := number - p.first; at < uint64(len(p.settled)) {
			if p.settled[at] {
				break
			}
			return p, int(at)
		}
	}
	return nil, 0
}

// unsettledHanded counts what was handed on and is not settled.
func (l *lane) unsettledHanded() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, page := range l.handed.pages {
		n += page.left
	}
	return n
}

// claimable counts what was handed on and isn't under way.
func (h *handout) claimable() (n int) {
	if h.closed {
		return 0
	}
	n = len(h.back)
	for _, page := range h.pages {
		n += len(page.settled) - page.claimed
	}
	return n
}

// claimHanded returns up to limit of what was handed on and isn't under way, and keeps it
// from being claimed again.
func (d *dispatcher) claimHanded(limit int) (claimed []debt.Debt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := &d.handed
	if limit = min(limit, h.claimable()); limit <= 0 {
		return nil
	}
	claimed = make([]debt.Debt, 0, limit)
	var waiting []uint64
	claim := func(page *handedPage, i int) {
		if d.busy.forbids(&page.changes.Of[i]) {
			waiting = append(waiting, page.first+uint64(i)) // its turn comes when the attempt under way has ended
			return
		}
		d.busy.addHanded(page, i)
		claimed = append(claimed, page.debt(i))
	}
	n := 0
	for ; n < len(h.back) && len(claimed) < limit; n++ {
		if page, i := h.find(h.back[n]); page != nil {
			claim(page, i)
		}
	}
	h.back = h.back[n:]
	for _, page := range h.pages {
		for ; page.claimed < len(page.settled) && len(claimed) < limit; page.claimed++ {
			claim(page, page.claimed)
		}
	}
	h.back = append(waiting, h.back...)
	return claimed
}

// takeBack makes what was handed on, and not settled, claimable again. The caller holds
// the lock.
func (l *lane) takeBack(debts []debt.Debt) {
	for i := range debts {
		if debts[i].Handed == 0 {
			return // nor is any other
		}
		if page, _ := l.handed.find(debts[i].Handed); page != nil {
			l.handed.back = append(l.handed.back, debts[i].Handed)
		}
	}
}

// ofHanded says of the settlements of an attempt which changes they stand for, if they
// were handed on.
func (l *lane) ofHanded(settlements []debt.Settlement, debts []debt.Debt) {
	if len(debts) == 0 || debts[0].Handed == 0 {
		return // none of them is
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range settlements {
		if page, at := l.handed.find(debts[i].Handed); page != nil {
			settlements[i].Handed = debt.Handed{Changes: &page.changes, Index: at, At: page.at}
		}
	}
}

// settleHanded notes which of an attempt's debts, if they were handed on, need no more
// to be seen to.
func (l *lane) settleHanded(debts []debt.Debt, settled []store.SettledDebt) {
	if len(debts) == 0 || debts[0].Handed == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, left := range settled {
		page, at := l.handed.find(debts[i].Handed)
		if page == nil || !left.Found {
			continue
		}
		page.settled[at] = true
		if page.left--; page.left == 0 {
			l.handed.end(page)
		}
	}
}

// end forgets a page that is all settled.
func (h *handout) end(page *handedPage) {
	h.pages = slices.DeleteFunc(h.pages, func(p *handedPage) bool { return p == page })
	select {
	case h.moved <- struct{}{}:
	default: // whoever waits has not looked yet
	}
}

// closeHanded claims no more of what was handed on, and returns what is not settled, so
// that it can be owed. If it is, dropHanded forgets it: an attempt that is still made, or
// ends, then is one at another debt than is owed. Else reopenHanded goes on.
func (l *lane) closeHanded() (changes []debt.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handed.closed = true
	for _, page := range l.handed.pages {
		for i, settled := range page.settled {
			if !settled {
				changes = append(changes, page.changes.At(i))
			}
		}
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
	for _, page := range l.handed.pages {
		page.dropped = true
	}
	l.handed.pages, l.handed.back = nil, nil
}
