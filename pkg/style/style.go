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
	"errors"
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
	// Compose makes the message for debts, at most Limits.Batch of them. It may
	// ask the catalogue; what ctx ends it with says nothing about the debts, nor
	// does an error that is catalogue.ErrNotNow or catalogue.ErrRefused, unless
	// it names an asset: such debts are still due.
	Compose(ctx context.Context, ep *endpoint.Endpoint, debts []debt.Debt, now time.Time) (Message, error)
	// Sample makes a request that is marked as a test and means nothing.
	Sample(ep *endpoint.Endpoint, now time.Time) (Message, error)
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

// Validate reports everything that is wrong with the endpoint, its style and its
// options.
func (s *Set) Validate(ep *endpoint.Endpoint) error {
	routed := s.Routed(ep)
	return errors.Join(routed.Validate(), s.validateOptions(ep))
}

func (s *Set) validateOptions(ep *endpoint.Endpoint) error {
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
