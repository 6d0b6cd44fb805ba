package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// maxDynamic is how many endpoints come and go.
const maxDynamic = 6

// changer adds, changes and removes endpoints while dz is ended again and again.
// A call that was cut off may have had its effect or not: the changer asks when
// dz is back, and the ledger counts what was in doubt for dz.
type changer struct {
	rig    *rig
	random *rand.Rand
	every  time.Duration
	// ask has a change made at once; the channel is closed right before the call.
	ask chan chan struct{}

	fixed   []*member
	group   *group // nil: there is none
	dynamic [maxDynamic]*member
	born    int
	changes int
	doubts  int // calls that were cut off

	// calm is held by whoever wants nothing to be changed for a while.
	calm sync.RWMutex
}

func newChanger(r *rig, every time.Duration, fixed []*member) *changer {
	return &changer{
		rig: r, random: chance(r.opts.seed, r.name, "changer"), every: every, fixed: fixed,
		ask: make(chan chan struct{}),
	}
}

// run makes changes until ctx ends, and then switches every endpoint on.
func (c *changer) run(ctx context.Context) error {
	for {
		begun := make(chan struct{})
		timer := time.NewTimer(time.Duration(float64(c.every) * (0.5 + c.random.Float64())))
		select {
		case <-ctx.Done():
			timer.Stop()
			return c.enableAll(context.WithoutCancel(ctx))
		case begun = <-c.ask:
		case <-timer.C:
		}
		timer.Stop()
		c.calm.RLock()
		err := c.change(context.WithoutCancel(ctx), func() { close(begun) })
		c.calm.RUnlock()
		if err != nil {
			return err
		}
		c.changes++
	}
}

// change makes one change by chance. begin is called right before the call.
func (c *changer) change(ctx context.Context, begin func()) error {
	if c.group != nil && c.random.IntN(8) == 0 {
		return c.setGroup(ctx, begin)
	}
	slot := c.random.IntN(maxDynamic)
	m := c.dynamic[slot]
	switch {
	case m == nil:
		added, err := c.add(ctx, fmt.Sprintf("d%d", slot), begin)
		c.dynamic[slot] = added
		return err
	case c.random.IntN(4) == 0:
		gone, err := c.remove(ctx, m, begin)
		if gone {
			c.dynamic[slot] = nil
		}
		return err
	case c.random.IntN(2) == 0:
		return c.subscribe(ctx, m, begin)
	}
	members := append([]*member{m}, c.fixed...)
	return c.set(ctx, members[c.random.IntN(len(members))], begin)
}

// call makes a call of the API. done is false if it was cut off.
func (c *changer) call(ctx context.Context, begin func(), call func(context.Context, *api.Client) error) (done bool, err error) {
	client := c.rig.api()
	begin()
	if done, err = tryCall(ctx, client, call); !done {
		c.doubts++
	}
	return done, err
}

// tryCall makes a call of the API. done is false if it was cut off: it may have had its
// effect or not. An error is an answer.
func tryCall(ctx context.Context, client *api.Client, call func(context.Context, *api.Client) error) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	err = call(ctx, client)
	var refused *api.Error
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &refused) && refused.Code != api.CodeUnreachable && refused.Code != api.CodeInternal:
		return true, err
	}
	return false, nil
}

// find returns the endpoint as it is stored, once dz answers; nil without it.
func (c *changer) find(ctx context.Context, name string) (*api.Endpoint, error) {
	var found *api.Endpoint
	err := process.Until(ctx, lookEvery, 2*readyWithin, "dz answers again", func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		ep, err := c.rig.api().Endpoint(ctx, name, false)
		var refused *api.Error
		switch {
		case err == nil:
			found = &ep
			return true, nil
		case errors.As(err, &refused) && refused.Code == api.CodeNotFound:
			return true, nil
		}
		return false, nil
	})
	return found, err
}

