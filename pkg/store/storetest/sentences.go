package storetest

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

var ctx = context.Background()

// equal fails the test where got is not want.
func equal[T any](f *fixture, what string, got, want T) {
	f.Helper()
	ids := cmp.Comparer(func(a, b event.ID) bool { return a == b })
	data := cmp.Comparer(func(a, b []byte) bool { // an asset byte by byte takes seconds
		return bytes.Equal(a, b) && (a == nil) == (b == nil)
	})
	if diff := cmp.Diff(want, got, ids, data); diff != "" {
		f.Fatalf("%s differs (-want +got):\n%s", what, diff)
	}
}

func wantError(f *fixture, err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.Fatalf("error is %v, want %v", err, target)
	}
}

func changesMerge(f *fixture) {
	ep := f.add("shop")
	result := f.ingest(f.change(ep, 1, "title"), f.change(ep, 1, "keywords"))
	equal(f, "created and merged", []uint64{result.Created, result.Merged}, []uint64{1, 1})
	first := f.now
	f.advance(2 * time.Second)
	result = f.ingest(f.change(ep, 1, "title"))
	equal(f, "created and merged", []uint64{result.Created, result.Merged}, []uint64{0, 1})
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 3, Coalesced: 2})

	f.advance(time.Minute)
	d := f.claim(ep, 10)[0]
	equal(f, "fields", d.Fields, []string{"title", "keywords"})
	equal(f, "generation, count", []uint64{d.Generation, d.Count}, []uint64{3, 3})
	equal(f, "first and last seen", []time.Time{d.FirstSeen, d.LastSeen}, []time.Time{first, first.Add(2 * time.Second)})
	equal(f, "event", d.EventID, "e3")

	// A change that does not name its fields may concern any.
	f.ingest(f.change(ep, 1))
	if d = f.claim(ep, 10)[0]; d.Fields != nil {
		f.Errorf("fields are %q, want any", d.Fields)
	}
}

func claimInOrder(f *fixture) {
	ep, other := f.add("shop"), f.add("other")
	for _, n := range []int{3, 1, 2} {
		f.ingest(f.change(ep, n), f.change(other, n))
		f.advance(time.Second)
	}
	request := store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 10}
	early := must(f.engine().Claim(ctx, request)).in(f)
	equal(f, "debts before they are due", len(early.Debts), 0)
	equal(f, "next", early.Next.UTC(), f.now.Add(-3*time.Second).Add(window.Interval))

	f.advance(time.Minute)
	equal(f, "order", keysOf(f.claim(ep, 10)), []debt.Key{keyOf(3), keyOf(1), keyOf(2)})
	equal(f, "limit", keysOf(f.claim(ep, 2)), []debt.Key{keyOf(3), keyOf(1)})

	request.Now = f.now
	request.Busy = func(o event.Object) bool { return o.ItemID == event.IntID(3) }
	equal(f, "without the busy object", keysOf(must(f.engine().Claim(ctx, request)).in(f).Debts), []debt.Key{keyOf(1), keyOf(2)})
	equal(f, "due", must(f.engine().CountDue(ctx, ep.ID, f.now)).in(f), 3)
	equal(f, "due before", must(f.engine().CountDue(ctx, ep.ID, f.now.Add(-time.Hour))).in(f), 0)
}

func claimWaitsForQuiet(f *fixture) {
	ep := f.add("shop")
	start := f.now
	for f.now.Before(start.Add(4 * time.Minute)) {
		f.ingest(f.change(ep, 1))
		f.advance(3 * time.Second)
		if len(f.claim(ep, 1)) > 0 {
			break
		}
	}
	if waited := f.now.Sub(start); waited < window.MaxWait || waited > window.MaxWait+3*time.Second {
		f.Errorf("a steadily changing object was due after %v, want the ceiling, %v", waited, window.MaxWait)
	}
}

func claimOneAnObject(f *fixture) {
	ep := f.add("shop")
	first, second := f.change(ep, 1), f.change(ep, 1)
	second.Key = "another key"
	f.ingest(first, second)
	f.advance(time.Minute)
	debts := f.claim(ep, 10)
	equal(f, "claimed at once", len(debts), 1)
	f.settle(debts[0], attempt.Delivered)
	equal(f, "claimed then", len(f.claim(ep, 10)), 1)
}

func objectChangesUnderWay(f *fixture) {
	ep := f.add("shop")
	sent := f.claimAfter(ep, f.change(ep, 1))
	moved := f.change(ep, 1)
	moved.Event.Object.BaseID = event.IntID(77)
	f.ingest(moved)
	f.advance(time.Minute)
	request := store.ClaimRequest{
		Endpoint: ep.ID, Now: f.now, Limit: 10,
		Busy:    func(o event.Object) bool { return o == sent.Object },
		BusyKey: func(key debt.Key) bool { return key == sent.Key },
	}
	equal(f, "claimed while the older generation is under way", len(must(f.engine().Claim(ctx, request)).in(f).Debts), 0)
	f.settle(sent, attempt.Refused)
	f.advance(time.Minute)
	claimed := f.claim(ep, 10)
	equal(f, "objects claimed then", []event.Object{claimed[0].Object}, []event.Object{moved.Event.Object})
}

