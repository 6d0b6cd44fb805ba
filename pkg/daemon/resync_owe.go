package daemon

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
)

const (
	// maxBackground is how many debts of an endpoint may wait in the background before
	// a job owes no more of them: the store is not to grow with the catalogue.
	maxBackground = 20_000
	// maxHanded is how many assets may be handed on to an endpoint's lane and not be
	// told yet, at most: they are held in memory, and told again after a kill.
	maxHanded = 16 * searchPage
	// backgroundLook is how often a job looks whether there are fewer.
	backgroundLook = 100 * time.Millisecond
)

// owing is what one job owes.
//
// Most of what a full synchronisation tells is tracked: of such an asset there need not
// be a debt, which takes longer to make and to end than the asset takes to be told. A page
// of them is handed on to the lane as it is, and the job stands for it. Its cursor stays
// before the page until each asset is told, or owed after all as an attempt failed; and
// how far it has handed on is durable before the first request. So after a kill it is
// known what may have been under way, and that is owed before anything else, whatever
// becomes of the job: the receiver may have taken what it did not acknowledge.
//
// Only while all goes well is anything handed on: an endpoint that is sick, gone or
// disabled is owed what it was to be told.
type owing struct {
	*resyncs
	id     uint64
	search *search
	kept   resync.Job    // as the store may have it, save for Handed
	pages  []*handedPage // that were handed on, the oldest first
	marked bool          // the store has it with Handed
}

// take owes what a page came to, or hands it on, when the endpoint is not owed too much
// in the background already.
func (o *owing) take(ctx context.Context, next resync.Job, found finding) error {
	l, err := o.room(ctx, next, &found)
	if err != nil {
		return err
	}
	owed := store.Owing{Endpoint: o.id, Now: o.now(), Changes: found.changes, Handed: found.handed, Job: next}
	if owed.Job.Handed = ""; o.search.holds(next.Cursor) && next.Phase == resync.Listing {
		owed.Job.Handed = o.search.mark
	}
	handing := len(found.handed.Of)+len(o.pages) > 0
	if handing {
		owed.Job = o.kept
		owed.Job.Handed = next.Cursor
	}
	result, err := o.store.Owe(ctx, owed)
	if err != nil {
		return err
	}
	failpoint.Reach(failpoint.PageOwed)
	o.marked = handing
	o.registry.wake(result.Due)
	o.clearFault()
	if !handing {
		o.kept = next
		o.show(nil)
		return nil
	}
	page := &handedPage{job: next, size: o.size(next), changes: found.handed, at: owed.Now, name: o.name(next)}
	page.changes.Of = leaveOut(page.changes.Of, result.Owed)
	o.pages = append(o.pages, page)
	l.hand(page)
	o.show(&next)
	return nil
}

// leaveOut returns all but those at the places, which are in order.
func leaveOut(all []debt.Subject, places []int) []debt.Subject {
	left := all[:0]
	for i, one := range all {
		if len(places) > 0 && places[0] == i {
			places = places[1:]
			continue
		}
		left = append(left, one)
	}
	return left
}

