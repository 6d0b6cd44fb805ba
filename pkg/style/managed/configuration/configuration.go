// Package configuration owns what a managed integration may be configured with:
// a JSON object, which a JSON Schema of the integration's own may describe.
//
// Schemas are those of https://json-schema.org, draft 2020-12 unless $schema
// names an older one (2019-09, 07, 06, 04). Patterns (RE2) and formats are
// asserted. Both texts come from strangers: nothing that a schema refers to is
// fetched, and what it may cost to check is bounded.
//
// A configuration holds secrets. Errors name places and reasons, and never
// repeat a value of it.
package configuration

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Names of the two texts in errors.
const (
	configurationName = "configuration"
	schemaName        = "configurationSchema"
)

// base is where a schema is said to lie, so that what it refers to has an address.
const base = "dz:///"

// Schema is a compiled schema. Its zero value takes any object. It may be used by
// several goroutines at a time, which wait for one another.
type Schema struct {
	mu       sync.Mutex
	compiled *jsonschema.Schema
	effort   effort
}

// Compile reads a schema; none, or null, takes any object. The error says why it
// is no schema that can be used.
func Compile(schema json.RawMessage) (*Schema, error) {
	if isNone(schema) {
		return &Schema{}, nil
	}
	s, err := compile(schema)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaName, err)
	}
	return s, nil
}

func compile(schema json.RawMessage) (s *Schema, err error) {
	document, err := decode(schema, maxTerms)
	if err != nil {
		return nil, err
	}
	switch document.(type) {
	case map[string]any, bool:
	default:
		return nil, fmt.Errorf("a schema is an object, not %s", kindOf(document))
	}
	defer recovered(&err)
	s = &Schema{}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(nothing{})
	compiler.UseRegexpEngine(s.effort.pattern)
	if err := compiler.AddResource(base+schemaName, document); err != nil {
		return nil, schemaError(err, document)
	}
	if s.compiled, err = compiler.Compile(base + schemaName); err != nil {
		return nil, schemaError(err, document)
	}
	s.effort.watch(s.compiled)
	return s, nil
}

// Check reports where a configuration is not what the schema wants, and why: by
// JSON pointer, "/apiKey: missing (required)", the first ten in the order of
// their places. None, or null, is checked as an empty object.
func (s *Schema) Check(configuration json.RawMessage) error {
	if isNone(configuration) {
		configuration = json.RawMessage("{}")
	}
	if err := s.check(configuration); err != nil {
		return fmt.Errorf("%s: %w", configurationName, err)
	}
	return nil
}

func (s *Schema) check(configuration json.RawMessage) (err error) {
	value, err := decode(configuration, maxValues)
	if err != nil {
		return err
	}
	if _, ok := value.(map[string]any); !ok {
		return fmt.Errorf("it is %s, not an object", kindOf(value))
	}
	if s.compiled == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer recovered(&err)
	s.effort.begin()
	err = s.compiled.Validate(value)
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return describe(invalid)
	}
	return err
}

// Check is Compile and Schema.Check.
func Check(schema, configuration json.RawMessage) error {
	s, err := Compile(schema)
	if err != nil {
		return err
	}
	return s.Check(configuration)
}

func isNone(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// nothing loads nothing. The schemas of the drafts are part of the program.
type nothing struct{}

func (nothing) Load(string) (any, error) { return nil, errFetch }

var errFetch = errors.New("nothing is fetched for a schema")

// recovered makes an error of a panic: that of a bound, or one of the library
// over a schema that its authors did not think of.
func recovered(err *error) {
	switch reason := recover().(type) {
	case nil:
	case effortError:
		*err = reason
	default:
		*err = errors.New("the schema is one that can't be worked with")
	}
}
