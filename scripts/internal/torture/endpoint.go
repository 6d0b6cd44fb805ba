package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// member is a registered endpoint and what the driver knows of it.
type member struct {
	name    string
	account string
	inbox   *inbox
	wanted  uint8 // change types
	targets int   // how often its URL was changed
	enabled bool
}

// settings of an endpoint to be registered.
type settings struct {
	wanted      uint8  // change types
	debounce    string // "" is 0s
	maxWait     string // "" is the debounce
	concurrency int
	rate        float64 // requests a second; 0 is unlimited
	retry       string  // "" is 1s,1s,2s,5s,5s and so on: long enough for a scenario
	timeout     string  // "" is 10s
	url         string  // "" is the receiver's
	caFile      string
	secret      string // the value of a header, which the store seals; "" is none
	replayed    bool   // recent changes may be replayed to it
	pings       string // the secret of an endpoint of style gateway; "" is one of style notify
}

// defaultRetry goes on for longer than any scenario, in short steps.
const defaultRetry = "1s,1s,1s,2s,5s,10s,10s,10s,30s,1m,5m,5m,5m,1h,1h"

// What an endpoint has if its settings don't say.
const (
	defaultConcurrency = 8
	defaultTimeout     = "10s"
)

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// terms are what the ledger holds requests to.
func (s settings) terms() ledger.Terms {
	return ledger.Terms{
		Concurrency: s.concurrency, Timeout: duration(orElse(s.timeout, defaultTimeout)), Debounce: duration(orElse(s.debounce, "0s")),
		Reasons: s.pings != "", Replayed: s.replayed,
	}
}

// duration reads a duration that this program gives to dz.
func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

func (s settings) create(name, url string) api.EndpointCreate {
	create := api.EndpointCreate{Name: name, EndpointUpdate: s.update()}
	create.URL = api.Set(orElse(s.url, url))
	return create
}

// update returns all but the URL.
func (s settings) update() api.EndpointUpdate {
	debounce := orElse(s.debounce, "0s")
	update := api.EndpointUpdate{
		ChangeTypes: api.Set(changeTypes(s.wanted)),
		Debounce:    api.Set(debounce),
		MaxWait:     api.Set(orElse(s.maxWait, debounce)),
		Concurrency: api.Set(s.concurrency),
		Retry:       api.Set(orElse(s.retry, defaultRetry)),
		Timeout:     api.Set(orElse(s.timeout, defaultTimeout)),
	}
	if s.secret != "" {
		update.Headers = map[string]api.Patch[string]{secretHeader: api.Set(s.secret)}
	}
	if s.rate > 0 {
		update.Rate = api.Set(s.rate)
	}
	if s.caFile != "" {
		update.CAFile = api.Set(s.caFile)
	}
	if s.pings != "" {
		update.Style = api.Set("gateway")
		update.Options = map[string]any{"gatewaySecret": s.pings}
	}
	return update
}

// register adds an endpoint of the receiver's, while nothing ends dz.
func (r *rig) register(ctx context.Context, name string, s settings) (*member, error) {
	if s.concurrency == 0 {
		s.concurrency = defaultConcurrency
	}
	if s.wanted == 0 {
		s.wanted = everything
	}
	m := r.member(name, s)
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if _, err := r.api().CreateEndpoint(ctx, s.create(name, r.receiver.url(name, ""))); err != nil {
		return nil, fmt.Errorf("register endpoint %s: %w", name, err)
	}
	m.inbox.account.Changed(s.wanted)
	return m, nil
}

// member returns an endpoint that is to be registered, with an inbox.
func (r *rig) member(name string, s settings) *member {
	m := &member{name: name, account: name, wanted: s.wanted, enabled: true, inbox: r.receiver.subscribe(name, s.terms())}
	if s.pings != "" {
		m.inbox.read = readPing(s.pings)
	}
	m.inbox.secret = s.secret
	for _, secret := range []string{s.secret, s.pings} {
		if secret != "" {
			r.secrets = append(r.secrets, secret)
		}
	}
	return m
}

// update changes an endpoint, while nothing ends dz.
func (r *rig) update(ctx context.Context, name string, u api.EndpointUpdate) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if _, err := r.api().UpdateEndpoint(ctx, name, u); err != nil {
		return fmt.Errorf("update endpoint %s: %w", name, err)
	}
	return nil
}

// stateOf returns what dz says of an endpoint.
func stateOf(s api.Status, name string) api.EndpointStatus {
	for _, e := range s.Endpoints {
		if e.Name == name {
			return e
		}
	}
	return api.EndpointStatus{}
}
