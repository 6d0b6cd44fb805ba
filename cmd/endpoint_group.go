package cmd

import (
	"errors"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// meant is what a name stands for: an endpoint, or the endpoints of a group.
type meant[T any] struct {
	list  []T
	group bool
}

// byName does something with the endpoint of a name or, if there is none, with
// the group of that name: no name is given to both.
func byName[T any](one func() (T, error), all func() ([]T, error)) (meant[T], error) {
	single, err := one()
	if err == nil {
		return meant[T]{list: []T{single}}, nil
	}
	if !isNotFound(err) {
		return meant[T]{}, err
	}
	list, groupErr := all()
	if isNotFound(groupErr) {
		return meant[T]{}, err // it names the nearest of both kinds
	}
	return meant[T]{list, true}, groupErr
}

func isNotFound(err error) bool {
	var told *api.Error
	return errors.As(err, &told) && told.Code == api.CodeNotFound
}

// value is what scripts are given: an object, or an array for a group.
func (m meant[T]) value() any {
	if m.group {
		return m.list
	}
	return m.list[0]
}

// names returns the names of what is meant.
func (m meant[T]) names(name func(T) string) []string {
	names := make([]string, len(m.list))
	for i, one := range m.list {
		names[i] = name(one)
	}
	return names
}

// done prints what was done to endpoints: "endpoint shop removed", or "endpoints
// shop-1, shop-2 removed".
func (m meant[T]) done(out *render.Printer, name func(T) string, verb string, properties ...render.Property) error {
	names := m.names(name)
	noun := "endpoint "
	if m.group {
		noun = "endpoints "
	}
	return out.Results(m.value(), names, noun+strings.Join(names, ", ")+" "+verb, properties...)
}

func endpointName(ep api.Endpoint) string { return ep.Name }
