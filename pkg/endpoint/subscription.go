package endpoint

import (
	"fmt"
	"slices"

	"github.com/dam-delivery/dz/pkg/event"
)

// Subscription says which changes an endpoint wants. An empty list means any.
type Subscription struct {
	ChangeTypes   event.ChangeType `json:"changeTypes"`             // at least one
	Events        []string         `json:"events,omitempty"`        // internal event names
	Fields        []string         `json:"fields,omitempty"`        // metadata changes of one of these
	ExcludeFields []string         `json:"excludeFields,omitempty"` // metadata changes of others than these
	Formats       []event.ID       `json:"formats,omitempty"`       // AssetProfilePublished of one of these
	Channels      []event.ID       `json:"channels,omitempty"`      // published to, or withdrawn from, one of these
	Reasons       []string         `json:"reasons,omitempty"`       // one of these
	Filter        string           `json:"filter,omitempty"`        // expression over event and asset
}

// Matcher is a subscription made ready to be asked often, and by several at a
// time.
type Matcher struct {
	sub    Subscription
	filter *filter
}

// Compile makes a matcher. The error says what is wrong with the filter.
func (s Subscription) Compile() (*Matcher, error) {
	m := &Matcher{sub: s}
	if s.Filter != "" {
		f, err := compileFilter(s.Filter)
		if err != nil {
			return nil, err
		}
		m.filter = f
	}
	return m, nil
}

// Match reports whether the subscription wants e, and if not, why not, in words
// for people. When in doubt it does: an event that does not name its fields,
// formats or channels may concern any of them, and a filter that fails on an
// event has not excluded it.
func (m *Matcher) Match(e *event.Event) (wanted bool, why string) {
	s := &m.sub
	switch {
	case s.ChangeTypes&e.ChangeType == 0:
		return false, fmt.Sprintf("change type %s is not subscribed", e.ChangeType)
	case len(s.Events) > 0 && !slices.Contains(s.Events, e.Type):
		return false, fmt.Sprintf("event %s is not subscribed", e.Type)
	case len(s.Reasons) > 0 && e.Reason != "" && !slices.Contains(s.Reasons, e.Reason):
		return false, fmt.Sprintf("reason %s is not subscribed", e.Reason)
	}
	if e.IsMetadataChange() && len(e.ChangedFields) > 0 {
		if len(s.Fields) > 0 && !overlap(s.Fields, e.ChangedFields) {
			return false, "no subscribed field changed"
		}
		if len(s.ExcludeFields) > 0 && subset(e.ChangedFields, s.ExcludeFields) {
			return false, "only excluded fields changed"
		}
	}
	if len(s.Formats) > 0 && e.Type == "AssetProfilePublished" && len(e.Formats) > 0 && !overlap(s.Formats, e.Formats) {
		return false, "no subscribed format was published"
	}
	if len(s.Channels) > 0 && len(e.Channels) > 0 && !overlap(s.Channels, e.Channels) {
		return false, "no subscribed channel is concerned"
	}
	if m.filter != nil && !m.filter.match(e) {
		return false, "the filter excludes it"
	}
	return true, ""
}

func overlap[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// subset reports whether every element of a is in b.
func subset[T comparable](a, b []T) bool {
	return !slices.ContainsFunc(a, func(x T) bool { return !slices.Contains(b, x) })
}
