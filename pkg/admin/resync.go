package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/resync"
)

// Tracking is what endpoints have acknowledged, where their style keeps track of
// it; with another style all of it is CodeConflict.
type Tracking interface {
	// ListTracked returns a page, by id. Page.Limit is between 1 and
	// api.MaxLimit; the page is bounded in bytes too. A cursor that was not made
	// by it is CodeInvalid.
	ListTracked(ctx context.Context, name string, states bool, page api.Page) (api.TrackedPage, error)
	// GetTracked returns an asset by its id as people type it. One that is
	// neither tracked nor owed is CodeNotFound.
	GetTracked(ctx context.Context, name, id string) (api.TrackedDetail, error)
	// StartResync begins a synchronisation; one that is running is
	// CodeConflict. With DryRun it goes through all of it and owes nothing.
	StartResync(ctx context.Context, name string, order api.ResyncOrder) (api.Resync, error)
	// GetResync returns the last one, CodeNotFound without any.
	GetResync(ctx context.Context, name string) (api.ResyncState, error)
	// StopResync ends the one that is running; CodeConflict without one.
	StopResync(ctx context.Context, name string) (api.Resync, error)
	// ListHeld returns a page of the deletions that are held, the oldest first.
	// Page.Limit is between 1 and api.MaxLimit. A cursor that was not made by it
	// is CodeInvalid.
	ListHeld(ctx context.Context, name string, page api.Page) (api.HeldPage, error)
	// ReleaseDeletions makes held deletions due.
	ReleaseDeletions(ctx context.Context, name string) (api.Released, error)
	// ResetTracked forgets all that is tracked; CodeConflict while a
	// synchronisation is running.
	ResetTracked(ctx context.Context, name string) (api.Reset, error)
}

type trackedInput struct {
	Name   string `path:"name"`
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	State  bool   `query:"state" doc:"with the integration states"`
}

type heldInput struct {
	Name   string `path:"name"`
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type trackedAssetInput struct {
	Name string `path:"name"`
	ID   string `path:"id" doc:"base id; digits are an integer, or in double quotes a string"`
}

func (s *Server) trackingRoutes(r *router) {
	tags := []string{"tracked assets"}
	handle(r, huma.Operation{
		OperationID: "list-tracked", Method: http.MethodGet, Path: "/endpoints/{name}/tracked", Tags: tags,
		Summary: "The assets that an endpoint has acknowledged, by id",
	}, func(ctx context.Context, in *trackedInput) (api.TrackedPage, error) {
		page, err := s.service.ListTracked(ctx, in.Name, in.State, api.Page{Cursor: in.Cursor, Limit: in.Limit})
		page.Assets = orEmpty(page.Assets)
		return page, err
	})
	handle(r, huma.Operation{
		OperationID: "get-tracked", Method: http.MethodGet, Path: "/endpoints/{name}/tracked/{id}", Tags: tags,
		Summary: "One asset at an endpoint: what was acknowledged, and what is owed",
	}, func(ctx context.Context, in *trackedAssetInput) (api.TrackedDetail, error) {
		return s.service.GetTracked(ctx, in.Name, in.ID)
	})
	handleJSON[api.ResyncOrder](r, huma.Operation{
		OperationID: "start-resync", Method: http.MethodPost, Path: "/endpoints/{name}/resync", Tags: tags,
		Summary: "Synchronise an endpoint again",
		Description: "It answers when the synchronisation has begun; get-resync says how far it is. " +
			"Without members everything is told; a dry run answers with what would be.",
	}, s.startResync)
	handle(r, huma.Operation{
		OperationID: "get-resync", Method: http.MethodGet, Path: "/endpoints/{name}/resync", Tags: tags,
		Summary: "The last synchronisation of an endpoint, and how far it is",
	}, func(ctx context.Context, in *endpointInput) (api.ResyncState, error) {
		return s.service.GetResync(ctx, in.Name)
	})
	handle(r, huma.Operation{
		OperationID: "stop-resync", Method: http.MethodDelete, Path: "/endpoints/{name}/resync", Tags: tags,
		Summary: "Stop the synchronisation that is running; what it has owed stays owed",
	}, func(ctx context.Context, in *endpointInput) (api.Resync, error) {
		return s.service.StopResync(ctx, in.Name)
	})
	handle(r, huma.Operation{
		OperationID: "list-held", Method: http.MethodGet, Path: "/endpoints/{name}/held", Tags: tags,
		Summary: "The deletions that are held because they were too many at a time, the oldest first",
	}, func(ctx context.Context, in *heldInput) (api.HeldPage, error) {
		page, err := s.service.ListHeld(ctx, in.Name, api.Page{Cursor: in.Cursor, Limit: in.Limit})
		page.Deletions = orEmpty(page.Deletions)
		return page, err
	})
	handle(r, huma.Operation{
		OperationID: "release-deletions", Method: http.MethodPost, Path: "/endpoints/{name}/release", Tags: tags,
		Summary: "Send the deletions that are held because they were too many at a time",
	}, func(ctx context.Context, in *endpointInput) (api.Released, error) {
		return s.service.ReleaseDeletions(ctx, in.Name)
	})
	handle(r, huma.Operation{
		OperationID: "reset-tracked", Method: http.MethodPost, Path: "/endpoints/{name}/reset", Tags: tags,
		Summary: "Forget all that an endpoint has acknowledged, with its integration states",
	}, func(ctx context.Context, in *endpointInput) (api.Reset, error) {
		return s.service.ResetTracked(ctx, in.Name)
	})
}

func (s *Server) startResync(ctx context.Context, in *updateInput) (api.Resync, error) {
	order, err := decodeBody[api.ResyncOrder](in.RawBody)
	if err != nil {
		return api.Resync{}, err
	}
	if len(order.Assets) > resync.MaxAssets {
		return api.Resync{}, invalid("a filter may say which are meant", "%d assets are more than %d", len(order.Assets), resync.MaxAssets)
	}
	for _, id := range order.Assets {
		if id.IsZero() {
			return api.Resync{}, invalid("", "assets: null is no id")
		}
	}
	return s.service.StartResync(ctx, in.Name, order)
}
