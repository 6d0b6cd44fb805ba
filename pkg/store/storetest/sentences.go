package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

var ctx = context.Background()

// equal fails the test where got is not want.
func equal[T any](f *fixture, what string, got, want T) {
	f.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b event.ID) bool { return a == b })); diff != "" {
		f.Fatalf("%s differs (-want +got):\n%s", what, diff)
	}
}

func wantError(f *fixture, err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.Fatalf("error is %v, want %v", err, target)
	}
}

func endpointsLive(f *fixture) {
	before := must(f.engine().Endpoints(ctx)).in(f)
	ep := f.add("shop")
	f.add("archive")
	_, err := f.engine().AddEndpoint(ctx, newEndpoint("shop"))
	wantError(f, err, store.ErrExists)

	all := must(f.engine().Endpoints(ctx)).in(f)
	if all.Revision <= before.Revision {
		f.Errorf("revision %d does not rise from %d", all.Revision, before.Revision)
	}
	equal(f, "names", []string{all.List[0].Name, all.List[1].Name}, []string{"archive", "shop"})
	equal(f, "endpoint", all.List[1], ep)

	updated := must(f.engine().UpdateEndpoint(ctx, "shop", func(e *endpoint.Endpoint) error {
		e.URL, e.Name, e.ID = "http://127.0.0.1:10/", "other", 77
		return nil
	})).in(f).Endpoint
	equal(f, "updated name, id and URL", []any{updated.Name, updated.ID, updated.URL}, []any{"shop", ep.ID, "http://127.0.0.1:10/"})

	veto := errors.New("no")
	_, err = f.engine().UpdateEndpoint(ctx, "shop", func(e *endpoint.Endpoint) error { e.URL = "x"; return veto })
	wantError(f, err, veto)
	_, err = f.engine().UpdateEndpoint(ctx, "nobody", func(*endpoint.Endpoint) error { return nil })
	wantError(f, err, store.ErrNotFound)
	f.crash()
	equal(f, "URL", must(f.engine().Endpoints(ctx)).in(f).List[1].URL, "http://127.0.0.1:10/")

	must(f.engine().RemoveEndpoint(ctx, "shop")).in(f)
	_, err = f.engine().RemoveEndpoint(ctx, "shop")
	wantError(f, err, store.ErrNotFound)
	equal(f, "endpoints left", len(must(f.engine().Endpoints(ctx)).in(f).List), 1)
}

func idsAreNotReused(f *fixture) {
	first := f.add("shop")
	must(f.engine().RemoveEndpoint(ctx, "shop")).in(f)
	f.crash()
	if second := f.add("shop"); second.ID <= first.ID {
		f.Errorf("the second endpoint has id %d, the first had %d", second.ID, first.ID)
	}
}

func ingestIsOne(f *fixture) {
	ep := f.add("shop")
	c := f.change(ep, 1)
	f.ingestBatch(store.Ingest{
		Source: "spool", Now: f.now, Changes: []debt.Change{c}, Events: []event.Event{*c.Event},
		Positions: []source.Position{{Stream: "a", Data: []byte("10")}, {Stream: "b", Data: []byte("20")}},
	})
	f.crash()
	equal(f, "positions", must(f.engine().Positions(ctx, "spool")).in(f),
		[]source.Position{{Stream: "a", Data: []byte("10")}, {Stream: "b", Data: []byte("20")}})
	equal(f, "positions of another source", len(must(f.engine().Positions(ctx, "spoo")).in(f)), 0)
	equal(f, "open debts", f.counts(ep).Open, 1)

	f.ingestBatch(store.Ingest{Source: "spool", Now: f.now, Positions: []source.Position{{Stream: "a"}}})
	equal(f, "positions after one is forgotten", must(f.engine().Positions(ctx, "spool")).in(f),
		[]source.Position{{Stream: "b", Data: []byte("20")}})
}

