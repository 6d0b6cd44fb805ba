package api

import (
	"encoding/json"
	"fmt"

	"github.com/dam-delivery/dz/pkg/event"
)

// plainEndpoint is an Endpoint without its options and methods.
type plainEndpoint Endpoint

// MarshalJSON writes the options of the style beside the other members, lists
// as arrays, and headers as an object, never null.
func (e Endpoint) MarshalJSON() ([]byte, error) {
	for _, list := range []*[]string{&e.Events, &e.Fields, &e.ExcludeFields, &e.Reasons} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, list := range []*[]event.ID{&e.Formats, &e.Channels} {
		if *list == nil {
			*list = []event.ID{}
		}
	}
	if e.Headers == nil {
		e.Headers = map[string]string{}
	}
	members, err := flatten(plainEndpoint(e), e.Options)
	if err != nil {
		return nil, err
	}
	return json.Marshal(members)
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
	known, err := flatten[json.RawMessage](plainEndpoint{}, nil)
	if err != nil {
		return err
	}
	for name := range known {
		delete(options, name)
	}
	*e = Endpoint(plain)
	e.Options = options
	return nil
}