// room waits until there is room for a page, and says in found what of it is not to be
// handed on after all. The end of the catalogue waits for all that was handed on.
func (o *owing) room(ctx context.Context, next resync.Job, found *finding) (*lane, error) {
	for {
		l := o.registry.lane(o.id)
		if _, _, err := o.tracker(o.id); err != nil {
			return nil, err
		}
		if o.advance(l); l.getHealth().State(l.settings.Load().ep.Enabled) != endpoint.Healthy {
			if err := o.recall(ctx, l); err != nil {
				return nil, err
			}
			found.owe()
		}
		if next.Phase != resync.Listing {
			found.owe()
		}
		if !l.keepsWithin() {
			found.owe()
		}
		stats, err := o.store.Stats(ctx)
		if err != nil {
			return nil, err
		}
		some := len(found.changes)+len(found.handed.Of) > 0
		crowded := some && stats.Endpoints[o.id].Background >= o.most && !o.search.retells()
		if next.Phase != resync.Listing {
			crowded = crowded || len(o.pages) > 0
		} else if len(o.pages) > 0 {
			crowded = crowded || o.out()+o.size(next) > l.handsOn()
		}
		if !crowded {
			return l, nil
		}
		if l.waitHanded(ctx, backgroundLook); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// size is of how many assets a page is, told or not: a kill has all of them looked at
// again, and those that were owed for the first time are told again by then.
func (o *owing) size(next resync.Job) int {
	return int(next.Found.Seen - o.search.job.Found.Seen)
}

// out counts the assets of pages that are not all settled, and of those after them.
func (o *owing) out() (n int) {
	for _, page := range o.pages {
		n += page.size
	}
	return n
}

// handsOn is how many assets may be handed on to a lane and not be told yet: what its
// requests take at once, as much that waits to be made durable, and that is, and all of it
// again, as a page counts as a whole until the last of it is told.
func (l *lane) handsOn() int {
	s := l.settings.Load()
	wanted := 6 * s.backgroundSlots() * max(1, s.limits.Batch)
	return max(2*searchPage, min(wanted+searchPage, maxHanded))
}

// keepsWithin reports whether a kill makes a lane repeat no more of what is handed on than
// of debts, at worst.
func (l *lane) keepsWithin() bool {
	s := l.settings.Load()
	return l.handsOn() <= (s.ep.Slots()+MaxUnsettled)*max(1, s.limits.Batch)
}

// owe has the finding owed, and nothing of it handed on.
func (f *finding) owe() {
	for i := range f.handed.Of {
		f.changes = append(f.changes, f.handed.At(i))
	}
	f.handed = debt.Alike{}
}

// advance notes the pages that are settled, up to the first that is not.
func (o *owing) advance(l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(o.pages) > 0 && o.pages[0].left == 0 {
		o.kept, o.pages = o.pages[0].job, o.pages[1:]
	}
}

// recall owes what was handed on and is not settled, if anything is handed on.
func (o *owing) recall(ctx context.Context, l *lane) error {
	if !o.marked {
		return nil
	}
	job := o.kept
	if len(o.pages) > 0 {
		job = o.pages[len(o.pages)-1].job
	}
	job.Handed = ""
	owed, err := o.store.Owe(ctx, store.Owing{Endpoint: o.id, Now: o.now(), Changes: l.closeHanded(), Job: job})
	if err != nil {
		l.reopenHanded()
		return err
	}
	l.dropHanded()
	o.kept, o.pages, o.marked = job, nil, false
	o.show(nil)
	o.registry.wake(owed.Due)
	return nil
}

// leave has a job go on at the next start.
func (r *resyncs) leave(o *owing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = append(r.left, o)
}

// recallLeft owes what jobs have handed on that the end of the daemon has broken off, when
// no attempt is under way any more: so nothing is told again that was acknowledged.
func (r *resyncs) recallLeft() error {
	r.mu.Lock()
	left := r.left
	r.mu.Unlock()
	for _, o := range left {
		l := r.registry.lane(o.id)
		if l == nil {
			continue
		}
		o.advance(l)
		if err := o.recall(context.WithoutCancel(r.ctx), l); err != nil && !errors.Is(err, store.ErrNotFound) {
			r.log.Warn("can't record how far a synchronisation has come; some of it is told again", "endpoint", l.settings.Load().ep.Name, "error", err)
		}
	}
	return nil
}

// name names the first of what a page of a job hands on, and with the numbers behind it
// the others. The names are no other's: a receiver may pass over what comes under one that
// it knows.
func (o *owing) name(job resync.Job) debt.ID {
	type what struct {
		endpoint, job uint64
		cursor        string
	}
	number := maphash.Comparable(o.seed, what{o.id, job.Number, job.Cursor})
	return debt.NewID(job.Started, uint16(number>>48), number)
}

// show has the job shown so; nil: as the store has it.
func (o *owing) show(job *resync.Job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one := o.running[o.id]; one != nil {
		one.found.Store(job)
	}
}

func (o *owing) clearFault() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if one := o.running[o.id]; one != nil {
		one.fault.Store(nil)
	}
}

// end keeps the job as one that goes on no more, and owes what it has handed on. Until
// the store can take that, nobody else may begin one.
func (o *owing) end(one *runningResync, fault string) {
	job := o.kept
	if o.search != nil {
		job = o.search.job
	}
	job.Phase, job.Ended, job.Error, job.Cursor, job.Handed, job.Deletions = resync.Stopped, o.now(), fault, "", "", 0
	for {
		ending := store.Owing{Endpoint: o.id, Now: job.Ended, Job: job}
		l := o.registry.lane(o.id)
		if l != nil && len(o.pages) > 0 {
			ending.Changes = l.closeHanded()
		}
		owed, err := o.store.Owe(context.WithoutCancel(o.ctx), ending)
		switch {
		case l == nil:
		case err == nil:
			l.dropHanded()
			o.registry.wake(owed.Due)
		default:
			l.reopenHanded() // what is told meanwhile need not be owed
		}
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrClosed) {
			break
		}
		if one.unended.Swap(&err) == nil {
			o.log.Error("can't record that a synchronisation has ended; trying again, else it goes on at the next start",
				"endpoint", o.resyncs.name(o.id), "error", err)
		}
		if sleep(o.ctx, storeRetry); o.ctx.Err() != nil {
			o.leave(o)
			return
		}
	}
	switch {
	case fault != "":
		o.log.Error("a synchronisation has ended before it was done", "endpoint", o.resyncs.name(o.id), "error", fault)
	default:
		o.log.Info("a synchronisation was stopped", "endpoint", o.resyncs.name(o.id), "seen", job.Found.Seen)
	}
}
