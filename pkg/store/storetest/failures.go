package storetest

import (
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

func purgedWhileSent(f *fixture) {
	ep := f.add("shop")
	sent := f.claimAfter(ep, f.change(ep, 1))
	f.settle(sent, attempt.Unavailable)
	f.advance(time.Hour)
	sent = f.claim(ep, 1)[0]
	n, _, err := f.engine().Purge(ctx, debt.Selection{Retrying: true}, "", 10)
	if err != nil || n != 1 {
		f.Fatalf("purged %d, %v; want 1", n, err)
	}
	f.ingest(f.change(ep, 1))
	if settled := f.settle(sent, attempt.Delivered); settled.Found {
		f.Errorf("the settlement found %+v, which is another debt", settled.Debt)
	}
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 2, Attempts: 1, Dropped: 1})
}

// A doubt outlives the attempt that raised it, also if that leaves nothing else, or
// its debt was purged and is owed again.
func doubtsAreKept(f *fixture) {
	ep := f.add("shop")
	owed := func(n int) debt.Debt {
		return must(f.engine().Debt(ctx, ep.ID, f.change(ep, n).Key)).in(f).Debt
	}
	f.settle(f.claimAfter(ep, f.change(ep, 1)), attempt.Unavailable)
	aborted := f.claimAfter(ep, f.change(ep, 2))
	aborted.Unclear = true // of a request that is not settled
	before := owed(2)
	settled := f.settle(aborted, attempt.Aborted)
	before.Unclear = true
	equal(f, "settled", settled, store.SettledDebt{Found: true, Debt: &before})
	f.crash()
	equal(f, "unclear after a timeout", owed(1).Unclear, true)
	equal(f, "what was not settled", owed(2), before)

	f.advance(time.Hour)
	due := f.claim(ep, 2)
	retried := due[slices.IndexFunc(due, func(d debt.Debt) bool { return itemNumber(d) == 1 })]
	if _, _, err := f.engine().Purge(ctx, debt.Selection{Retrying: true}, "", 10); err != nil {
		f.Fatalf("purge: %v", err)
	}
	f.ingest(f.change(ep, 1))
	if f.settle(retried, attempt.Unavailable).Found || !owed(1).Unclear || owed(1).Attempts != 0 {
		f.Errorf("owed again: %+v", owed(1))
	}
	unsent := f.attempt(retried, attempt.Unavailable)
	unsent.Debts[0].Outcome.Reason, unsent.Debts[0].Foretold, unsent.Debts[0].Unclear = attempt.Refusal, true, false
	must(f.engine().Settle(ctx, ep.ID, []store.Attempt{unsent})).in(f)
	equal(f, "unclear after an attempt at the one before that was not sent", owed(1).Unclear, true)
	f.advance(time.Hour)
	for _, d := range f.claim(ep, 2) {
		f.ingest(f.change(ep, itemNumber(d)))
		f.settle(d, attempt.Delivered)
		equal(f, "unclear after a success", owed(itemNumber(d)).Unclear, false)
	}
}

func itemNumber(d debt.Debt) (n int) {
	for _, digit := range d.Object.ItemID.JSON() {
		n = n*10 + int(digit-'0')
	}
	return n
}

func failureAndRevival(f *fixture) {
	ep := f.add("shop")
	failed := f.fail(ep, 1)
	equal(f, "attempts", failed.Attempts, 2)
	equal(f, "counts", f.counts(ep), store.Counts{Failed: 1, Owed: 1, Attempts: 2})
	f.advance(1000 * time.Hour)
	equal(f, "claimed though failed", len(f.claim(ep, 1)), 0)

	f.ingest(f.change(ep, 1))
	f.advance(time.Minute)
	revived := f.claim(ep, 1)
	equal(f, "revived", len(revived), 1)
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Retrying: 1, Owed: 2, Coalesced: 1, Attempts: 2})
	settled := f.settle(revived[0], attempt.Refused)
	if settled.Debt.Failed {
		f.Errorf("the revived debt failed without a schedule of its own")
	}
	equal(f, "tries", settled.Debt.Tries, 1)
}

