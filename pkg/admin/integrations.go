package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// integrationStyle is the style of the endpoints that are managed integrations.
// They are the same endpoints here as under /endpoints, in the words of KeyShot
// Dock's API, so that who has been setting integrations up there can go on here.
const integrationStyle = "managed"

type integrationInput struct {
	ID string `path:"id"`
}

type getIntegrationInput struct {
	ID     string `path:"id"`
	Reveal bool   `query:"reveal" doc:"show secrets; needs the right to write"`
}

type changeIntegrationInput struct {
	ID      string `path:"id"`
	RawBody []byte `contentType:"application/json"`
}

func (s *Server) integrationRoutes(r *router) {
	tags := []string{"managed integrations"}
	handle(r, huma.Operation{
		OperationID: "list-integrations", Method: http.MethodGet, Path: "/managed-integrations", Tags: tags,
		Summary: "All managed integrations, by name",
	}, s.listIntegrations)
	handleJSON[api.IntegrationUpdate](r, huma.Operation{
		OperationID: "create-integration", Method: http.MethodPost, Path: "/managed-integrations", Tags: tags,
		Summary: "Register a managed integration", DefaultStatus: http.StatusCreated,
		Description: "It is an endpoint of style managed, and has what else that has under /endpoints.",
	}, s.createIntegration)
	handle(r, huma.Operation{
		OperationID: "get-integration", Method: http.MethodGet, Path: "/managed-integrations/{id}", Tags: tags,
		Summary: "One managed integration",
	}, s.getIntegration)
	handleJSON[api.IntegrationUpdate](r, huma.Operation{
		OperationID: "update-integration", Method: http.MethodPatch, Path: "/managed-integrations/{id}", Tags: tags,
		Summary: "Change a managed integration",
		Description: "A JSON merge patch: absent members stay, null means the default, headers merge by name, a configuration " +
			`is replaced as a whole. A secret sent back as it is shown, "***", stays as it is stored.`,
	}, s.changeIntegration(func(_ *endpoint.Endpoint, members integration) integration { return members }))
	handleJSON[api.IntegrationUpdate](r, huma.Operation{
		OperationID: "replace-integration", Method: http.MethodPut, Path: "/managed-integrations/{id}", Tags: tags,
		Summary: "Replace the settings of a managed integration",
		Description: "Absent members go back to their defaults; settings of the endpoint that are no members here stay. " +
			`A secret sent back as it is shown, "***", stays as it is stored.`,
	}, s.changeIntegration(whole))
	handle(r, huma.Operation{
		OperationID: "remove-integration", Method: http.MethodDelete, Path: "/managed-integrations/{id}", Tags: tags,
		Summary: "Forget a managed integration and what it is owed",
	}, s.removeIntegration)
}

func (s *Server) listIntegrations(ctx context.Context, in *listInput) (api.IntegrationList, error) {
	states, err := s.service.ListEndpoints(ctx)
	if err != nil {
		return api.IntegrationList{}, err
	}
	list := api.IntegrationList{Integrations: []api.Integration{}}
	for _, state := range states {
		if state.Endpoint.Style != integrationStyle {
			continue
		}
		shown, err := s.showIntegration(state, in.Reveal)
		if err != nil {
			return api.IntegrationList{}, err
		}
		list.Integrations = append(list.Integrations, shown)
	}
	return list, nil
}

func (s *Server) getIntegration(ctx context.Context, in *getIntegrationInput) (api.Integration, error) {
	state, err := s.integration(ctx, in.ID)
	if err != nil {
		return api.Integration{}, err
	}
	return s.showIntegration(state, in.Reveal)
}

func (s *Server) createIntegration(ctx context.Context, in *jsonInput) (api.Integration, error) {
	members, err := decodeIntegration(in.RawBody)
	if err != nil {
		return api.Integration{}, err
	}
	p, err := members.patch()
	if err != nil {
		return api.Integration{}, err
	}
	p["style"] = []byte(`"` + integrationStyle + `"`)
	p["changeTypes"] = []byte(`["` + event.AssetChanged.String() + `"]`)
	ep, err := p.create(s.service.Style)
	if err != nil {
		return api.Integration{}, inItsWords(err)
	}
	state, err := s.service.CreateEndpoint(ctx, ep)
	if err != nil {
		return api.Integration{}, inItsWords(err)
	}
	return s.showIntegration(state, false)
}

// changeIntegration changes an integration by the members that meant makes of
// those that were sent.
func (s *Server) changeIntegration(meant func(ep *endpoint.Endpoint, sent integration) integration) func(context.Context, *changeIntegrationInput) (api.Integration, error) {
	return func(ctx context.Context, in *changeIntegrationInput) (api.Integration, error) {
		members, err := decodeIntegration(in.RawBody)
		if err != nil {
			return api.Integration{}, err
		}
		state, err := s.service.UpdateEndpoint(ctx, in.ID, func(ep *endpoint.Endpoint) error {
			if err := mustBeIntegration(ep); err != nil {
				return err
			}
			p, err := meant(ep, members).patch()
			if err != nil {
				return err
			}
			return p.apply(ep, s.service.Style)
		})
		if err != nil {
			return api.Integration{}, inItsWords(err)
		}
		return s.showIntegration(state, false)
	}
}

func (s *Server) removeIntegration(ctx context.Context, in *integrationInput) (api.Removed, error) {
	if _, err := s.integration(ctx, in.ID); err != nil {
		return api.Removed{}, err
	}
	return s.service.RemoveEndpoint(ctx, in.ID)
}

// integration returns the endpoint of that name if it is one of style managed.
func (s *Server) integration(ctx context.Context, name string) (EndpointState, error) {
	state, err := s.service.GetEndpoint(ctx, name)
	if err != nil {
		return EndpointState{}, err
	}
	return state, mustBeIntegration(&state.Endpoint)
}

func mustBeIntegration(ep *endpoint.Endpoint) error {
	if ep.Style == integrationStyle {
		return nil
	}
	return &api.Error{
		Code:    api.CodeNotFound,
		Message: "endpoint " + ep.Name + " is no managed integration",
		Hint:    "it is of style " + ep.Style + ": see " + api.Root + "/endpoints/" + ep.Name,
	}
}
