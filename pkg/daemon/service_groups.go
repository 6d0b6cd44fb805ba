package daemon

import (
	"context"
	"errors"
	"slices"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// GetGroup returns the endpoints of a group.
func (s *service) GetGroup(_ context.Context, name string) ([]admin.EndpointState, error) {
	lanes, err := s.registry.group(name)
	if err != nil {
		return nil, s.noGroup(name, err)
	}
	states := make([]admin.EndpointState, len(lanes))
	for i, l := range lanes {
		states[i] = stateOf(l)
	}
	return states, nil
}

// CreateGroup registers the endpoints of a group, all or none of them.
func (s *service) CreateGroup(ctx context.Context, eps []endpoint.Endpoint) ([]admin.EndpointState, error) {
	added, err := s.registry.addAll(ctx, eps, s.now())
	if errors.Is(err, store.ErrExists) {
		return nil, &api.Error{
			Code: api.CodeConflict, Message: err.Error(), Hint: "give the group another name, or remove what has this one",
		}
	}
	if err != nil {
		return nil, told(err)
	}
	return s.states(added), nil
}

// UpdateGroup changes the endpoints of a group.
func (s *service) UpdateGroup(ctx context.Context, name string, change func(*endpoint.Endpoint) error) ([]admin.EndpointState, error) {
	updated, err := s.registry.updateGroup(ctx, name, s.now(), change)
	if err != nil {
		return nil, s.noGroup(name, err)
	}
	return s.states(updated), nil
}

// SetGroupEnabled switches the endpoints of a group on or off.
func (s *service) SetGroupEnabled(ctx context.Context, name string, enabled bool) ([]admin.EndpointState, error) {
	updated, err := s.registry.enableGroup(ctx, name, enabled, s.now())
	if err != nil {
		return nil, s.noGroup(name, err)
	}
	return s.states(updated), nil
}

// RemoveGroup forgets the endpoints of a group and what they are owed.
func (s *service) RemoveGroup(ctx context.Context, name string) ([]api.Removed, error) {
	removed, err := s.registry.removeGroup(ctx, name)
	if err != nil {
		return nil, s.noGroup(name, err)
	}
	all := make([]api.Removed, len(removed))
	for i, r := range removed {
		all[i] = removedOf(r)
	}
	return all, nil
}

func (s *service) states(eps []endpoint.Endpoint) []admin.EndpointState {
	states := make([]admin.EndpointState, len(eps))
	for i, ep := range eps {
		states[i] = s.state(ep)
	}
	return states
}

// noGroup is the error for the name of no group.
func (s *service) noGroup(name string, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return told(err)
	}
	return &api.Error{
		Code: api.CodeNotFound, Message: "there is no endpoint group " + quote(name) + nearest(name, s.groups()),
		Hint: "'dz endpoint list' shows what there is",
	}
}

// groups returns the names of the groups, sorted.
func (s *service) groups() []string {
	var names []string
	for _, l := range s.registry.all() {
		if group := l.settings.Load().ep.Group; group != "" {
			names = append(names, group)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// named returns the ids of the endpoint, or of the group's endpoints, of that
// name; none if there is no name.
func (s *service) named(name string) ([]uint64, error) {
	if name == "" {
		return nil, nil
	}
	lanes, err := s.registry.named(name)
	if err != nil {
		return nil, s.noEndpoint(name, err)
	}
	ids := make([]uint64, len(lanes))
	for i, l := range lanes {
		ids[i] = l.settings.Load().ep.ID
	}
	return ids, nil
}
