package style

import (
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// Debouncer is a style whose endpoints have a quiet window of its own where they
// set none, in place of the daemon's. The ceiling stays the daemon's.
type Debouncer interface {
	Debounce() time.Duration
}

// Window returns the debounce of an endpoint of the style that sets none, where
// defaults is the daemon's.
func Window(st Style, defaults endpoint.Window) endpoint.Window {
	if own, ok := st.(Debouncer); ok {
		defaults.Interval = own.Debounce()
	}
	return defaults
}

// Subscriber is a style that tells changes of some types alone: an endpoint that
// names no types subscribes to these.
type Subscriber interface {
	ChangeTypes() event.ChangeType
}

// Complete sets what the endpoint leaves open and its style decides.
func (s *Set) Complete(ep *endpoint.Endpoint) {
	own, ok := s.styles[ep.Style].(Subscriber)
	if ok && ep.Subscription.ChangeTypes == 0 {
		ep.Subscription.ChangeTypes = own.ChangeTypes()
	}
}

// FilterJudge is a style whose endpoints' filter is over what is told, and not over
// events: it judges by it itself.
type FilterJudge interface {
	JudgesFilter() bool
}

// Routed returns the endpoint as events are routed to it: without a filter that
// its style judges by itself.
func (s *Set) Routed(ep *endpoint.Endpoint) endpoint.Endpoint {
	routed := *ep
	if own, ok := s.styles[ep.Style].(FilterJudge); ok && own.JudgesFilter() {
		routed.Subscription.Filter = ""
	}
	return routed
}
