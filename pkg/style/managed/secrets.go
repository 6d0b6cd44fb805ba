package managed

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// Any value in a configuration may be a key to something. So a configuration is shown
// with every value masked, and what a receiver repeats of it is masked where it is
// found: long texts and numbers anywhere; any value behind its name, so that a short
// one is not shown either, and JSON stays JSON.

// maskConfiguration returns a configuration as it may be shown, and its secrets. That
// there is none is no secret.
func maskConfiguration(raw json.RawMessage) (shown json.RawMessage, secrets []attempt.Secret, err error) {
	value, err := endpoint.DecodeJSON(raw)
	if err != nil || value == nil {
		return raw, nil, err
	}
	if secrets, err = secretsIn(value); err != nil {
		return nil, nil, err
	}
	shown, err = endpoint.MaskJSON(raw)
	return shown, secrets, err
}

func secretsIn(value any) (secrets []attempt.Secret, err error) {
	add := func(inner any) error {
		more, err := secretsIn(inner)
		secrets = append(secrets, more...)
		return err
	}
	switch v := value.(type) {
	case string:
		secrets = append(secrets, attempt.Secret{Text: v})
		if written := rawjson.AppendString(nil, []byte(v)); len(written) != len(v)+2 {
			secrets = append(secrets, attempt.Secret{Text: string(written[1 : len(written)-1])})
		}
	case json.Number:
		secrets = append(secrets, attempt.Secret{Text: v.String()})
	case []any:
		for _, element := range v {
			if err := add(element); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name, member := range v {
			if isFlat(member) {
				named, err := named(name, member)
				if err != nil {
					return nil, err
				}
				secrets = append(secrets, named...)
			}
			if err := add(member); err != nil {
				return nil, err
			}
		}
	}
	return secrets, nil
}

// isFlat reports whether a value is no object, and no array of objects or arrays: those
// are masked by what is in them.
func isFlat(value any) bool {
	isNested := func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	}
	elements, isArray := value.([]any)
	return isArray && !slices.ContainsFunc(elements, isNested) || !isNested(value)
}

// named returns a member as receivers repeat it: in the JSON that they were sent, or
// in their own with a space, and both in a string.
func named(name string, value any) ([]attempt.Secret, error) {
	written, err := endpoint.EncodeJSON(value)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", name, err)
	}
	masked, err := endpoint.MaskJSON(written)
	if err != nil {
		return nil, fmt.Errorf("member %q: %w", name, err)
	}
	secrets := make([]attempt.Secret, 0, 4)
	for _, colon := range []string{":", ": "} {
		before := string(rawjson.AppendString(nil, []byte(name))) + colon
		s := attempt.Secret{Text: before + string(written), Shown: before + string(masked)}
		secrets = append(secrets, s, attempt.Secret{Text: quoted(s.Text), Shown: quoted(s.Shown)})
	}
	return secrets, nil
}

// quoted writes a text as it stands in a string of JSON.
func quoted(text string) string {
	written := rawjson.AppendString(nil, []byte(text))
	return string(written[1 : len(written)-1])
}
