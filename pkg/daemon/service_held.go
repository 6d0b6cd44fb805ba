package daemon

import (
	"context"
	"errors"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/store"
)

// ListHeld returns a page of the deletions that an endpoint holds.
func (s *service) ListHeld(ctx context.Context, name string, page api.Page) (api.HeldPage, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return api.HeldPage{}, s.noEndpoint(name, err)
	}
	ep := &l.settings.Load().ep
	answer := api.HeldPage{Endpoint: ep.Name}
	if answer.Held, err = s.countHeld(ctx, name, ep.ID); err != nil {
		return api.HeldPage{}, err
	}
	list, next, err := s.store.Held(ctx, ep.ID, page.Cursor, page.Limit)
	if errors.Is(err, store.ErrCursor) {
		return api.HeldPage{}, invalid(store.ErrCursor)
	}
	if err != nil {
		return api.HeldPage{}, err
	}
	answer.Next = next
	for i := range list {
		d := &list[i]
		answer.Deletions = append(answer.Deletions, api.HeldDeletion{
			ID: d.ID.String(), AssetID: d.Object.BaseID, EventType: d.EventType, FirstSeen: d.FirstSeen, LastSeen: d.LastSeen,
		})
	}
	return answer, nil
}

// countHeld returns how many deletions an endpoint holds. One whose style holds none
// has some if it had another style; without any it is an error.
func (s *service) countHeld(ctx context.Context, name string, id uint64) (uint64, error) {
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return 0, err
	}
	held := stats.Endpoints[id].Held
	if held == 0 {
		_, _, _, err = s.trackerNamed(name)
	}
	return held, err
}

// ReleaseDeletions makes the deletions due that are held. They may be held of an
// endpoint that has another style since: it tells them in its own way.
func (s *service) ReleaseDeletions(ctx context.Context, name string) (api.Released, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return api.Released{}, s.noEndpoint(name, err)
	}
	ep := &l.settings.Load().ep
	// With none held, some may be judged anew.
	if _, err := s.countHeld(ctx, name, ep.ID); err != nil {
		return api.Released{}, err
	}
	released, err := s.store.Release(ctx, ep.ID, s.now())
	if released > 0 {
		s.log.Info("held deletions are released", "endpoint", name, "count", released)
		l.wake()
	}
	return api.Released{Endpoint: name, Released: released}, told(err)
}