func failuresSelected(f *fixture) {
	shop, web := f.add("shop"), f.add("web")
	one, two := f.fail(shop, 1), f.fail(shop, 2)
	f.advance(time.Hour)
	f.fail(web, 1)
	f.settle(f.claimAfter(web, f.change(web, 9)), attempt.Unavailable)

	for _, c := range []struct {
		name string
		sel  debt.Selection
		want int
	}{
		{"all", debt.Selection{}, 3},
		{"with those that are retried", debt.Selection{Retrying: true}, 4},
		{"of an endpoint", debt.Selection{Endpoints: []uint64{shop.ID}}, 2},
		{"of several endpoints", debt.Selection{Endpoints: []uint64{web.ID, shop.ID, 1000}}, 3},
		{"of no endpoint there is", debt.Selection{Endpoints: []uint64{1000}}, 0},
		{"by id", debt.Selection{IDs: []debt.ID{one.ID}}, 1},
		{"by object", debt.Selection{Object: "asset/1"}, 2},
		{"by object and endpoint", debt.Selection{Object: "1", Endpoints: []uint64{web.ID}}, 1},
		{"by reason", debt.Selection{Retrying: true, Reasons: []attempt.Reason{attempt.ServerError}}, 1},
		{"by status", debt.Selection{Statuses: []int{422}}, 3},
		{"by another status", debt.Selection{Statuses: []int{500}}, 0},
		{"since", debt.Selection{Since: two.LastAttempt.Add(time.Second)}, 1},
		{"until", debt.Selection{Until: two.LastAttempt.Add(time.Second)}, 2},
	} {
		equal(f, c.name, len(f.failures(c.sel)), c.want)
	}

	f.crash()
	got := must(f.engine().Failure(ctx, one.ID)).in(f)
	equal(f, "debt of the failure", got.Debt, one)
	equal(f, "its outcome", []any{got.Outcome.Reason, got.Outcome.Status, got.Outcome.Error}, []any{attempt.ClientError, 422, "the receiver answered 422"})
	_, err := f.engine().Failure(ctx, debt.NewID(f.now, 1, 999))
	wantError(f, err, store.ErrNotFound)

	n, _, err := f.engine().Purge(ctx, debt.Selection{Endpoints: []uint64{shop.ID}}, "", 10)
	if err != nil || n != 2 {
		f.Fatalf("purged %d, %v; want 2", n, err)
	}
	equal(f, "failures left", len(f.failures(debt.Selection{})), 1)
	equal(f, "counts", f.counts(shop), store.Counts{Owed: 2, Attempts: 4, Dropped: 2})
}

func failuresPaged(f *fixture) {
	ep := f.add("shop")
	for n := range 7 {
		f.ingest(f.change(ep, n))
	}
	for range 2 {
		f.advance(time.Hour)
		for _, d := range f.claim(ep, 100) {
			f.settle(d, attempt.Refused)
		}
	}
	var keys []debt.Key
	cursor := ""
	for {
		list, next, err := f.engine().Failures(ctx, debt.Selection{}, cursor, 3)
		if err != nil {
			f.Fatalf("list after %q: %v", cursor, err)
		}
		for _, failure := range list {
			keys = append(keys, failure.Key)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	equal(f, "failures of all pages", keys, []debt.Key{
		keyOf(0), keyOf(1), keyOf(2), keyOf(3), keyOf(4), keyOf(5), keyOf(6),
	})
	if _, _, err := f.engine().Failures(ctx, debt.Selection{}, "nonsense", 3); err == nil {
		f.Errorf("a cursor that no list returned is accepted")
	}
}

func retryIsForced(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.ingest(f.change(ep, 2))
	f.advance(time.Minute)
	forced, _, err := f.engine().Retry(ctx, debt.Selection{}, f.now, "", 10)
	if err != nil || len(forced) != 1 {
		f.Fatalf("retried %d, %v; want 1", len(forced), err)
	}
	claim := must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 10, ForcedOnly: true})).in(f)
	equal(f, "forced", keysOf(claim.Debts), []debt.Key{keyOf(1)})
	equal(f, "all, the forced one first", keysOf(f.claim(ep, 10)), []debt.Key{keyOf(1), keyOf(2)})
	settled := f.settle(claim.Debts[0], attempt.Refused)
	if settled.Debt.Failed || settled.Debt.Forced {
		f.Errorf("after a retry that failed the debt is %+v, want a schedule anew", settled.Debt)
	}

	// Asked again while an attempt is under way, it is sent again.
	f.advance(time.Hour)
	sent := f.claim(ep, 10)[0]
	if _, _, err := f.engine().Retry(ctx, debt.Selection{Retrying: true}, f.now, "", 10); err != nil {
		f.Fatalf("retry: %v", err)
	}
	f.settle(sent, attempt.Refused)
	claim = must(f.engine().Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 10, ForcedOnly: true})).in(f)
	if len(claim.Debts) == 0 {
		f.Errorf("a retry asked for during an attempt is not made")
	}
}

func hastened(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.settle(f.claimAfter(ep, f.change(ep, 2)), attempt.Unavailable)
	equal(f, "due at once", len(f.claim(ep, 10)), 0)
	equal(f, "hastened", must(f.engine().Hasten(ctx, ep.ID, f.now)).in(f), 1)
	equal(f, "due then", keysOf(f.claim(ep, 10)), []debt.Key{keyOf(2)})
}

// A process may end between a recovery and what is to follow it.
func hastenIsRemembered(f *fixture) {
	ep := f.add("shop")
	var health endpoint.Health
	n := 0
	for ; health.State(true) != endpoint.Sick; n++ {
		health = f.settleAttempt(f.claimAfter(ep, f.change(ep, n)), attempt.Unavailable).Health
	}
	health = f.settleAttempt(f.claimAfter(ep, f.change(ep, n)), attempt.Delivered).Health
	equal(f, "after the recovery", health.Hasten, true)
	f.crash()
	equal(f, "after the process has ended", must(f.engine().Endpoints(ctx)).in(f).Health[ep.ID].Hasten, true)
	must(f.engine().Hasten(ctx, ep.ID, f.now)).in(f)
	f.crash()
	equal(f, "after retries were brought forward", must(f.engine().Endpoints(ctx)).in(f).Health[ep.ID].Hasten, false)
}
