package storetest

import (
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/store"
)

func oneDebt(f *fixture) {
	ep, other := f.add("shop"), f.add("other")
	_, err := f.engine().Debt(ctx, ep.ID, keyOf(1))
	wantError(f, err, store.ErrNotFound)

	f.ingest(f.change(ep, 1, "title"), f.change(ep, 1), f.change(other, 2))
	owed := must(f.engine().Debt(ctx, ep.ID, keyOf(1))).in(f)
	equal(f, "changes", owed.Count, 2)
	equal(f, "due", owed.Due.UTC(), f.now.Add(window.Interval))
	equal(f, "outcome without an attempt", owed.Outcome, attempt.Outcome{})
	_, err = f.engine().Debt(ctx, other.ID, keyOf(1))
	wantError(f, err, store.ErrNotFound)

	f.advance(time.Minute)
	f.settle(f.claim(ep, 1)[0], attempt.Refused)
	f.crash()
	owed = must(f.engine().Debt(ctx, ep.ID, keyOf(1))).in(f)
	equal(f, "attempts", owed.Attempts, 1)
	equal(f, "verdict", owed.Outcome.Verdict, attempt.Refused)

	f.advance(time.Hour)
	f.settle(f.claim(ep, 1)[0], attempt.Delivered)
	_, err = f.engine().Debt(ctx, ep.ID, keyOf(1))
	wantError(f, err, store.ErrNotFound)

	must(f.engine().RemoveEndpoint(ctx, "other")).in(f)
	_, err = f.engine().Debt(ctx, other.ID, keyOf(2))
	wantError(f, err, store.ErrNotFound)
}
