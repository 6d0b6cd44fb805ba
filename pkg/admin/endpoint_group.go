package admin

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

func (s *Server) groupRoutes(r *router) {
	tags := []string{"endpoint groups"}
	handleJSON[api.GroupCreate](r, huma.Operation{
		OperationID: "create-group", Method: http.MethodPost, Path: "/groups", Tags: tags,
		Summary: "Register an endpoint for each of several URLs, all or none", DefaultStatus: http.StatusCreated,
	}, s.createGroup)
	handle(r, huma.Operation{
		OperationID: "get-group", Method: http.MethodGet, Path: "/groups/{name}", Tags: tags,
		Summary: "The endpoints of a group",
	}, s.getGroup)
	handleJSON[api.EndpointUpdate](r, huma.Operation{
		OperationID: "update-group", Method: http.MethodPatch, Path: "/groups/{name}", Tags: tags,
		Summary:     "Change the endpoints of a group, all or none",
		Description: "As an endpoint is changed; but each endpoint keeps its own URL.",
	}, s.updateGroup)
	handle(r, huma.Operation{
		OperationID: "remove-group", Method: http.MethodDelete, Path: "/groups/{name}", Tags: tags,
		Summary: "Forget the endpoints of a group and what they are owed",
	}, func(ctx context.Context, in *endpointInput) (api.RemovedList, error) {
		removed, err := s.service.RemoveGroup(ctx, in.Name)
		return api.RemovedList{Removed: orEmpty(removed)}, err
	})
	handle(r, huma.Operation{
		OperationID: "enable-group", Method: http.MethodPost, Path: "/groups/{name}/enable", Tags: tags,
		Summary: "Switch the endpoints of a group on",
	}, s.switchGroup(true))
	handle(r, huma.Operation{
		OperationID: "disable-group", Method: http.MethodPost, Path: "/groups/{name}/disable", Tags: tags,
		Summary: "Switch the endpoints of a group off",
	}, s.switchGroup(false))
}

func (s *Server) createGroup(ctx context.Context, in *jsonInput) (api.EndpointList, error) {
	members, err := decodeMembers(in.RawBody)
	if err != nil {
		return api.EndpointList{}, err
	}
	eps, err := patch(members).createGroup(s.service.Style)
	if err != nil {
		return api.EndpointList{}, err
	}
	states, err := s.service.CreateGroup(ctx, eps)
	if err != nil {
		return api.EndpointList{}, err
	}
	return s.showAll(states, false)
}

func (s *Server) getGroup(ctx context.Context, in *getInput) (api.EndpointList, error) {
	states, err := s.service.GetGroup(ctx, in.Name)
	if err != nil {
		return api.EndpointList{}, err
	}
	return s.showAll(states, in.Reveal)
}

func (s *Server) updateGroup(ctx context.Context, in *updateInput) (api.EndpointList, error) {
	members, err := decodeMembers(in.RawBody)
	if err != nil {
		return api.EndpointList{}, err
	}
	if _, given := members["url"]; given {
		return api.EndpointList{}, invalid("change that of one of its endpoints", "the endpoints of group %.80s have a URL each", in.Name)
	}
	states, err := s.service.UpdateGroup(ctx, in.Name, func(ep *endpoint.Endpoint) error {
		return patch(members).apply(ep, s.service.Style)
	})
	if err != nil {
		return api.EndpointList{}, err
	}
	return s.showAll(states, false)
}

func (s *Server) switchGroup(enabled bool) func(context.Context, *endpointInput) (api.EndpointList, error) {
	return func(ctx context.Context, in *endpointInput) (api.EndpointList, error) {
		states, err := s.service.SetGroupEnabled(ctx, in.Name, enabled)
		if err != nil {
			return api.EndpointList{}, err
		}
		return s.showAll(states, false)
	}
}

// showAll makes the views of endpoints.
func (s *Server) showAll(states []EndpointState, reveal bool) (api.EndpointList, error) {
	list := api.EndpointList{Endpoints: make([]api.Endpoint, len(states))}
	for i, state := range states {
		var err error
		if list.Endpoints[i], err = s.show(state, reveal); err != nil {
			return api.EndpointList{}, err
		}
	}
	return list, nil
}

// createGroup makes the endpoints of a new group of a request: one for each of
// its member "urls", and otherwise alike.
func (p patch) createGroup(styleOf func(name string) (Style, bool)) ([]endpoint.Endpoint, error) {
	var group string
	var urls []string
	for name, target := range map[string]any{"name": &group, "urls": &urls} {
		if err := json.Unmarshal(p[name], target); p[name] != nil && err != nil {
			return nil, invalid("", "%s", describeJSON(name, err))
		}
	}
	if _, given := p["url"]; given {
		return nil, invalid("write all of them in urls", "member url is for one endpoint, not for a group")
	}
	if group == "" {
		return nil, invalid("", "%s", endpoint.CheckName(group))
	}
	if err := endpoint.CheckGroup(group, urls); err != nil {
		return nil, invalid("", "%s", err)
	}
	eps := make([]endpoint.Endpoint, len(urls))
	for i, url := range urls {
		member := maps.Clone(p)
		delete(member, "urls")
		var err error
		if member["name"], err = json.Marshal(endpoint.MemberName(group, i+1)); err != nil {
			return nil, err
		}
		if member["url"], err = json.Marshal(url); err != nil {
			return nil, err
		}
		if eps[i], err = member.create(styleOf); err != nil {
			return nil, err
		}
		eps[i].Group = group
	}
	return eps, nil
}
