package managed

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/dam-delivery/dz/pkg/assetfilter"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/style/managed/configuration"
	"github.com/dam-delivery/dz/pkg/style/managed/projection"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// settings are what an endpoint's say, ready for use.
type settings struct {
	view          catalogue.View
	projection    *projection.Projection
	filter        *assetfilter.Filter // nil: every asset
	always        bool
	fields        []string // additional ones
	formats       []event.ID
	configuration json.RawMessage // "null" without one
	masked        json.RawMessage // the configuration as it may be shown
	secrets       []attempt.Secret
	tenant        string
	guard, above  uint64
	sizes         sizes
}

// compile reads an endpoint's settings. The error says what is wrong with them.
func compile(ep *endpoint.Endpoint) (*settings, error) {
	fields := style.Value[[]string](ep, fieldsOption, nil)
	s := &settings{
		always:        style.Value(ep, alwaysOption, false),
		fields:        fields,
		formats:       style.Value[[]event.ID](ep, formatsOption, nil),
		configuration: style.Value(ep, configurationOption, json.RawMessage("null")),
		tenant:        style.Value(ep, tenantOption, ""),
		guard:         uint64(style.Value(ep, guardOption, DefaultGuard)),
		above:         uint64(style.Value(ep, aboveOption, DefaultAbove)),
	}
	var err error
	if s.projection, err = projection.New(fields, ignored(ep)); err != nil {
		return nil, fmt.Errorf("%s: %w", ignoreOption, err)
	}
	if err := configuration.Check(style.Value[json.RawMessage](ep, schemaOption, nil), s.configuration); err != nil {
		return nil, err
	}
	if s.masked, s.secrets, err = maskConfiguration(s.configuration); err != nil {
		return nil, fmt.Errorf("%s: %w", configurationOption, err)
	}
	if every := style.Value(ep, resyncOption, timespan.Span(0)); every != 0 && every.Std() < minResync {
		return nil, fmt.Errorf("%s: %s is less than %s; 0 is never", resyncOption, every, timespan.Span(minResync))
	}
	if ep.Subscription.Filter != "" {
		if s.filter, err = assetfilter.Compile(ep.Subscription.Filter); err != nil {
			return nil, err
		}
	}
	s.view = viewOf(ep, s.filter)
	return s, nil
}

// viewOf is how an endpoint with that filter, which may be nil, is shown assets.
func viewOf(ep *endpoint.Endpoint, filter *assetfilter.Filter) catalogue.View {
	view := catalogue.View{
		Language: style.Value(ep, languageOption, ""), User: style.Value(ep, userOption, ""),
		Fields: style.Value[[]string](ep, fieldsOption, nil),
	}
	if filter == nil {
		if len(view.Fields) == 0 {
			view.Part = catalogue.Outline
		}
		return view
	}
	// A filter may go by fields that are not shown.
	for _, field := range filter.Fields() {
		if !slices.Contains(view.Fields, field) {
			view.Fields = append(slices.Clip(view.Fields), field)
		}
	}
	return view
}

// ignored returns the patterns of members that decide nothing: those of dz where
// the endpoint names none. One that is empty is no pattern.
func ignored(ep *endpoint.Endpoint) []string {
	patterns := style.Value[[]string](ep, ignoreOption, nil)
	switch {
	case len(patterns) == 0:
		return projection.DefaultIgnore()
	case len(patterns) == 1 && patterns[0] == ignoreNone:
		return nil
	}
	return slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return p == "" })
}
