// Package style owns what the delivery styles have in common: the interface
// that each implements in a package of its own, and the set of those that are
// built in.
//
// A style says what an endpoint is told and how its answer is read. It makes
// keys, requests and outcomes; it never dials, stores or waits. Nothing outside
// knows a style by its name.
package style

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// Style is one way of telling changes. Its methods are called by several
// goroutines at a time.
type Style interface {
	// Name is what an endpoint's style is set to.
	Name() string
	// Options are the settings that only this style knows.
	Options() []Option
	// Validate reports what is wrong with the endpoint's options, beyond what
	// their declarations say.
	Validate(ep *endpoint.Endpoint) error
	// Key returns the key of the debt that e makes, and what the style wants to
	// remember of e; false if e is nothing that the style tells.
	Key(e *event.Event) (key debt.Key, note []byte, ok bool)
	// Limits returns the bounds of one request.
	Limits(ep *endpoint.Endpoint) Limits
	// Compose makes the request for debts, at most Limits.Batch of them. It may
	// ask the catalogue; what ctx ends it with says nothing about the debts.
	Compose(ctx context.Context, ep *endpoint.Endpoint, debts []debt.Debt, now time.Time) (attempt.Request, error)
	// Interpret returns one outcome a debt. sent is what the sender made of the
	// exchange by the rules of HTTP alone.
	Interpret(ep *endpoint.Endpoint, debts []debt.Debt, answer attempt.Answer, sent attempt.Outcome) []attempt.Outcome
	// Sample makes a request that is marked as a test and means nothing.
	Sample(ep *endpoint.Endpoint, now time.Time) (attempt.Request, error)
}

// Limits bound one request.
type Limits struct {
	Batch   int           // debts
	Answer  int64         // bytes of the answer that are read
	Timeout time.Duration // where the endpoint has none of its own
}

// TestHeader marks a request that was sent by "dz endpoint test".
const TestHeader = "Dz-Test"

// MarkTest marks a request as a test.
func MarkTest(r *attempt.Request, now time.Time) {
	r.ID = fmt.Sprintf("msg_test_%d", now.UnixNano())
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set(TestHeader, "1")
}

// OptionType is the type of an option's value.
type OptionType string

// The types of options.
const (
	String  OptionType = "string"
	Bool    OptionType = "bool"
	Int     OptionType = "int"
	Strings OptionType = "strings"
)

// words says what a value of the type is.
func (t OptionType) words() string {
	switch t {
	case Bool:
		return "true or false"
	case Int:
		return "a whole number"
	case Strings:
		return "an array of strings"
	default:
		return "a string"
	}
}

// Option declares a setting of a style: a member of the endpoint's JSON and a
// flag of the command line.
type Option struct {
	Name    string // of the JSON member, camelCase
	Flag    string // of the command line, kebab-case
	Type    OptionType
	Default any      // as the type says; nil for none
	Values  []string // the allowed ones; empty for any
	Usage   string
	Secret  bool // never shown without --reveal
}

// Set holds the styles by name.
type Set struct {
	styles map[string]Style
}

// NewSet makes a set. Names must differ.
func NewSet(styles ...Style) (*Set, error) {
	set := &Set{styles: make(map[string]Style)}
	for _, s := range styles {
		if _, exists := set.styles[s.Name()]; exists {
			return nil, fmt.Errorf("style %q is registered twice", s.Name())
		}
		set.styles[s.Name()] = s
	}
	return set, nil
}

// Names returns the names, sorted.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.styles))
	for name := range s.styles {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Get returns the style of that name. The error names the nearest one.
func (s *Set) Get(name string) (Style, error) {
	if found, ok := s.styles[name]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("unknown style %q%s (styles: %s)",
		name, suggest.Clause(name, s.Names()), strings.Join(s.Names(), ", "))
}

// Validate reports what is wrong with the endpoint's style and its options.
func (s *Set) Validate(ep *endpoint.Endpoint) error {
	st, err := s.Get(ep.Style)
	if err != nil {
		return err
	}
	declared := make(map[string]Option)
	var names []string
	for _, option := range st.Options() {
		declared[option.Name] = option
		names = append(names, option.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(ep.Options)) {
		option, ok := declared[name]
		if !ok {
			return fmt.Errorf("style %s has no option %q%s", ep.Style, name, suggest.Clause(name, names))
		}
		if err := option.check(ep.Options[name]); err != nil {
			return err
		}
	}
	return st.Validate(ep)
}

// check reports whether raw is a value of the option.
func (o Option) check(raw json.RawMessage) error {
	var err error
	switch o.Type {
	case Bool:
		_, err = decode[bool](raw)
	case Int:
		_, err = decode[int](raw)
	case Strings:
		_, err = decode[[]string](raw)
	case String:
		var text string
		if text, err = decode[string](raw); err == nil {
			return o.checkValue(text)
		}
	}
	if err != nil {
		return fmt.Errorf("option %s is not %s", o.Name, o.Type.words())
	}
	return nil
}

func (o Option) checkValue(text string) error {
	if len(o.Values) == 0 || slices.Contains(o.Values, text) {
		return nil
	}
	return fmt.Errorf("option %s: unknown value %q%s (values: %s)",
		o.Name, text, suggest.Clause(text, o.Values), strings.Join(o.Values, ", "))
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
