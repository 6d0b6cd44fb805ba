package storetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

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

func recentEvents(f *fixture) {
	ep := f.add("shop")
	start := f.now
	var first []uint64
	for range 5 {
		first = append(first, f.ingest(f.change(ep, 1), f.change(ep, 2), f.change(ep, 3)).First)
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
	equal(f, "the newest batch's number", first[4]+2, newest[0].Seq)
	oldest := must(f.engine().EventsSince(ctx, 0, start, 4)).in(f)
	equal(f, "the oldest batch's number", first[0], oldest[0].Seq)
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

func survivesCrash(f *fixture) {
	ep := f.add("shop")
	f.fail(ep, 1)
	f.ingest(f.change(ep, 2), f.change(ep, 2), f.change(ep, 3))
	f.advance(time.Minute)
	claimed := f.claim(ep, 10)
	counts := f.counts(ep)
	f.crash()
	equal(f, "counts", f.counts(ep), counts)
	for i := range claimed {
		claimed[i].Inherited = true
	}
	equal(f, "claimed, never settled, and claimed again", f.claim(ep, 10), claimed)
	f.ingest(f.change(ep, 2), f.change(ep, 4))
	f.advance(time.Minute)
	for _, d := range f.claim(ep, 10) {
		equal(f, "inherited", d.Inherited, d.Key != keyOf(4))
	}
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
			_, err := f.engine().Settle(ctx, ep.ID, []store.Attempt{f.attempt(d, attempt.Delivered)})
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
