package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// view shows an endpoint: settings that were left open with the value that is in
// force, except the debounce where its default is the daemon's; secrets masked
// unless reveal is set.
func view(state EndpointState, style Style, reveal bool) (api.Endpoint, error) {
	ep := state.Endpoint
	options, defaults, err := viewOptions(ep.Options, style, reveal)
	if err != nil {
		return api.Endpoint{}, fmt.Errorf("show endpoint %s: %w", ep.Name, err)
	}
	stored := ep.Signing
	if !reveal {
		ep = ep.Redacted()
	}
	sub := ep.Subscription
	return api.Endpoint{
		Name:           ep.Name,
		Group:          ep.Group,
		Style:          ep.Style,
		URL:            ep.URL,
		Description:    ep.Description,
		Enabled:        ep.Enabled,
		Temporary:      ep.Temporary,
		State:          string(state.State),
		ChangeTypes:    sub.ChangeTypes,
		Events:         sub.Events,
		Fields:         sub.Fields,
		ExcludeFields:  sub.ExcludeFields,
		Formats:        sub.Formats,
		Channels:       sub.Channels,
		Reasons:        sub.Reasons,
		Filter:         sub.Filter,
		Headers:        ep.Headers,
		Signing:        viewSigning(stored, ep.Signing),
		Debounce:       cmp.Or(ep.Debounce, style.Debounce),
		MaxWait:        ep.MaxWait,
		Window:         &api.Window{Debounce: timespan.Span(state.Window.Interval), MaxWait: timespan.Span(state.Window.MaxWait)},
		Retry:          ep.Schedule(),
		Timeout:        timespan.Span(ep.RequestTimeout(style.Timeout)),
		ConnectTimeout: timespan.Span(ep.DialTimeout()),
		Concurrency:    ep.Slots(),
		Rate:           ep.Rate,
		CAFile:         ep.CAFile,
		ClientCert:     ep.ClientCert,
		ClientKey:      ep.ClientKey,
		Created:        ep.Created,
		Updated:        ep.Updated,
		LastResync:     state.LastResync,
		Held:           state.Held,
		Skips:          viewSkips(state.Skips),
		Defaults:       defaults,
		Options:        options,
	}, nil
}

// viewOptions adds the defaults of options that were left open, whose names it returns,
// and masks the secret ones, of JSON its values. An option that the style does not know
// may be one: it is masked.
func viewOptions(stored map[string]json.RawMessage, style Style, reveal bool) (shown map[string]json.RawMessage, defaults []string, err error) {
	shown = make(map[string]json.RawMessage)
	maps.Copy(shown, stored)
	for _, option := range style.Options {
		if _, ok := shown[option.Name]; ok || option.Default == nil {
			continue
		}
		raw, err := json.Marshal(option.Default)
		if err != nil {
			return nil, nil, fmt.Errorf("option %s: %w", option.Name, err)
		}
		shown[option.Name] = raw
		defaults = append(defaults, option.Name)
	}
	slices.Sort(defaults)
	if reveal {
		return shown, defaults, nil
	}
	for name, raw := range shown {
		option, known := style.option(name)
		switch {
		case known && option.Secret && option.JSON:
			masked, err := endpoint.MaskJSON(raw)
			if err != nil {
				return nil, nil, fmt.Errorf("option %s: %w", name, err)
			}
			shown[name] = masked
		case !known || option.Secret:
			shown[name] = json.RawMessage(maskedJSON)
		}
	}
	return shown, defaults, nil
}

// viewSkips shows how often an endpoint was not told something, and why.
func viewSkips(skips map[attempt.Reason]uint64) map[string]uint64 {
	shown := make(map[string]uint64, len(skips))
	for reason, n := range skips {
		shown[string(reason)] = n
	}
	return shown
}

// NewObject shows what changed.
func NewObject(o event.Object) api.Object {
	return api.Object{Kind: o.Kind, ItemID: o.ItemID, BaseID: o.BaseID}
}

// NewFailure shows a failure of the endpoint of that name.
func NewFailure(f debt.Failure, endpointName string) api.Failure {
	shown := api.Failure{
		ID:          f.ID.String(),
		Endpoint:    endpointName,
		Object:      NewObject(f.Object),
		ChangeType:  f.ChangeType.String(),
		EventType:   f.EventType,
		State:       "retrying",
		Reason:      f.Outcome.Reason,
		Status:      f.Outcome.Status,
		Attempts:    f.Attempts,
		Changes:     f.Count,
		FirstSeen:   f.FirstSeen,
		LastSeen:    f.LastSeen,
		LastAttempt: f.LastAttempt,
		Error:       f.Outcome.Error,
		Response:    string(f.Outcome.Response),
	}
	if f.Failed {
		shown.State = "failed"
	} else {
		due := f.Due
		shown.NextAttempt = &due
	}
	return shown
}

// NewSelection reads which failures are meant. endpoints are the ids of the
// endpoints that are named, none if any is meant.
func NewSelection(s api.FailureSelection, endpoints []uint64) (debt.Selection, error) {
	selection := debt.Selection{
		Endpoints: endpoints,
		Object:    s.Object,
		Reasons:   s.Reasons,
		Statuses:  s.Statuses,
		Retrying:  s.Retrying,
	}
	for _, text := range s.IDs {
		id, err := debt.ParseID(text)
		if err != nil {
			return debt.Selection{}, invalid("", "%s", err)
		}
		selection.IDs = append(selection.IDs, id)
	}
	if s.Since != nil {
		selection.Since = *s.Since
	}
	if s.Until != nil {
		selection.Until = *s.Until
	}
	return selection, nil
}
