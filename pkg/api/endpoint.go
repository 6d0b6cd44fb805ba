package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// plainEndpoint is an Endpoint without its methods.
type plainEndpoint Endpoint

// MarshalJSON writes the options of the style beside the other members, lists
// as arrays and headers as an object, never null.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	for _, list := range []*[]string{&e.Events, &e.Fields, &e.ExcludeFields, &e.Reasons, &e.Defaults} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, list := range []*[]event.ID{&e.Formats, &e.Channels} {
		if *list == nil {
			*list = []event.ID{}
		}
	}
	if e.Retry == nil {
		e.Retry = endpoint.Schedule{}
	}
	if e.Signing == nil {
		e.Signing = []SigningSecret{}
	}
	if e.Headers == nil {
		e.Headers = map[string]string{}
	}
	return marshalFlat(plainEndpoint(e), e.Options)
}

// UnmarshalJSON takes members that are not an endpoint's for options of its
// style.
func (e *Endpoint) UnmarshalJSON(raw []byte) error {
	var plain plainEndpoint
	if err := json.Unmarshal(raw, &plain); err != nil {
		return fmt.Errorf("read endpoint: %w", err)
	}
	var options map[string]json.RawMessage
	if err := json.Unmarshal(raw, &options); err != nil {
		return fmt.Errorf("read endpoint: %w", err)
	}
	for _, name := range EndpointMembers() {
		delete(options, name)
	}
	*e = Endpoint(plain)
	e.Options = options
	return nil
}

// EndpointMembers returns the names of the members that every endpoint has; any
// other member is an option of its style.
func EndpointMembers() []string {
	t := reflect.TypeFor[plainEndpoint]()
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// marshalFlat writes a struct and, behind its members, options by name. An
// option never takes the place of a member of an endpoint.
func marshalFlat[V any](members any, options map[string]V) ([]byte, error) {
	text, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("write endpoint: %w", err)
	}
	text = text[:len(text)-1] // without the closing brace
	known := EndpointMembers()
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if slices.Contains(known, name) {
			return nil, fmt.Errorf("write endpoint: %q is a member, not an option of the style", name)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("write endpoint: %w", err)
		}
		value, err := json.Marshal(options[name])
		if err != nil {
			return nil, fmt.Errorf("write endpoint: option %s: %w", name, err)
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(append(text, key...), ':'), value...)
	}
	return append(text, '}'), nil
}
