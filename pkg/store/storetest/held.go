package storetest

import (
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

func heldIsReleased(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 5)
	f.ingest(f.deletion(ep, 1), f.deletion(ep, 2), f.deletion(ep, 3), f.deletion(ep, 99))
	equal(f, "losses ahead", must(f.engine().Losses(ctx, ep.ID, f.now)).in(f), tracking.Losses{Tracked: 5, Pending: 3})
	f.advance(time.Minute)
	for _, d := range f.claim(ep, 10) {
		settled := f.settle(d, attempt.Held)
		if settled.Done || !settled.Debt.Held {
			f.Errorf("held: %+v", settled)
		}
	}
	f.crash()
	f.advance(1000 * time.Hour)
	equal(f, "claimed though held", len(f.claim(ep, 10)), 0)
	equal(f, "due though held", must(f.engine().CountDue(ctx, ep.ID, f.now)).in(f), 0)
	listed := ""
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, next, err := f.engine().Held(ctx, ep.ID, cursor, 3)
		if err != nil || len(page) > 3 || pages > 1 {
			f.Fatalf("page %d of what is held: %d, %v", pages, len(page), err)
		}
		for _, d := range page {
			listed += d.Object.BaseID.String() + " "
		}
		cursor = next
	}
	equal(f, "what is held", listed, "1 2 3 99 ")
	if _, _, err := f.engine().Held(ctx, ep.ID, "?", 3); !errors.Is(err, store.ErrCursor) {
		f.Errorf("a bad cursor: %v", err)
	}
	equal(f, "losses while held", must(f.engine().Losses(ctx, ep.ID, f.now)).in(f), tracking.Losses{Tracked: 5, Held: 4})
	f.ingest(f.change(ep, 2)) // it is back
	f.advance(time.Minute)
	f.acknowledge(f.claim(ep, 1)[0], acknowledged(2, "again"))
	equal(f, "released", must(f.engine().Release(ctx, ep.ID, f.now)).in(f), 3)
	due := f.claim(ep, 10)
	equal(f, "due after the release", len(due), 3)
	for _, d := range due {
		if !d.Released || d.Held {
			f.Errorf("released: %+v", d)
		}
		f.acknowledge(d, &tracking.Acknowledgement{ID: d.Object.BaseID, Delete: true})
	}
	equal(f, "in the end", idsOf(f.tracked(ep)), "2 4 5")
	equal(f, "what was released is no loss", must(f.engine().Losses(ctx, ep.ID, f.now)).in(f), tracking.Losses{Tracked: 3})
	f.acknowledge(f.claimAfter(ep, f.deletion(ep, 4)), forgotten(4))
	equal(f, "what was not is one", must(f.engine().Losses(ctx, ep.ID, f.now)).in(f), tracking.Losses{Tracked: 2, Recent: 1})
	equal(f, "losses later", must(f.engine().Losses(ctx, ep.ID, f.now.Add(time.Hour))).in(f), tracking.Losses{Tracked: 2})
	equal(f, "released again", must(f.engine().Release(ctx, ep.ID, f.now)).in(f), 0)
	if _, err := f.engine().Release(ctx, ep.ID+1, f.now); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("release of none: %v", err)
	}
}

// A clock that was ahead makes deletions ones of late for no longer than others.
func deletionsFromTheFuture(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 5)
	f.advance(365 * 24 * time.Hour)
	f.acknowledge(f.claimAfter(ep, f.deletion(ep, 1)), forgotten(1))
	f.advance(-365 * 24 * time.Hour)
	f.acknowledge(f.claimAfter(ep, f.deletion(ep, 2)), forgotten(2))
	recent := func() uint64 { return must(f.engine().Losses(ctx, ep.ID, f.now)).in(f).Recent }
	equal(f, "of late when the clock was set right", recent(), 2)
	for range 2 {
		if err := f.engine().Maintain(ctx, f.now); err != nil {
			f.Fatalf("maintain: %v", err)
		}
		f.crash()
		equal(f, "of late still", recent(), 2)
		f.advance(5 * time.Minute)
	}
	f.advance(time.Minute)
	equal(f, "of late after 11 minutes", recent(), 0)
	must(f.engine().RemoveEndpoint(ctx, ep.Name)).in(f)
	if err := f.engine().Maintain(ctx, f.now); err != nil {
		f.Fatalf("maintain without the endpoint: %v", err)
	}
}

// What an endpoint may have taken, it may lose: a deletion of it counts like that of what
// is tracked, from when it is known that the endpoint may have it until it has not.
func lossOfWhatMayBeThere(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 5)
	losses := func() tracking.Losses { return must(f.engine().Losses(ctx, ep.ID, f.now)).in(f) }
	f.ingest(f.change(ep, 11), f.change(ep, 12), f.change(ep, 13))
	f.advance(time.Minute)
	sent := f.claim(ep, 3)
	f.settle(sent[0], attempt.Unavailable)
	f.ingest(f.deletion(ep, 11), f.deletion(ep, 12), f.deletion(ep, 13))
	equal(f, "of three, of which one has failed", losses(), tracking.Losses{Tracked: 5, Pending: 1})
	f.settle(sent[1], attempt.Unavailable)
	equal(f, "of which another has failed since", losses(), tracking.Losses{Tracked: 5, Pending: 2})
	sent[2].Unclear = true // of a request that is not settled
	f.settle(sent[2], attempt.Aborted)
	f.crash()
	equal(f, "of which the third may have been taken", losses(), tracking.Losses{Tracked: 5, Pending: 3})
	f.advance(time.Hour)
	for _, d := range f.claim(ep, 10) {
		f.acknowledge(d, forgotten(itemNumber(d)))
	}
	equal(f, "when it has them no more", losses(), tracking.Losses{Tracked: 5, Recent: 3})
	f.acknowledge(f.claimAfter(ep, f.deletion(ep, 14)), forgotten(14))
	equal(f, "and after one of what it never had", losses(), tracking.Losses{Tracked: 5, Recent: 3})
}

// A newer change takes the place of a deletion that was about to be held.
func heldTooLate(f *fixture) {
	ep := f.add("shop")
	f.sync(ep, 1, 1)
	f.settle(f.claimAfter(ep, f.deletion(ep, 1)), attempt.Unavailable)
	f.advance(time.Hour)
	sent := f.claim(ep, 1)[0]
	f.ingest(f.change(ep, 1))
	if settled := f.settle(sent, attempt.Held); settled.Done || settled.Debt.Held || settled.Debt.Retrying() {
		f.Errorf("after a newer change: %+v", settled.Debt)
	}
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Tracked: 1, Owed: 3, Coalesced: 1, Delivered: 1, Attempts: 1})
	equal(f, "in trouble", len(f.failures(debt.Selection{Retrying: true})), 0)
}
