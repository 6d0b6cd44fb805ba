package configuration

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

const (
	// maxViolations bounds how many are told.
	maxViolations = 10
	// maxWords bounds what is told of one, in bytes.
	maxWords = 200
)

// violation is a place where a value is not what a schema wants, and why.
type violation struct {
	place  []string
	reason string
	kind   jsonschema.ErrorKind
}

func (v violation) String() string {
	var pointer strings.Builder
	for _, name := range v.place {
		pointer.WriteString("/" + endpoint.EscapePointer(name))
	}
	return shorten(cmp.Or(pointer.String(), "/")) + ": " + shorten(v.reason)
}

// describe makes one error of all that is wrong.
func describe(err *jsonschema.ValidationError) error {
	var texts []string
	for _, v := range violations(err) {
		texts = append(texts, v.String())
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	more := ""
	if len(texts) > maxViolations {
		more = fmt.Sprintf("; and %d more", len(texts)-maxViolations)
		texts = texts[:maxViolations]
	}
	return errors.New(strings.Join(texts, "; ") + more)
}

// violations returns what is wrong at the ends of a tree of errors.
func violations(err *jsonschema.ValidationError) []violation {
	at := func(reason string, below ...string) violation {
		return violation{slices.Concat(err.InstanceLocation, below), reason, err.ErrorKind}
	}
	each := func(names []string, reason string) []violation {
		all := make([]violation, len(names))
		for i, name := range names {
			all[i] = at(reason, name)
		}
		return all
	}
	switch k := err.ErrorKind.(type) {
	case *kind.Required:
		return each(k.Missing, "missing (required)")
	case *kind.Dependency:
		return each(k.Missing, "missing (required with "+strconv.Quote(k.Prop)+")")
	case *kind.DependentRequired:
		return each(k.Missing, "missing (required with "+strconv.Quote(k.Prop)+")")
	case *kind.AdditionalProperties:
		return each(k.Properties, "not allowed (additionalProperties)")
	case *kind.PropertyNames:
		// Its place is not to be relied on: the library goes on writing into it.
		return []violation{{nil, "no member may have the name " + strconv.Quote(k.Property) + " (propertyNames)", k}}
	case *kind.AnyOf:
		return alternatives(err, at("matches none of the alternatives (anyOf)"))
	case *kind.OneOf:
		if len(k.Subschemas) > 0 {
			return []violation{at(fmt.Sprintf("matches alternatives %d and %d, not one alone (oneOf)", k.Subschemas[0]+1, k.Subschemas[1]+1))}
		}
		return alternatives(err, at("matches none of the alternatives (oneOf)"))
	case *kind.Contains, *kind.MinContains, *kind.MaxContains:
		return []violation{at(reason(k))}
	}
	if len(err.Causes) == 0 {
		return []violation{at(reason(err.ErrorKind))}
	}
	var all []violation
	for _, cause := range err.Causes {
		all = append(all, violations(cause)...)
	}
	return all
}

// alternatives tells what is wrong by the alternative that was probably meant:
// of those that take the value's type, the one with the fewest violations.
func alternatives(err *jsonschema.ValidationError, none violation) []violation {
	var nearest []violation
	candidates := 0
	for _, cause := range err.Causes {
		wrong := violations(cause)
		if slices.ContainsFunc(wrong, func(v violation) bool {
			_, byType := v.kind.(*kind.Type)
			return byType && len(v.place) == len(none.place)
		}) {
			continue
		}
		candidates++
		if nearest == nil || len(wrong) < len(nearest) {
			nearest = wrong
		}
	}
	if candidates == 1 {
		return nearest
	}
	return append([]violation{none}, nearest...)
}

// reason says what a schema wants. What a value is, only its type tells.
func reason(of jsonschema.ErrorKind) string {
	switch k := of.(type) {
	case *kind.Type:
		return "got " + k.Got + ", want " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "not one of " + list(k.Want) + " (enum)"
	case *kind.Const:
		return "not " + list([]any{k.Want}) + " (const)"
	case *kind.Format:
		return "not of format " + k.Want
	case *kind.Pattern:
		return "does not match " + strconv.Quote(k.Want) + " (pattern)"
	case *kind.MinLength:
		return fmt.Sprintf("shorter than %d characters (minLength)", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("longer than %d characters (maxLength)", k.Want)
	case *kind.Minimum:
		return "less than " + number(k.Want) + " (minimum)"
	case *kind.Maximum:
		return "more than " + number(k.Want) + " (maximum)"
	case *kind.ExclusiveMinimum:
		return "not more than " + number(k.Want) + " (exclusiveMinimum)"
	case *kind.ExclusiveMaximum:
		return "not less than " + number(k.Want) + " (exclusiveMaximum)"
	case *kind.MultipleOf:
		return "not a multiple of " + number(k.Want) + " (multipleOf)"
	case *kind.MinItems:
		return fmt.Sprintf("fewer than %d elements (minItems)", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("more than %d elements (maxItems)", k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("elements %d and %d are equal (uniqueItems)", k.Duplicates[0], k.Duplicates[1])
	case *kind.MinProperties:
		return fmt.Sprintf("fewer than %d members (minProperties)", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("more than %d members (maxProperties)", k.Want)
	case *kind.AdditionalItems:
		return fmt.Sprintf("%d elements too many (additionalItems)", k.Count)
	case *kind.FalseSchema:
		return "not allowed"
	case *kind.Not:
		return "is what it must not be (not)"
	case *kind.RefCycle:
		return "the schema refers to itself without end"
	default:
		return "not what the schema wants (" + strings.Join(of.KeywordPath(), "/") + ")"
	}
}

// list writes values of a schema.
func list(values []any) string {
	raw, err := json.Marshal(values)
	if err != nil {
		return "what is allowed"
	}
	return strings.Trim(string(raw), "[]")
}

func number(n *big.Rat) string {
	return strings.TrimSuffix(strings.TrimRight(n.FloatString(10), "0"), ".")
}

// shorten cuts a text that is too long to be told.
func shorten(text string) string {
	if len(text) <= maxWords {
		return text
	}
	return strings.ToValidUTF8(text[:maxWords], "") + "…"
}
