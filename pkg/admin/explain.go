package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
)

type explainInput struct {
	Of       string `query:"of" required:"true" minLength:"1" doc:"an event's id; or an object: kind/id, or an id"`
	Endpoint string `query:"endpoint" doc:"only this endpoint, or group"`
}

func (s *Server) explainRoutes(r *router) {
	handle(r, huma.Operation{
		OperationID: "explain", Method: http.MethodGet, Path: "/explain", Tags: []string{"events"},
		Summary: "Why endpoints were told of an event, or of an object, or not",
	}, func(ctx context.Context, in *explainInput) (api.Explanation, error) {
		e, err := s.service.Explain(ctx, in.Of, in.Endpoint)
		e.Recent, e.Endpoints = orEmpty(e.Recent), orEmpty(e.Endpoints)
		for i := range e.Endpoints {
			e.Endpoints[i].Steps, e.Endpoints[i].Owed = orEmpty(e.Endpoints[i].Steps), orEmpty(e.Endpoints[i].Owed)
		}
		return e, err
	})
}
