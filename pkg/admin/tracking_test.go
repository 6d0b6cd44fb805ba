package admin

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

// trackedQuery is what ListTracked was asked.
type trackedQuery struct {
	Name   string
	States bool
	Page   api.Page
}

func (f *fake) ListTracked(_ context.Context, name string, states bool, page api.Page) (api.TrackedPage, error) {
	unlock, err := f.begin(trackedQuery{name, states, page})
	defer unlock()
	return api.TrackedPage{Next: "next"}, err
}

func (f *fake) GetTracked(_ context.Context, name, id string) (api.TrackedDetail, error) {
	unlock, err := f.begin([2]string{name, id})
	defer unlock()
	return api.TrackedDetail{AssetID: event.StringID(id)}, err
}

// resyncQuery is what StartResync was asked.
type resyncQuery struct {
	Name  string
	Order api.ResyncOrder
}

func (f *fake) StartResync(_ context.Context, name string, order api.ResyncOrder) (api.Resync, error) {
	unlock, err := f.begin(resyncQuery{name, order})
	defer unlock()
	return api.Resync{Endpoint: name, DryRun: order.DryRun, Phase: api.ResyncListing}, err
}

func (f *fake) GetResync(_ context.Context, name string) (api.ResyncState, error) {
	unlock, err := f.begin(name)
	defer unlock()
	return api.ResyncState{Resync: api.Resync{Endpoint: name, Phase: api.ResyncDone}, Held: 3}, err
}

func (f *fake) StopResync(_ context.Context, name string) (api.Resync, error) {
	unlock, err := f.begin(name)
	defer unlock()
	return api.Resync{Endpoint: name, Phase: api.ResyncStopped}, err
}

func (f *fake) ListHeld(_ context.Context, name string, page api.Page) (api.HeldPage, error) {
	unlock, err := f.begin([2]any{name, page})
	defer unlock()
	return api.HeldPage{Endpoint: name, Held: 2676, Next: "next"}, err
}

func (f *fake) ReleaseDeletions(_ context.Context, name string) (api.Released, error) {
	unlock, err := f.begin(name)
	defer unlock()
	return api.Released{Endpoint: name, Released: 2676}, err
}

func (f *fake) ResetTracked(_ context.Context, name string) (api.Reset, error) {
	unlock, err := f.begin(name)
	defer unlock()
	return api.Reset{Endpoint: name, Forgotten: 5}, err
}

func TestTrackedAssetsOverTheAPI(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	page, err := server.Tracked(ctx, "the shop", true, api.Page{Cursor: "c&c", Limit: 7})
	if err != nil || page.Assets == nil || page.Next != "next" {
		t.Errorf("listed: got %+v, %v; want an empty list and the next cursor", page, err)
	}
	if diff := cmp.Diff(trackedQuery{"the shop", true, api.Page{Cursor: "c&c", Limit: 7}}, server.service.asked); diff != "" {
		t.Errorf("listed: the service was asked (-want +got):\n%s", diff)
	}
	detail, err := server.TrackedAsset(ctx, "shop", "a/b c")
	if err != nil || detail.AssetID != event.StringID("a/b c") {
		t.Errorf("one: got %+v, %v", detail, err)
	}
	held, err := server.HeldDeletions(ctx, "shop", api.Page{Cursor: "7", Limit: 5})
	if err != nil || held.Held != 2676 || held.Deletions == nil || held.Next != "next" {
		t.Errorf("held: got %+v, %v", held, err)
	}
	if diff := cmp.Diff([2]any{"shop", api.Page{Cursor: "7", Limit: 5}}, server.service.asked); diff != "" {
		t.Errorf("held: the service was asked (-want +got):\n%s", diff)
	}
	released, err := server.ReleaseDeletions(ctx, "shop")
	if err != nil || released.Released != 2676 {
		t.Errorf("released: got %+v, %v", released, err)
	}
	reset, err := server.ResetTracked(ctx, "shop")
	if err != nil || reset.Forgotten != 5 {
		t.Errorf("reset: got %+v, %v", reset, err)
	}
}

func TestResyncOverTheAPI(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	since := time.Date(2026, 11, 21, 10, 0, 0, 500, time.UTC)
	order := api.ResyncOrder{
		Changed: true, Assets: []event.ID{event.IntID(5), event.StringID("5")}, Filter: "asset.type == 4", Since: &since, DryRun: true,
	}
	began, err := server.StartResync(ctx, "shop", order)
	if err != nil || !began.DryRun || !began.Running() {
		t.Errorf("begun: got %+v, %v", began, err)
	}
	if diff := cmp.Diff(resyncQuery{"shop", order}, server.service.asked, sameID); diff != "" {
		t.Errorf("begun: the service was asked (-want +got):\n%s", diff)
	}
	state, err := server.Resync(ctx, "shop")
	if err != nil || state.Held != 3 || state.Endpoint != "shop" || state.Running() {
		t.Errorf("got %+v, %v", state, err)
	}
	stopped, err := server.StopResync(ctx, "shop")
	if err != nil || stopped.Phase != api.ResyncStopped {
		t.Errorf("stopped: got %+v, %v", stopped, err)
	}
	_, err = server.StartResync(ctx, "shop", api.ResyncOrder{Assets: make([]event.ID, 1)})
	wantError(t, err, api.CodeInvalid, "null is no id")
	_, err = server.StartResync(ctx, "shop", api.ResyncOrder{Assets: make([]event.ID, 10_001)})
	wantError(t, err, api.CodeInvalid, "more than 10000")
}
