package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// The states of an endpoint, as dz calls them.
const (
	healthy = "healthy"
	sickly  = "sick"
	gone    = "gone"
)

// animal is a receiver that behaves in its own way, and what dz must say of it.
type animal struct {
	name     string
	answer   answer // of the rig's receiver
	settings settings
	state    string
	reason   attempt.Reason // of its debts; "" where all is delivered
	status   int

	member *member
}

// receivers has dz deliver to receivers that fail in every way there is, and to
// healthy ones beside them. Each must be in the right state with the right
// reason; once all are mended, everything is delivered.
func receivers(ctx context.Context, r *rig) (err error) {
	z, err := newZoo(r.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, z.close()) }()
	if _, err := r.start(ctx); err != nil {
		return err
	}
	animals, err := r.bring(ctx, z)
	if err != nil {
		return err
	}
	quiet := watchQuiet(animals)
	const objects = 40
	if err := r.spool.round(objects, objects); err != nil {
		return err
	}
	if err := r.judge(ctx, animals); err != nil {
		return err
	}
	for _, a := range quiet {
		if err := a.untilOver(ctx); err != nil {
			return err
		}
		if early := a.early(); early > 0 {
			r.fault("receiver %s: asked to be left alone for %v, and got %d requests meanwhile", a.name, leaveAlone, early)
		}
	}
	if !z.protos["HTTP/2.0"] {
		r.fault("no request came by HTTP/2")
	}
	if err := r.mend(ctx, animals); err != nil {
		return err
	}
	if err := r.settle(ctx, 2*time.Minute); err != nil {
		return err
	}
	r.note("%d kinds of receivers, peak RSS %d MiB", len(animals), r.peak>>20)
	return nil
}

// bring registers all there are.
func (r *rig) bring(ctx context.Context, z *zoo) ([]*animal, error) {
	animals := []*animal{
		{name: "healthy-first", answer: takeAtOnce, state: healthy},
		{name: "500", answer: status(http.StatusInternalServerError), state: sickly, reason: attempt.ServerError, status: 500},
		{name: "404", answer: status(http.StatusNotFound), state: sickly, reason: attempt.ClientError, status: 404},
		{name: "422", answer: status(http.StatusUnprocessableEntity), state: healthy, reason: attempt.ClientError, status: 422},
		{name: "429-seconds", answer: statusFor(429, false), state: sickly, reason: attempt.RateLimited, status: 429},
		{name: "429-date", answer: statusFor(429, true), state: sickly, reason: attempt.RateLimited, status: 429},
		{name: "503-seconds", answer: statusFor(503, false), state: sickly, reason: attempt.ServerError, status: 503},
		{name: "503-date", answer: statusFor(503, true), state: sickly, reason: attempt.ServerError, status: 503},
		{name: "410", answer: status(http.StatusGone), state: gone, reason: attempt.EndpointGone, status: 410},
		{name: "hang", answer: hang, settings: settings{timeout: "1s"}, state: sickly, reason: attempt.Timeout},
		{name: "slow-drip", answer: slowDrip, settings: settings{timeout: "1s"}, state: sickly, reason: attempt.Timeout, status: 200},
		{name: "healthy-middle", answer: takeAtOnce, state: healthy},
		{name: "close", answer: closeAtOnce, state: sickly, reason: attempt.ConnectionClosed},
		{name: "close-within", answer: closeWithin, state: sickly, reason: attempt.ConnectionClosed, status: 200},
		{name: "endless", answer: endless, state: healthy},
		{name: "redirect", answer: redirect, state: sickly, reason: attempt.Redirect, status: 307},
		{name: "metadata", settings: settings{url: "http://169.254.169.254/latest/"}, state: sickly, reason: attempt.Denied},
		{name: "dns", settings: settings{url: "http://receiver.invalid/"}, state: sickly, reason: attempt.DNS},
	}
	elsewhere, err := r.bringFromElsewhere(ctx, z)
	if err != nil {
		return nil, err
	}
	animals = append(animals, elsewhere...)
	animals = append(animals, &animal{name: "healthy-last", answer: takeAtOnce, state: healthy})
	for _, a := range animals {
		a.settings.wanted = asset
		if a.member, err = r.register(ctx, a.name, a.settings); err != nil {
			return nil, err
		}
		if a.answer != nil {
			a.member.inbox.set(a.answer)
		} else {
			a.member.inbox.set(takeAtOnce)
		}
	}
	return animals, nil
}

// bringFromElsewhere starts those that are not the rig's receiver.
func (r *rig) bringFromElsewhere(ctx context.Context, z *zoo) ([]*animal, error) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
	var animals []*animal
	for _, e := range []struct {
		animal

		trusting bool
		start    func(in func() *inbox) (string, error)
	}{
		{animal{name: "http2", state: healthy}, true, func(in func() *inbox) (string, error) {
			return z.serveTLS(ctx, "", tomorrow, in)
		}},
		{animal{name: "unknown-ca", state: sickly, reason: attempt.TLS}, false, func(in func() *inbox) (string, error) {
			return z.serveTLS(ctx, "", tomorrow, in)
		}},
		{animal{name: "expired", state: sickly, reason: attempt.TLS}, true, func(in func() *inbox) (string, error) {
			return z.serveTLS(ctx, "", yesterday, in)
		}},
		{animal{name: "wrong-name", state: sickly, reason: attempt.TLS}, true, func(in func() *inbox) (string, error) {
			return z.serveTLS(ctx, "other.example.com", tomorrow, in)
		}},
		{animal{name: "http10", state: healthy}, false, func(in func() *inbox) (string, error) {
			return z.serveRaw(ctx, http10(in))
		}},
		{animal{name: "no-http", state: sickly, reason: attempt.BadAnswer}, false, func(func() *inbox) (string, error) {
			return z.serveRaw(ctx, noHTTP)
		}},
		{animal{name: "closed-at-once", state: sickly, reason: attempt.ConnectionClosed}, false, func(func() *inbox) (string, error) {
			return z.serveRaw(ctx, func(net.Conn) {})
		}},
		{animal{name: "refused", state: sickly, reason: attempt.Refusal}, false, func(func() *inbox) (string, error) {
			return z.nobody(ctx)
		}},
	} {
		a := &e.animal
		url, err := e.start(func() *inbox { return a.member.inbox })
		if err != nil {
			return nil, fmt.Errorf("receiver %s: %w", a.name, err)
		}
		a.settings.url = url
		if e.trusting {
			a.settings.caFile = z.ca.file
		}
		animals = append(animals, a)
	}
	return animals, nil
}