// add registers an endpoint of its own account.
func (c *changer) add(ctx context.Context, name string, begin func()) (*member, error) {
	c.born++
	s := settings{wanted: uint8(1 + c.random.IntN(everything)), concurrency: 1 + c.random.IntN(8)}
	s.debounce, s.maxWait = window([]string{"0s", "50ms", "300ms"}[c.random.IntN(3)])
	account := fmt.Sprintf("%s-%d", name, c.born)
	m := &member{name: name, account: account, wanted: s.wanted, enabled: true, inbox: c.rig.receiver.subscribe(account, s.terms())}
	done, err := c.call(ctx, begin, func(ctx context.Context, client *api.Client) error {
		_, err := client.CreateEndpoint(ctx, s.create(name, c.rig.receiver.url(account, "")))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("add endpoint %s: %w", name, err)
	}
	if !done {
		found, err := c.find(ctx, name)
		if err != nil {
			return nil, err
		}
		if found == nil {
			m.inbox.account.Close()
			return nil, nil
		}
	}
	m.inbox.account.Changed(s.wanted)
	return m, nil
}

// remove forgets an endpoint, and reports whether it is gone.
func (c *changer) remove(ctx context.Context, m *member, begin func()) (bool, error) {
	m.inbox.account.Changing(0)
	done, err := c.call(ctx, begin, func(ctx context.Context, client *api.Client) error {
		_, err := client.RemoveEndpoint(ctx, m.name)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("remove endpoint %s: %w", m.name, err)
	}
	if !done {
		found, err := c.find(ctx, m.name)
		if err != nil {
			return false, err
		}
		if found != nil {
			m.inbox.account.Changed(m.wanted)
			return false, nil
		}
	}
	m.inbox.account.Close()
	return true, nil
}

// subscribe changes what an endpoint wants.
func (c *changer) subscribe(ctx context.Context, m *member, begin func()) error {
	wanted := uint8(1 + c.random.IntN(everything))
	m.inbox.account.Changing(wanted)
	found, err := c.update(ctx, m, api.EndpointUpdate{ChangeTypes: api.Set(changeTypes(wanted))}, begin)
	if err != nil {
		return err
	}
	if found != nil {
		wanted = uint8(found.ChangeTypes)
	}
	m.wanted = wanted
	m.inbox.account.Changed(wanted)
	return nil
}

// update changes an endpoint. If the call was cut off, it returns the endpoint
// as it is.
func (c *changer) update(ctx context.Context, m *member, u api.EndpointUpdate, begin func()) (*api.Endpoint, error) {
	done, err := c.call(ctx, begin, func(ctx context.Context, client *api.Client) error {
		_, err := client.UpdateEndpoint(ctx, m.name, u)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("update endpoint %s: %w", m.name, err)
	}
	if done {
		return nil, nil
	}
	found, err := c.find(ctx, m.name)
	if err == nil && found == nil {
		err = fmt.Errorf("endpoint %s has vanished", m.name)
	}
	return found, err
}

// window returns a debounce and the ceiling that goes with it. What changes while a
// request is under way waits no longer than the ceiling from when that was begun, for
// dz does not know which of its changes was the first: one as short as the debounce
// would have it come early, by as long as the request took.
func window(debounce string) (interval, maxWait string) {
	return debounce, (2 * duration(debounce)).String()
}

// set changes how an endpoint is delivered to.
func (c *changer) set(ctx context.Context, m *member, begin func()) error {
	var u api.EndpointUpdate
	switch c.random.IntN(4) {
	case 0:
		m.targets++
		u.URL = api.Set(c.rig.receiver.url(m.account, fmt.Sprintf("t%d", m.targets)))
	case 1:
		concurrency := 1 + c.random.IntN(8)
		m.inbox.account.AllowConcurrency(concurrency)
		u.Concurrency = api.Set(concurrency)
	case 2:
		debounce, maxWait := window([]string{"0s", "100ms", "400ms"}[c.random.IntN(3)])
		m.inbox.account.AllowDebounce(duration(debounce))
		u.Debounce, u.MaxWait = api.Set(debounce), api.Set(maxWait)
	default:
		m.enabled = !m.enabled
		u.Enabled = api.Set(m.enabled)
	}
	found, err := c.update(ctx, m, u, begin)
	if found != nil {
		m.enabled = found.Enabled
	}
	return err
}

// enableAll switches every endpoint on.
func (c *changer) enableAll(ctx context.Context) error {
	all := append(c.dynamic[:], c.fixed...)
	if c.group != nil {
		all = append(all, c.group.members...)
	}
	return c.enable(ctx, all)
}

// enable switches endpoints on.
func (c *changer) enable(ctx context.Context, members []*member) error {
	for _, m := range members {
		if m == nil || m.enabled {
			continue
		}
		for !m.enabled {
			found, err := c.update(ctx, m, api.EndpointUpdate{Enabled: api.Set(true)}, func() {})
			if err != nil {
				return err
			}
			m.enabled = found == nil || found.Enabled
		}
	}
	return nil
}
