package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// trackerNamed returns the lane of an endpoint whose style keeps track of assets.
func (s *service) trackerNamed(name string) (*lane, endpoint.Endpoint, style.Tracker, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return nil, endpoint.Endpoint{}, nil, s.noEndpoint(name, err)
	}
	ep, tracker, err := trackerOf(l)
	if err != nil {
		return nil, ep, nil, &api.Error{
			Code: api.CodeConflict, Message: err.Error(),
			Hint: "only endpoints of a style that acknowledges assets one by one have tracked assets",
		}
	}
	return l, ep, tracker, nil
}

// ListTracked returns a page of what an endpoint has acknowledged.
func (s *service) ListTracked(ctx context.Context, name string, states bool, page api.Page) (api.TrackedPage, error) {
	_, ep, _, err := s.trackerNamed(name)
	if err != nil {
		return api.TrackedPage{}, err
	}
	list, next, err := s.store.ListTracked(ctx, ep.ID, page.Cursor, page.Limit)
	if errors.Is(err, store.ErrCursor) {
		return api.TrackedPage{}, invalid(store.ErrCursor)
	}
	if err != nil {
		return api.TrackedPage{}, err
	}
	answer := api.TrackedPage{Assets: make([]api.TrackedAsset, len(list)), Next: next}
	for i := range list {
		answer.Assets[i] = wireTracked(&list[i], states)
	}
	return answer, nil
}

// GetTracked returns what is known of one asset at an endpoint. Digits may be the
// id's number or its text.
func (s *service) GetTracked(ctx context.Context, name, id string) (api.TrackedDetail, error) {
	l, ep, tracker, err := s.trackerNamed(name)
	if err != nil {
		return api.TrackedDetail{}, err
	}
	typed, err := event.ParseID(id)
	if err != nil {
		return api.TrackedDetail{}, invalid(err)
	}
	for _, asset := range []event.ID{typed, event.StringID(id)} {
		detail, err := s.trackedDetail(ctx, l, &ep, tracker, asset)
		if err != nil || detail.Tracked != nil || detail.Owed != nil {
			return detail, err
		}
	}
	return api.TrackedDetail{}, &api.Error{
		Code:    api.CodeNotFound,
		Message: fmt.Sprintf("endpoint %s has not acknowledged asset %s, and is owed nothing of it", name, typed),
		Hint:    fmt.Sprintf("'dz tracked list %s' shows what it has; assets go by their base id", name),
	}
}

func (s *service) trackedDetail(ctx context.Context, l *lane, ep *endpoint.Endpoint, tracker style.Tracker, asset event.ID) (api.TrackedDetail, error) {
	detail := api.TrackedDetail{AssetID: asset}
	known, err := s.store.Tracked(ctx, ep.ID, []event.ID{asset})
	if err != nil {
		return detail, err
	}
	if len(known) > 0 {
		shown := wireTracked(&known[0], true)
		detail.Tracked = &shown
	}
	owed, err := s.store.Debt(ctx, ep.ID, tracker.AssetKey(asset))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return detail, nil
	case err != nil:
		return detail, err
	}
	x := explanation{set: l.settings.Load(), health: l.getHealth(), now: s.now()}
	shown := x.owed(&owed)
	detail.Owed = &shown
	return detail, nil
}

func wireTracked(a *tracking.Asset, state bool) api.TrackedAsset {
	shown := api.TrackedAsset{AssetID: a.ID, First: a.First, Synced: a.Synced, Syncs: a.Syncs, Attempts: a.Attempts}
	if !a.State.Given {
		return shown
	}
	hash := a.State.Hash()
	shown.StateHash = &hash
	if state {
		shown.State = &a.State.Text
	}
	return shown
}

// ResetTracked forgets what an endpoint has acknowledged. No synchronisation runs
// meanwhile: it would have gone by what is forgotten.
func (s *service) ResetTracked(ctx context.Context, name string) (api.Reset, error) {
	l, ep, _, err := s.trackerNamed(name)
	if err != nil {
		return api.Reset{}, err
	}
	instead, err := s.resyncs.reserve(ep.ID, true)
	if err != nil {
		return api.Reset{}, notBegun(name, err)
	}
	defer s.resyncs.free(ep.ID, instead)
	forgotten, err := s.store.ResetTracked(ctx, ep.ID)
	s.log.Info("what an endpoint has acknowledged is forgotten", "endpoint", name, "assets", forgotten)
	l.wake()
	return api.Reset{Endpoint: name, Forgotten: forgotten}, told(err)
}
