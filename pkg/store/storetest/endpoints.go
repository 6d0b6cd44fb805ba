package storetest

import (
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

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

func endpointsAreAddedTogether(f *fixture) {
	f.add("shop")
	before := must(f.engine().Endpoints(ctx)).in(f)
	_, err := f.engine().AddEndpoints(ctx, []endpoint.Endpoint{newEndpoint("web"), newEndpoint("shop"), newEndpoint("cdn")})
	wantError(f, err, store.ErrExists)
	_, err = f.engine().AddEndpoints(ctx, []endpoint.Endpoint{newEndpoint("web"), newEndpoint("web")})
	wantError(f, err, store.ErrExists)
	equal(f, "after what could not be done in whole", must(f.engine().Endpoints(ctx)).in(f), before)

	web, cdn := newEndpoint("web"), newEndpoint("cdn")
	web.Group, cdn.Group = "sites", "sites"
	added := must(f.engine().AddEndpoints(ctx, []endpoint.Endpoint{web, cdn})).in(f)
	f.crash()
	all := must(f.engine().Endpoints(ctx)).in(f)
	equal(f, "names", []string{all.List[0].Name, all.List[1].Name, all.List[2].Name}, []string{"cdn", "shop", "web"})
	equal(f, "the first", all.List[2], added[0].Endpoint)
	equal(f, "the second", all.List[0], added[1].Endpoint)
	equal(f, "revision", all.Revision, added[1].Revision)
	if added[0].Endpoint.ID >= added[1].Endpoint.ID {
		f.Errorf("ids %d and %d do not rise", added[0].Endpoint.ID, added[1].Endpoint.ID)
	}
	moved := must(f.engine().UpdateEndpoint(ctx, "web", func(e *endpoint.Endpoint) error { e.Group = "other"; return nil })).in(f)
	equal(f, "the group of an endpoint that was changed", moved.Endpoint.Group, "sites")
}

func idsAreNotReused(f *fixture) {
	first := f.add("shop")
	must(f.engine().RemoveEndpoint(ctx, "shop")).in(f)
	f.crash()
	if second := f.add("shop"); second.ID <= first.ID {
		f.Errorf("the second endpoint has id %d, the first had %d", second.ID, first.ID)
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
