package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
)

// Filters tries filters over assets. An endpoint whose style has its filter over
// events is CodeConflict; a filter that can't be read, CodeInvalid. filter is tried
// in place of the endpoint's own, if it is not empty.
type Filters interface {
	// TryFilter tries it on an asset, by its id as people type it. One that
	// nothing is known of is CodeNotFound.
	TryFilter(ctx context.Context, name, filter, asset string) (api.FilterTrial, error)
	// CountFilter applies it to a part of the catalogue, from the cursor on, for a
	// second or so.
	CountFilter(ctx context.Context, name, filter, cursor string) (api.FilterCount, error)
}

type filterTrialInput struct {
	Name   string `path:"name"`
	ID     string `path:"id" doc:"base id; digits are an integer, or in double quotes a string"`
	Filter string `query:"filter" doc:"to be tried in place of the endpoint's own"`
}

type filterCountInput struct {
	Name   string `path:"name"`
	Filter string `query:"filter" doc:"to be tried in place of the endpoint's own"`
	Cursor string `query:"cursor" doc:"next of the part before"`
}

func (s *Server) filterRoutes(r *router) {
	tags := []string{"endpoints"}
	handle(r, huma.Operation{
		OperationID: "try-filter", Method: http.MethodGet, Path: "/endpoints/{name}/filter/{id}", Tags: tags,
		Summary: "What an endpoint's filter over assets, or another one, makes of an asset",
	}, func(ctx context.Context, in *filterTrialInput) (api.FilterTrial, error) {
		trial, err := s.service.TryFilter(ctx, in.Name, in.Filter, in.ID)
		trial.Values = orEmpty(trial.Values)
		return trial, err
	})
	handle(r, huma.Operation{
		OperationID: "count-filter", Method: http.MethodGet, Path: "/endpoints/{name}/filter", Tags: tags,
		Summary:     "How many assets an endpoint's filter, or another one, matches",
		Description: "It goes through a part of the catalogue in each answer; the numbers are to be added up.",
	}, func(ctx context.Context, in *filterCountInput) (api.FilterCount, error) {
		return s.service.CountFilter(ctx, in.Name, in.Filter, in.Cursor)
	})
}
