package daemon

import (
	"context"
	"errors"
	"strings"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/store"
)

// service is the daemon as the admin API sees it.
type service Daemon

var _ admin.Service = (*service)(nil)

// Version says what program this is.
func (s *service) Version(context.Context) (api.Version, error) { return s.opts.Version, nil }

// Status says how everything is.
func (s *service) Status(ctx context.Context) (api.Status, error) { return (*Daemon)(s).status(ctx) }

// invalid is an error that a person can mend.
func invalid(err error) error {
	return &api.Error{Code: api.CodeInvalid, Message: err.Error()}
}

// told turns the store's errors into those of the API.
func told(err error) error {
	var already *api.Error
	switch {
	case err == nil, errors.As(err, &already):
		return err
	case errors.Is(err, store.ErrNotFound):
		return &api.Error{Code: api.CodeNotFound, Message: err.Error()}
	case errors.Is(err, store.ErrExists):
		return &api.Error{Code: api.CodeConflict, Message: err.Error()}
	case errors.Is(err, store.ErrFull):
		return &api.Error{Code: api.CodeFull, Message: err.Error()}
	default:
		return err
	}
}

// toldUnread turns what keeps the catalogue from being read into an error of the
// API, and is told for all else.
func toldUnread(err error) error {
	var unread *catalogue.ReadError
	if !errors.As(err, &unread) {
		return told(err)
	}
	return &api.Error{Code: api.CodeInternal, Message: unread.Error(), Hint: "'dz config check' shows how the DAM is read (catalogue)"}
}

// noEndpoint is the error for a name that is not registered, or is a group's
// where one endpoint is meant.
func (s *service) noEndpoint(name string, err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return told(err)
	}
	if lanes, err := s.registry.group(name); err == nil {
		return &api.Error{
			Code: api.CodeNotFound, Message: quote(name) + " is a group of endpoints",
			Hint: "name one of them: " + strings.Join(laneNames(lanes), ", "),
		}
	}
	names := append(laneNames(s.registry.all()), s.groups()...)
	return &api.Error{
		Code: api.CodeNotFound, Message: "there is no endpoint " + quote(name) + nearest(name, names),
		Hint: "'dz endpoint list' shows what there is",
	}
}

// laneNames returns the names of lanes' endpoints.
func laneNames(lanes []*lane) []string {
	names := make([]string, len(lanes))
	for i, l := range lanes {
		names[i] = l.settings.Load().ep.Name
	}
	return names
}
