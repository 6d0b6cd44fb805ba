package api

import (
	"context"
	"net/http"
)

// GroupCreate registers several endpoints at once, all or none: one for each
// URL, named after the group with a number behind ("shop-1", "shop-2"), and
// otherwise alike. URL is not given.
type GroupCreate struct {
	Name string
	URLs []string
	EndpointUpdate
}

// MarshalJSON writes the name, the URLs and the options beside the other
// members.
func (c GroupCreate) MarshalJSON() ([]byte, error) {
	type update EndpointUpdate
	return marshalFlat(struct {
		Name string   `json:"name"`
		URLs []string `json:"urls"`
		update
	}{c.Name, c.URLs, update(c.EndpointUpdate)}, c.Options)
}

// RemovedList says what went with several endpoints.
type RemovedList struct {
	Removed []Removed `json:"removed"`
}

// CreateGroup registers the endpoints of a group and returns them in the order
// of their URLs. A name that is taken, by an endpoint or a group, is a conflict.
func (c *Client) CreateGroup(ctx context.Context, create GroupCreate) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodPost, route("groups"), nil, create)
	return list.Endpoints, err
}

// Group returns the endpoints of a group. reveal shows their secrets, which
// needs the right to write.
func (c *Client) Group(ctx context.Context, name string, reveal bool) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodGet, route("groups", name), revealValues(reveal), nil)
	return list.Endpoints, err
}

// UpdateGroup changes the endpoints of a group, all or none of them.
func (c *Client) UpdateGroup(ctx context.Context, name string, update EndpointUpdate) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodPatch, route("groups", name), nil, update)
	return list.Endpoints, err
}

// EnableGroup switches the endpoints of a group on.
func (c *Client) EnableGroup(ctx context.Context, name string) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodPost, route("groups", name, "enable"), nil, nil)
	return list.Endpoints, err
}

// DisableGroup switches the endpoints of a group off.
func (c *Client) DisableGroup(ctx context.Context, name string) ([]Endpoint, error) {
	list, err := call[EndpointList](ctx, c, http.MethodPost, route("groups", name, "disable"), nil, nil)
	return list.Endpoints, err
}

// RemoveGroup forgets the endpoints of a group and what they are owed.
func (c *Client) RemoveGroup(ctx context.Context, name string) ([]Removed, error) {
	list, err := call[RemovedList](ctx, c, http.MethodDelete, route("groups", name), nil, nil)
	return list.Removed, err
}
