package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// huma finds no parameters in embedded fields that are not exported, so inputs
// repeat what they have in common.

type endpointInput struct {
	Name string `path:"name"`
}

type listInput struct {
	Reveal bool `query:"reveal" doc:"show secrets; needs the right to write"`
}

type getInput struct {
	Name   string `path:"name"`
	Reveal bool   `query:"reveal" doc:"show secrets; needs the right to write"`
}

type updateInput struct {
	Name    string `path:"name"`
	RawBody []byte `contentType:"application/json"`
}

func (s *Server) endpointRoutes(r *router) {
	tags := []string{"endpoints"}
	handle(r, huma.Operation{
		OperationID: "list-endpoints", Method: http.MethodGet, Path: "/endpoints", Tags: tags,
		Summary: "All endpoints, by name",
	}, s.listEndpoints)
	handleJSON[api.EndpointCreate](r, huma.Operation{
		OperationID: "create-endpoint", Method: http.MethodPost, Path: "/endpoints", Tags: tags,
		Summary: "Register an endpoint", DefaultStatus: http.StatusCreated,
	}, s.createEndpoint)
	handle(r, huma.Operation{
		OperationID: "get-endpoint", Method: http.MethodGet, Path: "/endpoints/{name}", Tags: tags,
		Summary: "One endpoint",
	}, s.getEndpoint)
	handleJSON[api.EndpointUpdate](r, huma.Operation{
		OperationID: "update-endpoint", Method: http.MethodPatch, Path: "/endpoints/{name}", Tags: tags,
		Summary: "Change an endpoint",
		Description: "A JSON merge patch: absent members stay, null means the default, headers merge by name. " +
			`A secret sent back as it is shown, "***", stays as it is stored.`,
	}, s.updateEndpoint)
	handle(r, huma.Operation{
		OperationID: "remove-endpoint", Method: http.MethodDelete, Path: "/endpoints/{name}", Tags: tags,
		Summary: "Forget an endpoint and what it is owed",
	}, func(ctx context.Context, in *endpointInput) (api.Removed, error) {
		return s.service.RemoveEndpoint(ctx, in.Name)
	})
	handle(r, huma.Operation{
		OperationID: "enable-endpoint", Method: http.MethodPost, Path: "/endpoints/{name}/enable", Tags: tags,
		Summary: "Switch an endpoint on; one that is gone is tried again",
	}, s.switchEndpoint(true))
	handle(r, huma.Operation{
		OperationID: "disable-endpoint", Method: http.MethodPost, Path: "/endpoints/{name}/disable", Tags: tags,
		Summary: "Switch an endpoint off; it goes on collecting what it is owed",
	}, s.switchEndpoint(false))
	handleJSON[api.SecretRotation](r, huma.Operation{
		OperationID: "rotate-secret", Method: http.MethodPost, Path: "/endpoints/{name}/rotate-secret", Tags: tags,
		Summary: "Sign with another secret from now on; the one before goes on signing beside it for a while",
	}, s.rotateSecret)
	handle(r, huma.Operation{
		OperationID: "test-endpoint", Method: http.MethodPost, Path: "/endpoints/{name}/test", Tags: tags,
		Summary: "Send one marked notification now and show the exchange; if it is delivered, a sick endpoint is probed now",
	}, func(ctx context.Context, in *endpointInput) (api.Exchange, error) {
		return s.service.TestEndpoint(ctx, in.Name)
	})
}

func (s *Server) listEndpoints(ctx context.Context, in *listInput) (api.EndpointList, error) {
	states, err := s.service.ListEndpoints(ctx)
	if err != nil {
		return api.EndpointList{}, err
	}
	return s.showAll(states, in.Reveal)
}

func (s *Server) getEndpoint(ctx context.Context, in *getInput) (api.Endpoint, error) {
	state, err := s.service.GetEndpoint(ctx, in.Name)
	if err != nil {
		return api.Endpoint{}, err
	}
	return s.show(state, in.Reveal)
}

func (s *Server) createEndpoint(ctx context.Context, in *jsonInput) (api.Endpoint, error) {
	members, err := decodeMembers(in.RawBody)
	if err != nil {
		return api.Endpoint{}, err
	}
	ep, err := patch(members).create(s.service.Style)
	if err != nil {
		return api.Endpoint{}, err
	}
	state, err := s.service.CreateEndpoint(ctx, ep)
	if err != nil {
		return api.Endpoint{}, err
	}
	return s.show(state, false)
}

func (s *Server) updateEndpoint(ctx context.Context, in *updateInput) (api.Endpoint, error) {
	members, err := decodeMembers(in.RawBody)
	if err != nil {
		return api.Endpoint{}, err
	}
	state, err := s.service.UpdateEndpoint(ctx, in.Name, func(ep *endpoint.Endpoint) error {
		return patch(members).apply(ep, s.service.Style)
	})
	if err != nil {
		return api.Endpoint{}, err
	}
	return s.show(state, false)
}

func (s *Server) switchEndpoint(enabled bool) func(context.Context, *endpointInput) (api.Endpoint, error) {
	return func(ctx context.Context, in *endpointInput) (api.Endpoint, error) {
		state, err := s.service.SetEndpointEnabled(ctx, in.Name, enabled)
		if err != nil {
			return api.Endpoint{}, err
		}
		return s.show(state, false)
	}
}

// show makes the view of an endpoint. A style that is no longer known has no
// options that could be shown.
func (s *Server) show(state EndpointState, reveal bool) (api.Endpoint, error) {
	style, _ := s.service.Style(state.Endpoint.Style)
	return view(state, style, reveal)
}