func staleRoutes(f *fixture) {
	ep := f.add("shop")
	revision := must(f.engine().Endpoints(ctx)).in(f).Revision
	c := f.change(ep, 1)
	f.add("late")
	_, err := f.engine().Ingest(ctx, store.Ingest{
		Source: "spool", Now: f.now, Revision: revision, Changes: []debt.Change{c}, Events: []event.Event{*c.Event},
		Positions: []source.Position{{Stream: "a", Data: []byte("10")}},
	})
	wantError(f, err, store.ErrRevision)
	equal(f, "positions", len(must(f.engine().Positions(ctx, "spool")).in(f)), 0)
	equal(f, "events", must(f.engine().Stats(ctx)).in(f).Ingested, 0)
	equal(f, "owed", f.counts(ep).Owed, 0)
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
		{"of an endpoint", debt.Selection{Endpoint: shop.ID}, 2},
		{"by id", debt.Selection{IDs: []debt.ID{one.ID}}, 1},
		{"by object", debt.Selection{Object: "asset/1"}, 2},
		{"by object and endpoint", debt.Selection{Object: "1", Endpoint: web.ID}, 1},
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

	n, _, err := f.engine().Purge(ctx, debt.Selection{Endpoint: shop.ID}, "", 10)
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

func healthSurvives(f *fixture) {
	ep := f.add("shop")
	d := f.claimAfter(ep, f.change(ep, 1))
	settled := f.settleAttempt(d, attempt.Gone)
	if !settled.Health.Gone {
		f.Fatalf("health after 410 is %+v, want gone", settled.Health)
	}
	f.crash()
	health := must(f.engine().Endpoints(ctx)).in(f).Health[ep.ID]
	equal(f, "health", health, settled.Health)
	equal(f, "open debts", f.counts(ep).Open, 1)
	if health = must(f.engine().ResetHealth(ctx, ep.ID, f.now)).in(f); health.Gone {
		f.Errorf("the endpoint is gone after its health was reset")
	}
	_, err := f.engine().ResetHealth(ctx, 999, f.now)
	wantError(f, err, store.ErrNotFound)
	f.advance(time.Minute)
	equal(f, "due when it is back", len(f.claim(ep, 1)), 1)
}

func hastened(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.settle(f.claimAfter(ep, f.change(ep, 2)), attempt.Unavailable)
	equal(f, "due at once", len(f.claim(ep, 10)), 0)
	equal(f, "hastened", must(f.engine().Hasten(ctx, ep.ID, f.now)).in(f), 1)
	equal(f, "due then", keysOf(f.claim(ep, 10)), []debt.Key{keyOf(2)})
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

func recentEvents(f *fixture) {
	ep := f.add("shop")
	start := f.now
	for range 5 {
		f.ingest(f.change(ep, 1), f.change(ep, 2), f.change(ep, 3))
		f.advance(time.Second)
	}
	f.crash()
	ids := func(list []store.Recent) []string {
		out := []string{}
		for _, e := range list {
			ev := string(e.Line)
			out = append(out, ev[len(`{"id":"`):len(ev)-len(`"}`)])
		}
		return out
	}
	newest := must(f.engine().Events(ctx, 0, 4)).in(f)
	equal(f, "newest first", ids(newest), []string{"e15", "e14", "e13", "e12"})
	equal(f, "before those", ids(must(f.engine().Events(ctx, newest[3].Seq, 3)).in(f)), []string{"e11", "e10", "e9"})
	oldest := must(f.engine().EventsSince(ctx, 0, start, 4)).in(f)
	equal(f, "oldest first", ids(oldest), []string{"e1", "e2", "e3", "e4"})
	equal(f, "after those", ids(must(f.engine().EventsSince(ctx, oldest[3].Seq, start, 3)).in(f)), []string{"e5", "e6", "e7"})
	equal(f, "since", ids(must(f.engine().EventsSince(ctx, 0, start.Add(4*time.Second), 10)).in(f)), []string{"e13", "e14", "e15"})
	equal(f, "source", newest[0].Source, "test")
	equal(f, "all", len(must(f.engine().Events(ctx, 0, 100)).in(f)), 15)

	in := store.Ingest{Source: "replay", Now: f.now, Replayed: true, Changes: []debt.Change{f.change(ep, 1)}}
	in.Events = []event.Event{*in.Changes[0].Event}
	f.ingestBatch(in)
	equal(f, "events after a replay", must(f.engine().Stats(ctx)).in(f).Ingested, 15)

	f.advance(30 * 24 * time.Hour)
	if err := f.engine().Maintain(ctx, f.now); err != nil {
		f.Fatalf("maintain: %v", err)
	}
	equal(f, "events after a month", len(must(f.engine().Events(ctx, 0, 100)).in(f)), 0)
}

func rejectedKept(f *fixture) {
	for n := range 3 {
		f.ingestBatch(store.Ingest{Source: "spool", Now: f.now, Rejected: []source.Rejection{{
			Source: "spool", File: "/a", Offset: int64(n), Reason: "not JSON", Line: []byte("x\xff"), Length: 2, Time: f.now,
		}}})
	}
	f.crash()
	list := must(f.engine().Rejected(ctx, 0, 2)).in(f)
	equal(f, "offsets", []int64{list[0].Offset, list[1].Offset}, []int64{2, 1})
	equal(f, "line", list[0].Line, []byte("x\xff"))
	equal(f, "before those", len(must(f.engine().Rejected(ctx, list[1].Seq, 2)).in(f)), 1)
	equal(f, "count", must(f.engine().Stats(ctx)).in(f).Rejected, 3)
}

func removalTakesDebts(f *fixture) {
	shop, web := f.add("shop"), f.add("web")
	f.fail(shop, 1)
	f.ingest(f.change(shop, 2), f.change(web, 2))
	sent := f.claimAfter(shop, f.change(shop, 3))
	removed := must(f.engine().RemoveEndpoint(ctx, "shop")).in(f)
	equal(f, "removed", []uint64{removed.Open, removed.Failed}, []uint64{2, 1})
	if settled := f.settle(sent, attempt.Delivered); settled.Found {
		f.Errorf("a settlement for a removed endpoint found %+v", settled.Debt)
	}
	equal(f, "failures", len(f.failures(debt.Selection{Retrying: true})), 0)
	equal(f, "claimed by whoever has not heard of it yet", len(f.claim(shop, 10)), 0)

	again := f.add("shop")
	f.crash()
	equal(f, "owed to its successor", f.counts(again), store.Counts{})
	if err := f.engine().Maintain(ctx, f.now); err != nil {
		f.Fatalf("maintain: %v", err)
	}
	equal(f, "claimed by the other", keysOf(f.claim(web, 10)), []debt.Key{keyOf(2)})
	total := must(f.engine().Stats(ctx)).in(f).Total
	equal(f, "total", total, store.Counts{Open: 1, Owed: 4, Attempts: 2, Dropped: 3})
}

func survivesCrash(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.ingest(f.change(ep, 2), f.change(ep, 2), f.change(ep, 3))
	f.advance(time.Minute)
	claimed := f.claim(ep, 10)
	counts := f.counts(ep)
	f.crash()
	equal(f, "counts", f.counts(ep), counts)
	equal(f, "claimed, never settled, and claimed again", f.claim(ep, 10), claimed)
	equal(f, "failures", len(f.failures(debt.Selection{})), 1)
}

func concurrentCalls(f *fixture) {
	ep := f.add("shop")
	revision := must(f.engine().Endpoints(ctx)).in(f).Revision
	const workers, each = 8, 50
	var wg sync.WaitGroup
	errs := make(chan error, 2*workers*each)
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				e := newEvent(w*each+i, w*each+i, nil)
				_, err := f.engine().Ingest(ctx, store.Ingest{
					Source: fmt.Sprintf("s%d", w), Now: f.now, Revision: revision, Events: []event.Event{e},
					Changes: []debt.Change{{Endpoint: ep.ID, Key: keyOf(w*each + i), Event: &e, Window: window}},
				})
				errs <- err
			}
		})
	}
	wg.Wait()
	f.advance(time.Minute)
	for _, d := range f.claim(ep, workers*each) {
		wg.Go(func() {
			_, err := f.engine().Settle(ctx, f.attempt(d, attempt.Delivered))
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			f.Fatalf("a concurrent call failed: %v", err)
		}
	}
	equal(f, "counts", f.counts(ep), store.Counts{Owed: workers * each, Delivered: workers * each})
}

func closedRefuses(f *fixture) {
	ep := f.add("shop")
	c := f.change(ep, 1)
	engine := f.engine()
	f.crash() // keeps Check working
	if err := engine.Close(); err != nil {
		f.Fatalf("close: %v", err)
	}
	if err := engine.Close(); err != nil {
		f.Errorf("close again: %v", err)
	}
	_, err := engine.Ingest(ctx, store.Ingest{Changes: []debt.Change{c}})
	wantError(f, err, store.ErrClosed)
	_, err = engine.Claim(ctx, store.ClaimRequest{Endpoint: ep.ID, Now: f.now, Limit: 1})
	wantError(f, err, store.ErrClosed)
	_, err = engine.Stats(ctx)
	wantError(f, err, store.ErrClosed)
}
