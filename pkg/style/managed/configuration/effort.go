package configuration

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bounds of an effort. Alternatives that refer to alternatives that refer to
// alternatives make a schema of a hundred lines that no machine checks to its end.
const (
	maxPattern  = 10_000    // states of one pattern
	maxPatterns = 50_000    // of all patterns of a schema
	maxVisits   = 100_000   // of a value by a schema
	maxSteps    = 4_000_000 // on these visits: members, allowed values, characters
)

// effortError is the error of a bound. It is also the value of the panic that ends a
// check, for the library knows no other way out.
type effortError string

func (e effortError) Error() string { return string(e) }

// effort bounds what checking costs.
type effort struct {
	largest, patterns int  // states of the largest pattern, and of all
	values            int  // most that an enum allows
	compiled          bool // a pattern is from now on one of a configuration

	visits, steps int // of the check under way
}

func (e *effort) begin() { e.visits, e.steps = 0, 0 }

// pattern compiles a pattern of a schema.
func (e *effort) pattern(text string) (jsonschema.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	states := statesOf(parsed)
	if !e.compiled {
		e.largest, e.patterns = max(e.largest, states), e.patterns+states
	}
	if states > maxPattern || e.patterns > maxPatterns {
		return nil, effortError("its patterns are too large to be matched")
	}
	return regexp.Compile(text)
}

// statesOf estimates how many states an expression has, from above.
func statesOf(re *syntax.Regexp) int {
	states := 1
	for _, sub := range re.Sub {
		states = min(states+statesOf(sub), maxPattern+1)
	}
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass:
		states += len(re.Rune)
	case syntax.OpRepeat:
		states *= max(re.Min, re.Max, 1)
	default:
	}
	return min(states, maxPattern+1)
}

// watch makes every schema below s report its visits. A schema's format is what
// the library asks first, whatever else there is, so it is there that visits are
// counted.
func (e *effort) watch(s *jsonschema.Schema) {
	e.compiled = true
	seen := make(map[*jsonschema.Schema]bool)
	below := []*jsonschema.Schema{s}
	for len(below) > 0 {
		s, below = below[len(below)-1], below[:len(below)-1]
		if s == nil || seen[s] {
			continue
		}
		seen[s] = true
		if s.Enum != nil {
			e.values = max(e.values, len(s.Enum.Values))
		}
		s.Format = e.counting(s.Format)
		below = append(below, parts(s)...)
	}
}

func (e *effort) counting(format *jsonschema.Format) *jsonschema.Format {
	counting := &jsonschema.Format{Validate: func(v any) error {
		e.visit(v)
		return nil
	}}
	if format != nil {
		counting.Name = format.Name
		counting.Validate = func(v any) error {
			e.visit(v)
			return format.Validate(v)
		}
	}
	return counting
}

// visit counts what a schema may do with a value, from above; the values in it
// are compared before they are visited themselves.
func (e *effort) visit(v any) {
	e.visits++
	switch v := v.(type) {
	case map[string]any:
		e.steps += len(v) * (1 + e.values)
		for name := range v {
			e.steps += len(name) * e.patterns / 100
		}
	case []any:
		e.steps += len(v) * (1 + e.values)
	case string:
		e.steps += len(v) * (1 + e.largest) / 100
	}
	if e.visits > maxVisits || e.steps > maxSteps {
		panic(effortError(fmt.Sprintf("its schema takes more than %d steps to check it", maxVisits)))
	}
}

// parts returns the schemas that a schema hands a value, or a part of it, on to.
func parts(s *jsonschema.Schema) []*jsonschema.Schema {
	all := []*jsonschema.Schema{
		s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else, s.PropertyNames, s.UnevaluatedProperties,
		s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema,
	}
	if s.DynamicRef != nil {
		all = append(all, s.DynamicRef.Ref)
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf, s.PrefixItems} {
		all = append(all, list...)
	}
	for _, named := range []map[string]*jsonschema.Schema{s.Properties, s.DependentSchemas} {
		for _, part := range named {
			all = append(all, part)
		}
	}
	for _, part := range s.PatternProperties {
		all = append(all, part)
	}
	for _, part := range s.Dependencies {
		all = append(all, partsOf(part)...)
	}
	for _, part := range []any{s.AdditionalProperties, s.Items, s.AdditionalItems} {
		all = append(all, partsOf(part)...)
	}
	return all
}

// partsOf returns the schemas of a keyword that takes one, several, or none.
func partsOf(keyword any) []*jsonschema.Schema {
	switch k := keyword.(type) {
	case *jsonschema.Schema:
		return []*jsonschema.Schema{k}
	case []*jsonschema.Schema:
		return k
	default:
		return nil
	}
}
