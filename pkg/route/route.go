// Package route decides which endpoints an event concerns, and which debts it
// makes there. It is pure: the same events and endpoints give the same changes,
// and nothing else is looked at.
//
// A table is immutable, and holds one revision of the endpoints. Whoever makes
// its changes durable compares the revision with the store's, so that an
// endpoint that was added meanwhile is not passed over.
package route

import (
	"fmt"
	"slices"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// Keyer makes the keys of debts; every delivery style is one.
type Keyer interface {
	// Key returns the key of the debt that e makes, and what is to be
	// remembered of e beyond what a debt holds; false if e makes none.
	Key(e *event.Event) (key debt.Key, note []byte, ok bool)
}

// Route is what is known of one endpoint.
type Route struct {
	endpoint uint64
	style    string
	keyer    Keyer
	fold     func(known, news []byte) []byte // nil: the latest note counts
	matcher  *endpoint.Matcher
	window   endpoint.Window
}

// New makes an endpoint's route. defaults is the debounce it is given where it
// has none of its own. The error says what is wrong with the subscription.
func New(ep *endpoint.Endpoint, keyer Keyer, defaults endpoint.Window) (*Route, error) {
	matcher, err := ep.Subscription.Compile()
	if err != nil {
		return nil, fmt.Errorf("endpoint %s: %w", ep.Name, err)
	}
	r := &Route{
		endpoint: ep.ID, style: ep.Style, keyer: keyer, matcher: matcher, window: ep.Window(defaults),
	}
	if f, ok := keyer.(folder); ok {
		r.fold = f.Fold
	}
	return r, nil
}

// folder makes one note of what is remembered of several changes.
type folder interface {
	Fold(known, news []byte) []byte
}

// Match reports whether the endpoint wants e, and if not, why not.
func (r *Route) Match(e *event.Event) (wanted bool, why string) { return r.matcher.Match(e) }

// Explain asks every condition of the subscription.
func (r *Route) Explain(e *event.Event) []endpoint.Check { return r.matcher.Explain(e) }

// Table holds the routes of all endpoints at one revision.
type Table struct {
	Revision uint64
	routes   []*Route
}

// NewTable makes a table of routes.
func NewTable(revision uint64, routes []*Route) *Table {
	return &Table{Revision: revision, routes: routes}
}

// With returns the table of another revision, in which the route takes the place
// of the endpoint's former one, if there was any.
func (t *Table) With(revision uint64, r *Route) *Table {
	routes := slices.Clone(t.routes)
	if i := t.index(r.endpoint); i >= 0 {
		routes[i] = r
	} else {
		routes = append(routes, r)
	}
	return NewTable(revision, routes)
}

// Without returns the table of another revision, without an endpoint.
func (t *Table) Without(revision, endpointID uint64) *Table {
	routes := slices.DeleteFunc(slices.Clone(t.routes), func(r *Route) bool { return r.endpoint == endpointID })
	return NewTable(revision, routes)
}

// Len is the number of routes.
func (t *Table) Len() int { return len(t.routes) }

// Get returns an endpoint's route, or nil.
func (t *Table) Get(endpointID uint64) *Route {
	if i := t.index(endpointID); i >= 0 {
		return t.routes[i]
	}
	return nil
}

func (t *Table) index(endpointID uint64) int {
	return slices.IndexFunc(t.routes, func(r *Route) bool { return r.endpoint == endpointID })
}

// Changes returns what the events mean to the endpoints, in the order of the
// events. The changes point to the events. With only ≠ 0 they are those of one
// endpoint.
func (t *Table) Changes(events []event.Event, only uint64) []debt.Change {
	var changes []debt.Change
	for i := range events {
		changes = t.appendChanges(changes, &events[i], only)
		if i == 0 {
			// Most batches tell all of much the same.
			changes = slices.Grow(changes, len(changes)*(len(events)-1))
		}
	}
	return changes
}

func (t *Table) appendChanges(changes []debt.Change, e *event.Event, only uint64) []debt.Change {
	// Endpoints of one style share a key, so the last one's is kept.
	var last struct {
		style string
		key   debt.Key
		note  []byte
		ok    bool
	}
	for _, r := range t.routes {
		if only != 0 && r.endpoint != only {
			continue
		}
		if wanted, _ := r.matcher.Match(e); !wanted {
			continue
		}
		if last.style != r.style {
			last.style = r.style
			last.key, last.note, last.ok = r.keyer.Key(e)
		}
		if last.ok {
			changes = append(changes, debt.Change{
				Endpoint: r.endpoint, Key: last.key, Event: e, Window: r.window, Note: last.note, Fold: r.fold,
			})
		}
	}
	return changes
}
