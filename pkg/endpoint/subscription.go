package endpoint

import (
	"fmt"
	"slices"
	"strings"

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
	set    []int // the conditions that it has
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
	for i := range conditions {
		if conditions[i].isSet(&s) {
			m.set = append(m.set, i)
		}
	}
	return m, nil
}

// condition is one part of a subscription.
type condition struct {
	name  string // of the subscription's member
	isSet func(s *Subscription) bool
	wants func(s *Subscription) string                  // for people
	fails func(m *Matcher, e *event.Event) (why string) // "" if e meets it
}

// conditions are all of them, in the order in which they are asked.
var conditions = [...]condition{
	{
		"changeTypes", func(*Subscription) bool { return true }, func(s *Subscription) string { return s.ChangeTypes.String() },
		func(m *Matcher, e *event.Event) string {
			if m.sub.ChangeTypes&e.ChangeType != 0 {
				return ""
			}
			return fmt.Sprintf("change type %s is not subscribed", e.ChangeType)
		},
	},
	{
		"events", func(s *Subscription) bool { return len(s.Events) > 0 }, func(s *Subscription) string { return strings.Join(s.Events, ",") },
		func(m *Matcher, e *event.Event) string {
			if slices.Contains(m.sub.Events, e.Type) {
				return ""
			}
			return fmt.Sprintf("event %s is not subscribed", e.Type)
		},
	},
	{
		"reasons", func(s *Subscription) bool { return len(s.Reasons) > 0 }, func(s *Subscription) string { return strings.Join(s.Reasons, ",") },
		func(m *Matcher, e *event.Event) string {
			if e.Reason == "" || slices.Contains(m.sub.Reasons, e.Reason) {
				return ""
			}
			return fmt.Sprintf("reason %s is not subscribed", e.Reason)
		},
	},
	{
		"fields", func(s *Subscription) bool { return len(s.Fields) > 0 }, func(s *Subscription) string { return strings.Join(s.Fields, ",") },
		func(m *Matcher, e *event.Event) string {
			if !namesFields(e) || overlap(m.sub.Fields, e.ChangedFields) {
				return ""
			}
			return "no subscribed field changed"
		},
	},
	{
		"excludeFields", func(s *Subscription) bool { return len(s.ExcludeFields) > 0 }, func(s *Subscription) string { return strings.Join(s.ExcludeFields, ",") },
		func(m *Matcher, e *event.Event) string {
			if !namesFields(e) || !subset(e.ChangedFields, m.sub.ExcludeFields) {
				return ""
			}
			return "only excluded fields changed"
		},
	},
	{
		"formats", func(s *Subscription) bool { return len(s.Formats) > 0 }, func(s *Subscription) string { return joinIDs(s.Formats) },
		func(m *Matcher, e *event.Event) string {
			if e.Type != "AssetProfilePublished" || len(e.Formats) == 0 || overlap(m.sub.Formats, e.Formats) {
				return ""
			}
			return "no subscribed format was published"
		},
	},
	{
		"channels", func(s *Subscription) bool { return len(s.Channels) > 0 }, func(s *Subscription) string { return joinIDs(s.Channels) },
		func(m *Matcher, e *event.Event) string {
			if len(e.Channels) == 0 || overlap(m.sub.Channels, e.Channels) {
				return ""
			}
			return "no subscribed channel is concerned"
		},
	},
	{
		"filter", func(s *Subscription) bool { return s.Filter != "" }, func(s *Subscription) string { return s.Filter },
		func(m *Matcher, e *event.Event) string {
			if m.filter.match(e) {
				return ""
			}
			return "the filter excludes it"
		},
	},
}

// namesFields reports whether a metadata change says which fields changed.
func namesFields(e *event.Event) bool { return e.IsMetadataChange() && len(e.ChangedFields) > 0 }

// Match reports whether the subscription wants e, and if not, why not, in words
// for people. When in doubt it does: an event that does not name its fields,
// formats or channels may concern any of them, and a filter that fails on an
// event has not excluded it.
func (m *Matcher) Match(e *event.Event) (wanted bool, why string) {
	for _, i := range m.set {
		if why := conditions[i].fails(m, e); why != "" {
			return false, why
		}
	}
	return true, ""
}

// Check is one condition of a subscription, as it was asked of an event.
type Check struct {
	Name  string // of the subscription's member, such as changeTypes
	Wants string // what the subscription says, for people
	Why   string // why the event does not meet it, for people; "" if it does
}

// Explain asks every condition that the subscription has. Match goes by the same.
func (m *Matcher) Explain(e *event.Event) []Check {
	checks := make([]Check, 0, len(m.set))
	for _, i := range m.set {
		c := &conditions[i]
		checks = append(checks, Check{c.name, c.wants(&m.sub), c.fails(m, e)})
	}
	return checks
}

func joinIDs(ids []event.ID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ",")
}

func overlap[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// subset reports whether every element of a is in b.
func subset[T comparable](a, b []T) bool {
	return !slices.ContainsFunc(a, func(x T) bool { return !slices.Contains(b, x) })
}
