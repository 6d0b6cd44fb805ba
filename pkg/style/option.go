package style

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// MaxOption bounds an option's value, in bytes of JSON.
const MaxOption = 256 << 10

// OptionType is the type of an option's value.
type OptionType string

// The types of options, with the type to read them as with Value.
const (
	String   OptionType = "string"   // string
	Bool     OptionType = "bool"     // bool
	Int      OptionType = "int"      // int
	Strings  OptionType = "strings"  // []string
	IDs      OptionType = "ids"      // []event.ID
	Duration OptionType = "duration" // timespan.Span
	JSON     OptionType = "json"     // json.RawMessage
)

// IsList reports whether a value has elements, each of which is typed by itself.
func (t OptionType) IsList() bool { return t == Strings || t == IDs }

// Option declares a setting of a style: a member of the endpoint's JSON and a
// flag of the command line. A flag that every endpoint has is not declared
// again: what it sets is that of every endpoint.
type Option struct {
	Name    string // of the JSON member, camelCase
	Flag    string // of the command line, kebab-case; "" for none
	Type    OptionType
	Default any      // as the type says; nil for none
	Values  []string // the allowed ones; empty for any
	Min     int64    // of an Int, and of a Duration in nanoseconds
	Max     int64    // likewise; 0 for no bound, and with Min 0 for neither
	Usage   string
	Secret  bool // never shown without --reveal; of JSON the names of members are
	Holds   bool // of a Tracker: it decides which deletions are held, and releases none that is
	Shapes  bool // of a Tracker: what an endpoint is to have of the assets depends on it
}

// Value returns the endpoint's value of an option, or the fallback.
func Value[T any](ep *endpoint.Endpoint, name string, fallback T) T {
	raw, ok := ep.Options[name]
	if !ok {
		return fallback
	}
	value, err := decode[T](raw)
	if err != nil {
		return fallback // an endpoint is validated before it is stored
	}
	return value
}

func decode[T any](raw json.RawMessage) (T, error) {
	var value T
	err := json.Unmarshal(raw, &value)
	return value, err
}

// check reports whether raw is a value of the option. The error does not repeat
// a secret.
func (o Option) check(raw json.RawMessage) error {
	if len(raw) > MaxOption {
		return fmt.Errorf("option %s is longer than %d bytes", o.Name, MaxOption)
	}
	var err error
	switch o.Type {
	case Bool:
		_, err = decode[bool](raw)
	case Int:
		var number int
		if number, err = decode[int](raw); err == nil && !o.within(int64(number)) {
			err = fmt.Errorf("out of bounds")
		}
	case Strings:
		_, err = decode[[]string](raw)
	case IDs:
		var ids []event.ID
		if ids, err = decode[[]event.ID](raw); err == nil && slices.ContainsFunc(ids, event.ID.IsZero) {
			err = fmt.Errorf("no id")
		}
	case Duration:
		return o.checkDuration(raw)
	case JSON:
		if !utf8.Valid(raw) {
			return fmt.Errorf("option %s is not UTF-8", o.Name)
		}
	case String:
		var text string
		if text, err = decode[string](raw); err == nil {
			return o.checkValue(text)
		}
	}
	if err != nil {
		return fmt.Errorf("option %s is not %s", o.Name, o.words())
	}
	return nil
}

func (o Option) checkDuration(raw json.RawMessage) error {
	text, err := decode[string](raw)
	if err != nil {
		return fmt.Errorf("option %s is not %s", o.Name, o.words())
	}
	span, err := timespan.Parse(text)
	if err != nil {
		return fmt.Errorf("option %s: %w", o.Name, err)
	}
	if !o.within(int64(span)) {
		return fmt.Errorf("option %s is not %s", o.Name, o.words())
	}
	return nil
}

func (o Option) checkValue(text string) error {
	if len(o.Values) == 0 || slices.Contains(o.Values, text) {
		return nil
	}
	return fmt.Errorf("option %s: %w", o.Name, o.unknownValue(text))
}

func (o Option) unknownValue(text string) error {
	return fmt.Errorf("unknown value %q%s (values: %s)", text, suggest.Clause(text, o.Values), strings.Join(o.Values, ", "))
}

// within reports whether a number keeps to the bounds.
func (o Option) within(number int64) bool {
	if o.Min == 0 && o.Max == 0 {
		return true
	}
	return number >= o.Min && (o.Max == 0 || number <= o.Max)
}

// words says what a value of the option is.
func (o Option) words() string {
	switch o.Type {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number" + o.bounds(func(n int64) string { return fmt.Sprint(n) })
	case Strings:
		return "an array of strings"
	case IDs:
		return "an array of ids, which are whole numbers or strings"
	case Duration:
		return "a length of time" + o.bounds(func(n int64) string { return timespan.Span(n).String() }) + ", such as 5m or 00:05:00"
	case JSON:
		return "JSON"
	default:
		return "a string"
	}
}

func (o Option) bounds(show func(int64) string) string {
	switch {
	case o.Min == 0 && o.Max == 0:
		return ""
	case o.Max == 0:
		return " of " + show(o.Min) + " or more"
	default:
		return " from " + show(o.Min) + " to " + show(o.Max)
	}
}
