package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

const (
	// registerAgain is how often a receiver looks for a daemon that has gone.
	registerAgain = time.Second
	// removeWithin is how long the daemon is given to remove the endpoint at the
	// end.
	removeWithin = 5 * time.Second
)

// registerOptions are those of the endpoint that "dz listen" adds for itself.
type registerOptions struct {
	wanted      bool
	style       string
	changeTypes []string
	debounce    string
}

// registration is the temporary endpoint of a receiver. The daemon removes it
// when nobody watches its attempts, so that it goes also with a receiver that was
// killed; while it lives, the receiver watches.
type registration struct {
	app    *app
	client *api.Client
	create api.EndpointCreate
	held   sync.WaitGroup
}

// register adds an endpoint for who listens at an address, and keeps it until ctx
// ends.
func (a *app) register(ctx context.Context, address net.Addr, opts listenOptions) (*registration, error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	r := &registration{app: a, client: client, create: api.EndpointCreate{
		Name: "listen-" + port,
		EndpointUpdate: api.EndpointUpdate{
			URL:         api.Set("http://" + net.JoinHostPort(host, port) + "/"),
			Temporary:   api.Set(true),
			ChangeTypes: api.Set(opts.register.changeTypes),
			Description: api.Set("'dz listen --register'"),
		},
	}}
	update := &r.create.EndpointUpdate
	if opts.register.style != "" {
		update.Style = api.Set(opts.register.style)
	}
	if opts.register.debounce != "" {
		update.Debounce = api.Set(opts.register.debounce)
	}
	if err := opts.verify.sign(update); err != nil {
		return nil, err
	}
	ask, cancel := context.WithTimeoutCause(ctx, deadline, late(client.Socket, deadline))
	defer cancel()
	ep, err := r.add(ask)
	if err != nil {
		return nil, err
	}
	a.note("registered as endpoint %s (style %s, %s), until this ends", ep.Name, ep.Style, strings.Join(ep.ChangeTypes.Names(), ", "))
	r.held.Go(func() { r.hold(ctx) })
	return r, nil
}

// add adds the endpoint. One of its name that is temporary was left by a receiver
// that is no more: this one has its port.
func (r *registration) add(ctx context.Context) (api.Endpoint, error) {
	ep, err := r.client.CreateEndpoint(ctx, r.create)
	if !isCode(err, api.CodeConflict) {
		return ep, err
	}
	if left, showErr := r.client.Endpoint(ctx, r.create.Name, false); showErr != nil || !left.Temporary {
		return ep, err
	}
	if _, err := r.client.RemoveEndpoint(ctx, r.create.Name); err != nil && !isCode(err, api.CodeNotFound) {
		return ep, err
	}
	return r.client.CreateEndpoint(ctx, r.create)
}

// hold watches the endpoint until ctx ends, also over a restart of the daemon.
func (r *registration) hold(ctx context.Context) {
	again := time.NewTicker(registerAgain)
	defer again.Stop()
	watched := true
	for ctx.Err() == nil {
		for _, err := range r.client.WatchEndpoint(ctx, r.create.Name) {
			switch {
			case ctx.Err() != nil:
				return
			case err == nil && !watched:
				watched = true
				r.app.note("registered again as endpoint %s", r.create.Name)
			case isCode(err, api.CodeNotFound):
				// The daemon was away for long, or somebody has removed it. Who
				// wants that ends this.
				if _, err := r.add(ctx); err == nil {
					r.app.note("endpoint %s was removed; added again", r.create.Name)
				}
			case err != nil && watched:
				watched = false
				r.app.note("%v; waiting for it", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
}

// remove removes the endpoint, after the end of the registration's context.
func (r *registration) remove(ctx context.Context) {
	r.held.Wait()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), removeWithin, late(r.client.Socket, removeWithin))
	defer cancel()
	removed, err := r.client.RemoveEndpoint(ctx, r.create.Name)
	switch {
	case isCode(err, api.CodeNotFound):
	case err != nil:
		r.app.note("endpoint %s could not be removed: %v; the daemon removes it when it finds that nobody watches it", r.create.Name, err)
	default:
		r.app.note("endpoint %s removed, with %d debts", removed.Name, removed.Debts+removed.Failures)
	}
}

// isCode reports whether err is the API's, of that code.
func isCode(err error, code api.Code) bool {
	var told *api.Error
	return errors.As(err, &told) && told.Code == code
}

// checkRegister reports what can't be meant.
func (o *registerOptions) check(a *app) error {
	if !o.wanted {
		if o.style != "" || o.debounce != "" {
			return usagef("--style and --debounce are those of the endpoint that --register adds")
		}
		return nil
	}
	if o.style != "" {
		if _, err := a.styles.Get(o.style); err != nil {
			return usagef("--style: %w", err)
		}
	}
	for _, name := range o.changeTypes {
		if _, err := event.ParseChangeType(name); err != nil {
			return usagef("--change-types: %w", err)
		}
	}
	return nil
}
