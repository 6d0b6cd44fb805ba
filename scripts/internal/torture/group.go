package main

import (
	"context"
	"fmt"

	"github.com/dam-delivery/dz/pkg/api"
)

// group is an endpoint group: endpoints that were added together, and are changed so.
type group struct {
	name    string
	members []*member
}

// registerGroup adds a group of n endpoints of the receiver's, while nothing ends dz.
func (r *rig) registerGroup(ctx context.Context, name string, n int, s settings) (*group, error) {
	g := &group{name: name}
	create := api.GroupCreate{Name: name, EndpointUpdate: s.update()}
	for i := range n {
		account := fmt.Sprintf("%s-%d", name, i+1) // so dz names them
		g.members = append(g.members, r.member(account, s))
		create.URLs = append(create.URLs, r.receiver.url(account, ""))
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if _, err := r.api().CreateGroup(ctx, create); err != nil {
		return nil, fmt.Errorf("register group %s: %w", name, err)
	}
	for _, m := range g.members {
		m.inbox.account.Changed(s.wanted)
	}
	return g, nil
}

// setGroup changes how a group's endpoints are delivered to. dz changes one after
// another, so that a call that was cut off may have changed some of them.
func (c *changer) setGroup(ctx context.Context, begin func()) error {
	var u api.EndpointUpdate
	enabled := c.group.members[0].enabled
	if c.random.IntN(3) == 0 {
		concurrency := 1 + c.random.IntN(8)
		for _, m := range c.group.members {
			m.inbox.account.AllowConcurrency(concurrency)
		}
		u.Concurrency = api.Set(concurrency)
	} else {
		enabled = !enabled
		u.Enabled = api.Set(enabled)
	}
	done, err := c.call(ctx, begin, func(ctx context.Context, client *api.Client) error {
		_, err := client.UpdateGroup(ctx, c.group.name, u)
		return err
	})
	if err != nil {
		return fmt.Errorf("update group %s: %w", c.group.name, err)
	}
	for _, m := range c.group.members {
		m.enabled = enabled
		if done {
			continue
		}
		found, err := c.find(ctx, m.name)
		if err != nil {
			return err
		}
		if found == nil {
			return fmt.Errorf("endpoint %s of group %s has vanished", m.name, c.group.name)
		}
		m.enabled = found.Enabled
	}
	return nil
}
