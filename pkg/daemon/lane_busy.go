package daemon

import (
	"slices"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// busy is what is claimed, and not forgotten since. No object and no key of it is claimed
// again. The dispatcher alone uses it.
//
// What was handed on is noted in its page: there may be very many of it, and as a rule
// nothing else. Only if something else is claimed, pages are searched.
type busy struct {
	objects map[event.Object]bool
	keys    map[debt.Key]bool // a change meanwhile may give a debt another object
	pages   []*handedPage     // of which anything is busy
}

func newBusy() busy {
	return busy{objects: make(map[event.Object]bool), keys: make(map[debt.Key]bool)}
}

// add notes what was claimed, and not handed on.
func (b *busy) add(debts []debt.Debt) {
	for i := range debts {
		b.objects[debts[i].Object], b.keys[debts[i].Key] = true, true
	}
}

// addHanded notes one of a page.
func (b *busy) addHanded(page *handedPage, i int) {
	if page.busy[i] = true; page.busyCount == 0 {
		b.pages = append(b.pages, page)
	}
	page.busyCount++
}

func (b *busy) remove(d *debt.Debt) {
	if d.Handed == 0 {
		delete(b.objects, d.Object)
		delete(b.keys, d.Key)
		return
	}
	for at, page := range b.pages {
		i := d.Handed - page.first
		if i >= uint64(len(page.busy)) {
			continue
		}
		if page.busy[i] {
			page.busy[i] = false
			page.busyCount--
		}
		if page.busyCount == 0 {
			b.pages = slices.Delete(b.pages, at, at+1)
		}
		return
	}
}

func (b *busy) hasObject(o event.Object) bool {
	return b.objects[o] || slices.ContainsFunc(b.pages, func(p *handedPage) bool { return isBusy(p, p.places().objects, o) })
}

func (b *busy) hasKey(key debt.Key) bool {
	return b.keys[key] || slices.ContainsFunc(b.pages, func(p *handedPage) bool { return isBusy(p, p.places().keys, key) })
}

// forbids reports whether one that was handed on has to wait: for what was claimed
// otherwise, or was handed on and taken back, as no two that are handed on at a time have
// anything in common.
func (b *busy) forbids(of *debt.Subject) bool {
	if len(b.objects) > 0 && (b.objects[of.Object] || b.keys[of.Key]) {
		return true
	}
	return slices.ContainsFunc(b.pages, func(p *handedPage) bool {
		return p.dropped && (isBusy(p, p.places().keys, of.Key) || isBusy(p, p.places().objects, of.Object))
	})
}

// places says where on a page something stands.
type places struct {
	objects map[event.Object]int
	keys    map[debt.Key]int
}

// isBusy reports whether what has that name among the places is busy.
func isBusy[T comparable](p *handedPage, places map[T]int, name T) bool {
	i, ok := places[name]
	return ok && p.busy[i]
}

// places is made when it is first asked for.
func (p *handedPage) places() *places {
	if p.placed == nil {
		n := len(p.changes.Of)
		p.placed = &places{make(map[event.Object]int, n), make(map[debt.Key]int, n)}
		for i, of := range p.changes.Of {
			p.placed.objects[of.Object], p.placed.keys[of.Key] = i, i
		}
	}
	return p.placed
}
