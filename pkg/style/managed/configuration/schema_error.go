package configuration

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaError says why a document is no schema.
func schemaError(err error, document any) error {
	var (
		invalid *jsonschema.SchemaValidationError
		load    *jsonschema.LoadURLError
		pattern *jsonschema.InvalidRegexError
		place   *jsonschema.ValidationError
	)
	switch {
	case errors.As(err, &invalid) && errors.As(invalid.Err, &place):
		return describe(place)
	case errors.As(err, &load):
		return foreign(load.URL, document)
	case errors.As(err, &pattern):
		return fmt.Errorf("%s: pattern %s can't be used: %w", pointerOf(pattern.URL), shorten(pattern.Regex), pattern.Err)
	default:
		return errors.New(shorten(strings.ReplaceAll(err.Error(), base+schemaName, "")))
	}
}

// foreign says that a schema refers to another one.
func foreign(url string, document any) error {
	root, _ := document.(map[string]any)
	if named, ok := root["$schema"].(string); ok && strings.TrimSuffix(named, "#") == url {
		return fmt.Errorf("/$schema: %s is no draft that is known: 2020-12, 2019-09, draft-07, draft-06 and draft-04 are", shorten(url))
	}
	return fmt.Errorf("it refers to %s, and %w, neither from the network nor from files: write what it refers to into its $defs",
		shorten(strings.TrimPrefix(url, base)), errFetch)
}

// pointerOf returns the place that a URL names in a schema.
func pointerOf(url string) string {
	_, pointer, _ := strings.Cut(url, "#")
	return pointer
}
