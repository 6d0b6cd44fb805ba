package admin

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

const (
	// changesMember is the member of a request that changes single values of an
	// endpoint's configuration.
	changesMember = "configurationChanges"
	// configurationOption is the option of a style that it changes.
	configurationOption = "configuration"
)

// changeConfiguration changes single values of the configuration among options,
// in the order in which they are sent. No error repeats a value.
func changeConfiguration(options map[string]json.RawMessage, ep *endpoint.Endpoint, style Style, raw json.RawMessage) error {
	if option, known := style.option(configurationOption); !known || !option.JSON {
		return invalid("only endpoints of a style that has one, such as managed, are configured",
			"style %.80s of endpoint %.80s has no configuration", ep.Style, ep.Name)
	}
	var changes []api.ConfigurationChange
	if err := set(raw, changesMember, &changes); err != nil {
		return err
	}
	stored := options[configurationOption]
	changed, err := changeValues(stored, changes)
	if err != nil {
		return invalid("", "configuration: %s", err)
	}
	if changed, err = endpoint.UnmaskJSON(changed, stored); err != nil {
		return invalid("write its value", "configuration: %s", err)
	}
	options[configurationOption] = changed
	return nil
}

// changeValues applies changes to a configuration, nil for none.
func changeValues(stored json.RawMessage, changes []api.ConfigurationChange) (json.RawMessage, error) {
	var root any = map[string]any{}
	var err error
	if stored != nil {
		if root, err = endpoint.DecodeJSON(stored); err != nil {
			return nil, err
		}
	}
	for i, change := range changes {
		switch {
		case change.Remove == (change.Value != nil):
			return nil, fmt.Errorf("change %d has neither a value nor remove, or both", i+1)
		case change.Remove:
			err = endpoint.UnsetJSON(root, change.Path)
		default:
			var value any
			if value, err = endpoint.DecodeJSON(change.Value); err == nil {
				root, err = endpoint.SetJSON(root, change.Path, value)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if _, ok := root.(map[string]any); !ok {
		return nil, errors.New("it is not an object")
	}
	return endpoint.EncodeJSON(root)
}
