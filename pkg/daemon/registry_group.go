package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// checkNames keeps the names of groups and of endpoints apart: none is given
// twice. That two endpoints have different names is the store's to keep. The
// caller holds the lock.
func (r *registry) checkNames(eps []endpoint.Endpoint) error {
	for i := range eps {
		name, group := eps[i].Name, eps[i].Group
		if len(r.members(name)) > 0 {
			return fmt.Errorf("endpoint group %q: %w", name, store.ErrExists)
		}
		if group == "" {
			continue
		}
		if len(r.members(group)) > 0 {
			return fmt.Errorf("endpoint group %q: %w", group, store.ErrExists)
		}
		if _, taken := r.names[group]; taken {
			return fmt.Errorf("endpoint %q: %w", group, store.ErrExists)
		}
	}
	return nil
}

// members returns the lanes of a group's endpoints, in the order they were
// added. The caller holds the lock.
func (r *registry) members(group string) []*lane {
	var lanes []*lane
	for _, running := range r.lanes {
		if group != "" && running.settings.Load().ep.Group == group {
			lanes = append(lanes, running.lane)
		}
	}
	slices.SortFunc(lanes, func(a, b *lane) int {
		return cmp.Compare(a.settings.Load().ep.ID, b.settings.Load().ep.ID)
	})
	return lanes
}

// group returns the lanes of a group's endpoints. store.ErrNotFound without
// such a group.
func (r *registry) group(name string) ([]*lane, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lanes := r.members(name)
	if len(lanes) == 0 {
		return nil, fmt.Errorf("endpoint group %q: %w", name, store.ErrNotFound)
	}
	return lanes, nil
}

// named returns the lane of the endpoint of that name, or those of the group.
// store.ErrNotFound without either.
func (r *registry) named(name string) ([]*lane, error) {
	one, err := r.byName(name)
	if errors.Is(err, store.ErrNotFound) {
		return r.group(name)
	}
	return []*lane{one}, err
}

// updateGroup changes the endpoints of a group: none of them if it can't be done
// to one.
func (r *registry) updateGroup(ctx context.Context, name string, now time.Time, change func(*endpoint.Endpoint) error) ([]endpoint.Endpoint, error) {
	lanes, err := r.group(name)
	if err != nil {
		return nil, err
	}
	for _, l := range lanes {
		tried := l.settings.Load().ep
		// What is normalized below is in use by the lane.
		tried.Headers, tried.Subscription.Events = maps.Clone(tried.Headers), slices.Clone(tried.Subscription.Events)
		unshown := r.checkView(&tried)
		if err := change(&tried); err != nil {
			return nil, err
		}
		if err := r.checkChange(&tried, unshown); err != nil {
			return nil, invalid(fmt.Errorf("endpoint %s: %w", tried.Name, err))
		}
	}
	return eachMember(lanes, func(member string) (endpoint.Endpoint, error) {
		return r.update(ctx, member, now, false, change)
	})
}

// enableGroup switches the endpoints of a group on or off.
func (r *registry) enableGroup(ctx context.Context, name string, enabled bool, now time.Time) ([]endpoint.Endpoint, error) {
	lanes, err := r.group(name)
	if err != nil {
		return nil, err
	}
	return eachMember(lanes, func(member string) (endpoint.Endpoint, error) {
		return r.enable(ctx, member, enabled, now)
	})
}

// removeGroup forgets the endpoints of a group, and so the group.
func (r *registry) removeGroup(ctx context.Context, name string) ([]store.Removed, error) {
	lanes, err := r.group(name)
	if err != nil {
		return nil, err
	}
	return eachMember(lanes, func(member string) (store.Removed, error) { return r.remove(ctx, member) })
}

// eachMember does something with the endpoints of a group, one by one; one that
// was removed meanwhile is passed over.
func eachMember[T any](lanes []*lane, do func(name string) (T, error)) ([]T, error) {
	done := make([]T, 0, len(lanes))
	for _, l := range lanes {
		one, err := do(l.settings.Load().ep.Name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return done, err
		}
		done = append(done, one)
	}
	return done, nil
}