func successEnds(f *fixture) {
	ep := f.add("shop")
	f.ingest(f.change(ep, 1), f.change(ep, 1))
	f.advance(time.Minute)
	settled := f.settleAttempt(f.claim(ep, 1)[0], attempt.Delivered)
	if d := settled.Debts[0]; !d.Done || !d.Found {
		f.Errorf("settled is %+v, want done", settled)
	}
	equal(f, "last success", settled.Health.LastSuccess, f.now.Add(time.Second))
	equal(f, "counts", f.counts(ep), store.Counts{Owed: 2, Coalesced: 1, Delivered: 1})
	f.advance(time.Hour)
	equal(f, "claimed again", len(f.claim(ep, 1)), 0)

	// What comes later is another debt, with another message id.
	before := f.claimAfter(ep, f.change(ep, 1))
	f.settle(before, attempt.Delivered)
	if after := f.claimAfter(ep, f.change(ep, 1)); after.MessageID() == before.MessageID() {
		f.Errorf("two debts share the message id %s", after.MessageID())
	}
}

// claimAfter ingests a change and claims it when it is due.
func (f *fixture) claimAfter(ep endpoint.Endpoint, c debt.Change) debt.Debt {
	f.Helper()
	f.ingest(c)
	f.advance(time.Minute)
	debts := f.claim(ep, 1)
	if len(debts) != 1 {
		f.Fatalf("nothing is due a minute after a change")
	}
	return debts[0]
}

func newerStays(f *fixture) {
	ep := f.add("shop")
	sent := f.claimAfter(ep, f.change(ep, 1))
	f.ingest(f.change(ep, 1), f.change(ep, 1))
	settled := f.settle(sent, attempt.Delivered)
	if settled.Done || !settled.Found {
		f.Fatalf("settled is %+v, want the newer generation owed", settled)
	}
	equal(f, "counts", f.counts(ep), store.Counts{Open: 1, Owed: 3, Coalesced: 1, Delivered: 1})
	equal(f, "claimed within the debounce", len(f.claim(ep, 1)), 0)
	f.advance(time.Minute)
	newer := f.claim(ep, 1)[0]
	equal(f, "generation and count", []uint64{newer.Generation, newer.Count}, []uint64{3, 2})
	if newer.MessageID() == sent.MessageID() {
		f.Errorf("two generations share the message id %s", sent.MessageID())
	}
	f.settle(newer, attempt.Delivered)
	equal(f, "counts", f.counts(ep), store.Counts{Owed: 3, Coalesced: 1, Delivered: 2})
}

func settledTogether(f *fixture) {
	ep := f.add("shop")
	f.ingest(f.change(ep, 1), f.change(ep, 2), f.change(ep, 3))
	f.advance(time.Minute)
	var attempts []store.Attempt
	verdicts := []attempt.Verdict{attempt.Unavailable, attempt.Delivered, attempt.Gone}
	for i, d := range f.claim(ep, 10) {
		attempts = append(attempts, f.attempt(d, verdicts[i]))
	}
	again := attempts[1] // of a debt that is done by then
	settled := must(f.engine().Settle(ctx, ep.ID, append(attempts, again))).in(f)
	var found, done []bool
	var failures []int
	var gone []bool
	for _, s := range settled {
		found, done = append(found, s.Debts[0].Found), append(done, s.Debts[0].Done)
		failures, gone = append(failures, s.Health.Failures), append(gone, s.Health.Gone)
	}
	equal(f, "found", found, []bool{true, true, true, false})
	equal(f, "done", done, []bool{false, true, false, false})
	equal(f, "failures in a row after each", failures, []int{1, 0, 0, 0})
	equal(f, "gone after each", gone, []bool{false, false, true, true})
	f.crash()
	equal(f, "health", must(f.engine().Endpoints(ctx)).in(f).Health[ep.ID], settled[3].Health)
	equal(f, "counts", f.counts(ep), store.Counts{Open: 2, Retrying: 2, Owed: 3, Delivered: 1, Attempts: 2})

	none := must(f.engine().Settle(ctx, ep.ID, nil)).in(f)
	equal(f, "settled of none", len(none), 0)
}

// The clock may be set back while nothing but an attempt has seen it ahead.
func clockSetBackAfterAnAttempt(f *fixture) {
	ep := f.add("shop")
	d := f.claimAfter(ep, f.change(ep, 1))
	f.advance(time.Hour)
	ahead := f.now
	f.settle(d, attempt.Unavailable)
	f.crash()
	if latest := must(f.engine().Stats(ctx)).in(f).Latest; latest.Before(ahead) {
		f.Errorf("the latest time is %v, and an attempt ended at %v", latest, ahead)
	}
	f.advance(-time.Hour)
	equal(f, "moved", must(f.engine().Rewind(ctx, ep.ID, f.now)).in(f), 1)
}

func clockSetBack(f *fixture) {
	ep := f.add("shop")
	ahead := f.now
	f.settle(f.claimAfter(ep, f.change(ep, 1)), attempt.Unavailable)
	f.ingest(f.change(ep, 2), f.change(ep, 3))
	f.advance(-time.Hour)
	f.ingest(f.change(ep, 4))
	f.advance(10 * time.Second)
	equal(f, "claimed", keysOf(f.claim(ep, 10)), []debt.Key{keyOf(4)})
	if latest := must(f.engine().Stats(ctx)).in(f).Latest; latest.Before(ahead) {
		f.Errorf("the latest time is %v, and %v was ingested", latest, ahead)
	}
	equal(f, "moved", must(f.engine().Rewind(ctx, ep.ID, f.now)).in(f), 3)
	equal(f, "moved again", must(f.engine().Rewind(ctx, ep.ID, f.now)).in(f), 0)
	f.advance(10 * time.Second)
	equal(f, "claimed then", len(f.claim(ep, 10)), 4)
}