// judge waits until every endpoint is as it must be, and compares the reasons of
// its debts.
func (r *rig) judge(ctx context.Context, animals []*animal) error {
	var wrong []string
	err := process.Until(ctx, 50*time.Millisecond, 20*time.Second, "every endpoint is judged", func() (bool, error) {
		s, err := r.status(ctx)
		if err != nil {
			return false, err
		}
		wrong = nil
		for _, a := range animals {
			what, err := r.differs(ctx, stateOf(s, a.name), a)
			if err != nil {
				return false, err
			}
			if what != "" {
				wrong = append(wrong, fmt.Sprintf("receiver %s: %s", a.name, what))
			}
		}
		return len(wrong) == 0, nil
	})
	if ctx.Err() != nil {
		return err
	}
	r.faults = append(r.faults, wrong...)
	return nil
}

// differs says how an endpoint differs from what it must be.
func (r *rig) differs(ctx context.Context, s api.EndpointStatus, a *animal) (string, error) {
	if s.State != a.state {
		return fmt.Sprintf("state %s, not %s (%s)", s.State, a.state, s.LastError), nil
	}
	if a.reason == "" {
		if s.Debts > 0 || s.Failures > 0 {
			return fmt.Sprintf("%d debts, %d failures", s.Debts, s.Failures), nil
		}
		return "", nil
	}
	query := api.FailureQuery{FailureSelection: api.FailureSelection{Endpoint: a.name, Retrying: true}}
	var others []string
	found := false
	for f, err := range r.api().EachFailure(ctx, query) {
		if err != nil {
			return "", err
		}
		if f.Reason == a.reason && f.Status == a.status {
			found = true
		} else if other := fmt.Sprintf("%s %d (%s)", f.Reason, f.Status, f.Error); !slices.Contains(others, other) {
			others = append(others, other)
		}
	}
	if !found || len(others) > 0 {
		return fmt.Sprintf("its debts say %s, not only %s %d", strings.Join(others, ", "), a.reason, a.status), nil
	}
	return "", nil
}

// mend has every receiver take what it is sent, and every endpoint sent to one.
// In the long form dz finds that out by its probes, up to a minute later; in the
// short form a person tells it.
func (r *rig) mend(ctx context.Context, animals []*animal) error {
	for _, a := range animals {
		a.member.inbox.set(takeAtOnce)
		if a.settings.url != "" && a.reason != "" {
			u := api.EndpointUpdate{URL: api.Set(r.receiver.url(a.name, "")), CAFile: api.Default[string]()}
			if err := r.update(ctx, a.name, u); err != nil {
				return err
			}
		}
		if a.state == gone || (r.opts.short && a.state == sickly) {
			if _, err := r.api().EnableEndpoint(ctx, a.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// quiet watches a receiver that asks to be left alone.
type quiet struct {
	*animal

	mu       sync.Mutex
	arrivals []quietArrival
}

// quietArrival is a request as it came in.
type quietArrival struct {
	at  time.Time
	key ledger.Key
}

func watchQuiet(animals []*animal) []*quiet {
	var all []*quiet
	for _, a := range animals {
		if !strings.HasPrefix(a.name, "429") && !strings.HasPrefix(a.name, "503") {
			continue
		}
		q := &quiet{animal: a}
		a.member.inbox.observe(func(n ledger.Notification, _ string) {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.arrivals = append(q.arrivals, quietArrival{time.Now(), n.Key})
		})
		all = append(all, q)
	}
	return all
}

// untilOver waits until the time has passed for which the receiver was to be left
// alone.
func (q *quiet) untilOver(ctx context.Context) error {
	q.mu.Lock()
	all := q.arrivals
	q.mu.Unlock()
	if len(all) == 0 {
		return fmt.Errorf("receiver %s: no request came", q.name)
	}
	return process.Pause(ctx, time.Until(all[0].at.Add(leaveAlone)))
}

// early counts the requests that came earlier than the receiver asked for, but for
// those that were under way at the first answer: no more than the endpoint's
// concurrency, and each about something else. A date has whole seconds only, so it
// may ask for a second less.
func (q *quiet) early() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	seen := make(map[ledger.Key]bool)
	again := 0
	for _, a := range q.arrivals {
		if a.at.Sub(q.arrivals[0].at) >= leaveAlone-time.Second {
			break
		}
		if seen[a.key] {
			again++
		}
		seen[a.key] = true
	}
	return again + max(0, len(seen)-defaultConcurrency)
}
