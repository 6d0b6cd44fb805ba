package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	// underWay is how many requests an endpoint has under way when it is changed.
	underWay = 4
	// heldFor is how long each of them takes.
	heldFor = 100 * time.Millisecond
	// stillBegun is how long after a change was confirmed a request may come in
	// that had begun before.
	stillBegun = 50 * time.Millisecond
)

// change removes or changes endpoints while their requests are under way. What
// was confirmed holds for every request that begins later; nothing is lost, and
// nothing sent twice.
func change(ctx context.Context, r *rig) error {
	rounds := 60
	if r.opts.short {
		rounds = 8
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	kinds := []struct {
		name string
		do   func(context.Context, *member, *arrivals) error
	}{
		{"removed", r.removeUnderWay},
		{"another target", r.retargetUnderWay},
		{"disabled and enabled", r.disableUnderWay},
		{"fewer at a time", r.slowDownUnderWay},
	}
	for round := range rounds {
		k := kinds[round%len(kinds)]
		if err := r.changeOne(ctx, fmt.Sprintf("c%d", round), k.do); err != nil {
			return fmt.Errorf("round %d, %s: %w", round, k.name, err)
		}
	}
	r.note("%d changes with %d requests under way at each", rounds, underWay)
	return r.settle(ctx, time.Minute)
}

// changeOne brings an endpoint to have requests under way, changes it, and
// removes it when all is delivered.
func (r *rig) changeOne(ctx context.Context, name string, do func(context.Context, *member, *arrivals) error) error {
	m, err := r.register(ctx, name, settings{wanted: asset, concurrency: underWay})
	if err != nil {
		return err
	}
	seen := &arrivals{}
	m.inbox.observe(seen.add)
	m.inbox.set(func(_ http.ResponseWriter, request *http.Request, take func()) {
		if process.Pause(request.Context(), heldFor) == nil {
			take()
		}
	})
	const objects = 5 * underWay
	if err := r.spool.round(objects, 1000); err != nil {
		return err
	}
	err = process.Until(ctx, time.Millisecond, 30*time.Second, "requests are under way", func() (bool, error) {
		return r.ledger.UnderWay() >= underWay, nil
	})
	if err != nil {
		return err
	}
	if err := do(ctx, m, seen); err != nil {
		return err
	}
	if err := r.settle(ctx, time.Minute); err != nil {
		return err
	}
	if m.enabled {
		return r.remove(ctx, m)
	}
	return nil
}

// removeUnderWay removes the endpoint, and registers another of its name, which
// is owed nothing.
func (r *rig) removeUnderWay(ctx context.Context, m *member, seen *arrivals) error {
	if err := r.remove(ctx, m); err != nil {
		return err
	}
	m.enabled = false
	if late, err := seen.countLater(ctx); err != nil || late > 0 {
		r.faultIf(late, "endpoint %s: %d requests after it was removed", m.name, late)
		return err
	}
	return nil
}

// retargetUnderWay sends what is left to another place.
func (r *rig) retargetUnderWay(ctx context.Context, m *member, seen *arrivals) error {
	if err := r.update(ctx, m.name, api.EndpointUpdate{URL: api.Set(r.receiver.url(m.account, "elsewhere"))}); err != nil {
		return err
	}
	late, err := seen.countLaterTo(ctx, "/"+m.account+"/")
	r.faultIf(late, "endpoint %s: %d requests to the former place after it was changed", m.name, late)
	return err
}

// disableUnderWay switches the endpoint off and, after a while, on.
func (r *rig) disableUnderWay(ctx context.Context, m *member, seen *arrivals) error {
	if err := r.update(ctx, m.name, api.EndpointUpdate{Enabled: api.Set(false)}); err != nil {
		return err
	}
	late, err := seen.countLater(ctx)
	r.faultIf(late, "endpoint %s: %d requests after it was disabled", m.name, late)
	if err != nil {
		return err
	}
	return r.update(ctx, m.name, api.EndpointUpdate{Enabled: api.Set(true)})
}

// slowDownUnderWay allows the endpoint one request at a time.
func (r *rig) slowDownUnderWay(ctx context.Context, m *member, _ *arrivals) error {
	if err := r.update(ctx, m.name, api.EndpointUpdate{Concurrency: api.Set(1)}); err != nil {
		return err
	}
	if err := process.Pause(ctx, 2*heldFor); err != nil {
		return err
	}
	for range 10 {
		if n := r.ledger.UnderWay(); n > 1 {
			r.fault("endpoint %s: %d requests at a time after it was allowed one", m.name, n)
		}
		if err := process.Pause(ctx, heldFor/10); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) faultIf(n int, format string, args ...any) {
	if n > 0 {
		r.fault(format, args...)
	}
}

// arrivals are when and where the requests of an endpoint came in.
type arrivals struct {
	mu  sync.Mutex
	all []arrival
}

type arrival struct {
	at   time.Time
	path string
}

func (a *arrivals) add(_ ledger.Notification, path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, arrival{time.Now(), path})
}

// countLater counts the requests that begin from now on, for a while.
func (a *arrivals) countLater(ctx context.Context) (int, error) { return a.countLaterTo(ctx, "") }

// countLaterTo counts those of one path; "" is any.
func (a *arrivals) countLaterTo(ctx context.Context, path string) (int, error) {
	from := time.Now().Add(stillBegun)
	if err := process.Pause(ctx, stillBegun+3*heldFor); err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, one := range a.all {
		if one.at.After(from) && (path == "" || one.path == path) {
			n++
		}
	}
	return n, nil
}
