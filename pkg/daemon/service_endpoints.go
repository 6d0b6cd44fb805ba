package daemon

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/deliver"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func quote(name string) string { return strconv.Quote(name) }

func nearest(name string, names []string) string { return suggest.Clause(name, names) }

// Style returns what the API must know of a style.
func (s *service) Style(name string) (admin.Style, bool) {
	st, err := s.styles.Get(name)
	if err != nil {
		return admin.Style{}, false
	}
	known := admin.Style{Timeout: st.Limits(&endpoint.Endpoint{}).Timeout}
	if own, ok := st.(style.Debouncer); ok {
		span := timespan.Span(own.Debounce())
		known.Debounce = &span
	}
	for _, option := range st.Options() {
		known.Options = append(known.Options, admin.Option{
			Name: option.Name, Default: option.Default, Secret: option.Secret, JSON: option.Type == style.JSON,
		})
	}
	return known, true
}

func stateOf(l *lane) admin.EndpointState {
	set := l.settings.Load()
	return admin.EndpointState{Endpoint: set.ep, State: l.getHealth().State(set.ep.Enabled), Window: set.window}
}

// ListEndpoints returns all, by name.
func (s *service) ListEndpoints(ctx context.Context) ([]admin.EndpointState, error) {
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return nil, err
	}
	lanes := s.registry.all()
	states := make([]admin.EndpointState, 0, len(lanes))
	for _, l := range lanes {
		state := stateOf(l)
		state.Held = stats.Endpoints[state.Endpoint.ID].Held
		states = append(states, state)
	}
	return states, nil
}

// GetEndpoint returns one.
func (s *service) GetEndpoint(ctx context.Context, name string) (admin.EndpointState, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return admin.EndpointState{}, s.noEndpoint(name, err)
	}
	state := stateOf(l)
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return state, err
	}
	state.Held = stats.Endpoints[state.Endpoint.ID].Held
	if _, _, err := trackerOf(l); err != nil {
		return state, nil //nolint:nilerr // there is no more to tell
	}
	if state.Skips, err = s.store.Skips(ctx, state.Endpoint.ID); err != nil {
		return state, err
	}
	state.LastResync, err = (*Daemon)(s).lastResync(ctx, &state.Endpoint, l.counts(stats))
	return state, err
}

// CreateEndpoint registers an endpoint.
func (s *service) CreateEndpoint(ctx context.Context, ep endpoint.Endpoint) (admin.EndpointState, error) {
	added, err := s.registry.add(ctx, ep, s.now())
	if errors.Is(err, store.ErrExists) {
		return admin.EndpointState{}, &api.Error{
			Code: api.CodeConflict, Message: err.Error(), Hint: "'dz endpoint update " + ep.Name + "' changes it",
		}
	}
	if err != nil {
		return admin.EndpointState{}, told(err)
	}
	return s.state(added), nil
}

// UpdateEndpoint changes an endpoint.
func (s *service) UpdateEndpoint(ctx context.Context, name string, change func(*endpoint.Endpoint) error) (admin.EndpointState, error) {
	updated, err := s.registry.update(ctx, name, s.now(), false, change)
	if err != nil {
		return admin.EndpointState{}, s.noEndpoint(name, err)
	}
	return s.state(updated), nil
}

// SetEndpointEnabled switches an endpoint on or off.
func (s *service) SetEndpointEnabled(ctx context.Context, name string, enabled bool) (admin.EndpointState, error) {
	updated, err := s.registry.enable(ctx, name, enabled, s.now())
	if err != nil {
		return admin.EndpointState{}, s.noEndpoint(name, err)
	}
	return s.state(updated), nil
}

func (s *service) state(ep endpoint.Endpoint) admin.EndpointState {
	state := admin.EndpointState{Endpoint: ep, State: endpoint.Health{}.State(ep.Enabled)}
	if l := s.registry.lane(ep.ID); l != nil {
		state.State, state.Window = l.getHealth().State(ep.Enabled), l.settings.Load().window
	}
	return state
}

// RemoveEndpoint forgets an endpoint and what it is owed.
func (s *service) RemoveEndpoint(ctx context.Context, name string) (api.Removed, error) {
	removed, err := s.registry.remove(ctx, name)
	if err != nil {
		return api.Removed{}, s.noEndpoint(name, err)
	}
	return removedOf(removed), nil
}

func removedOf(r store.Removed) api.Removed {
	return api.Removed{Name: r.Endpoint.Name, Debts: r.Open, Failures: r.Failed}
}

// TestEndpoint sends one marked request now, past all that is owed. It says nothing
// about the endpoint's health; but if it is delivered, a sick endpoint is probed now.
func (s *service) TestEndpoint(ctx context.Context, name string) (api.Exchange, error) {
	l, err := s.registry.byName(name)
	if err != nil {
		return api.Exchange{}, s.noEndpoint(name, err)
	}
	set := l.settings.Load()
	now := s.now()
	sample, err := set.style.Sample(&set.ep, now)
	if err != nil {
		return api.Exchange{}, err
	}
	request := sample.Request
	shown, err := s.sender.Show(&set.ep, request, now)
	if err != nil {
		return api.Exchange{}, invalid(err)
	}
	answer, outcome := s.sender.Send(ctx, &set.ep, request, deliver.Limits{Answer: set.limits.Answer, Timeout: set.limits.Timeout})
	outcome = sample.Understand(0, answer, outcome).Outcome
	exchange := api.Exchange{
		Endpoint:  set.ep.Name,
		Delivered: outcome.Verdict == attempt.Delivered,
		Reason:    outcome.Reason, Error: outcome.Error, Duration: outcome.Duration.Seconds(),
		Request: api.ExchangeRequest{
			Method: shown.Method, URL: shown.URL, Headers: shown.Header, Body: shown.Body,
		},
	}
	if exchange.Delivered {
		l.probe(context.WithoutCancel(ctx))
	}
	if answer.Status != 0 {
		exchange.Response = &api.ExchangeResponse{
			Status: answer.Status, Headers: flatten(&set.ep, request.Secrets, answer.Header),
			Body: deliver.MaskSecrets(&set.ep, request.Secrets, string(answer.Body[:min(len(answer.Body), attempt.MaxResponse)])),
		}
	}
	return exchange, nil
}

func flatten(ep *endpoint.Endpoint, secrets []attempt.Secret, header http.Header) map[string]string {
	flat := make(map[string]string, len(header))
	for name, values := range header {
		flat[name] = deliver.MaskSecrets(ep, secrets, strings.Join(values, ", "))
	}
	return flat
}
