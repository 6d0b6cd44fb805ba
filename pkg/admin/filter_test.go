package admin

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func (f *fake) TryFilter(_ context.Context, name, filter, asset string) (api.FilterTrial, error) {
	unlock, err := f.begin([3]string{name, filter, asset})
	defer unlock()
	return api.FilterTrial{Endpoint: name, AssetID: event.StringID(asset), Matches: true}, err
}

// CountFilter has two parts.
func (f *fake) CountFilter(_ context.Context, name, filter, cursor string) (api.FilterCount, error) {
	unlock, err := f.begin([3]string{name, filter, cursor})
	defer unlock()
	if cursor == "" {
		return api.FilterCount{Matched: 2, Total: 3, Next: "c&c"}, err
	}
	return api.FilterCount{Endpoint: name, Matched: 1, Total: 2, Failed: 1, Error: "why"}, err
}

func TestFiltersAreTriedOverTheAPI(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	trial, err := server.TryFilter(ctx, "the shop", `asset.a == "?&" `, `"1/2"`)
	if err != nil || !trial.Matches || trial.Values == nil {
		t.Errorf("%+v, %v", trial, err)
	}
	if diff := cmp.Diff([3]string{"the shop", `asset.a == "?&" `, `"1/2"`}, server.service.asked); diff != "" {
		t.Error(diff)
	}
	var shown []api.FilterCount
	count, err := server.CountFilter(ctx, "shop", "", func(c api.FilterCount) { shown = append(shown, c) })
	if err != nil || count != (api.FilterCount{Endpoint: "shop", Matched: 3, Total: 5, Failed: 1, Error: "why"}) {
		t.Errorf("%+v, %v", count, err)
	}
	if len(shown) != 1 || shown[0].Total != 3 {
		t.Errorf("on the way: %+v", shown)
	}
}
