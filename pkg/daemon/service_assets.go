package daemon

import (
	"context"
	"errors"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// ListAssets returns a page of what is known of assets.
func (s *service) ListAssets(ctx context.Context, page api.Page) (api.AssetPage, error) {
	list, next, err := s.store.ListAssets(ctx, page.Cursor, page.Limit)
	if errors.Is(err, store.ErrCursor) {
		return api.AssetPage{}, invalid(store.ErrCursor)
	}
	if err != nil {
		return api.AssetPage{}, err
	}
	answer := api.AssetPage{Assets: make([]api.Asset, len(list)), Next: next}
	for i, a := range list {
		answer.Assets[i] = wireAsset(a)
		answer.Assets[i].Data = nil
	}
	return answer, nil
}

// GetAsset returns what is known of an asset. Digits may be the id's number or
// its text.
func (s *service) GetAsset(ctx context.Context, id string) (api.Asset, error) {
	typed, err := event.ParseID(id)
	if err != nil {
		return api.Asset{}, invalid(err)
	}
	if s.dam != nil {
		return s.assetOfDAM(ctx, typed)
	}
	found, err := s.store.Assets(ctx, []event.ID{typed, event.StringID(id)})
	if err != nil {
		return api.Asset{}, err
	}
	if len(found) == 0 {
		return api.Asset{}, &api.Error{
			Code: api.CodeNotFound, Message: "nothing is known of asset " + typed.String(),
			Hint: "'dz asset list' shows of which something is; assets go by their base id",
		}
	}
	return wireAsset(found[0]), nil
}

// assetOfDAM asks the DAM, for which digits are both a number and a text.
func (s *service) assetOfDAM(ctx context.Context, id event.ID) (api.Asset, error) {
	found, err := s.assets.Assets(ctx, []event.ID{id})
	if err != nil {
		return api.Asset{}, toldUnread(err)
	}
	if found[0].Deleted && found[0].Data == nil {
		return api.Asset{}, &api.Error{Code: api.CodeNotFound, Message: "the DAM has no asset " + id.String() + ", or does not show it"}
	}
	return wireAsset(found[0]), nil
}

// ImportAssets merges assets into what is known.
func (s *service) ImportAssets(ctx context.Context, assets []catalogue.Asset) (older int, err error) {
	older, err = s.store.ImportAssets(ctx, assets, s.now())
	return older, told(err)
}

func wireAsset(a catalogue.Asset) api.Asset {
	return api.Asset{
		ID: a.ID, ItemID: a.ItemID, Title: a.Title(), Deleted: a.Deleted, Changed: a.Changed,
		Size: len(a.Data), Data: a.Data,
	}
}
