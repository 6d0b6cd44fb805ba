package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

const (
	// waitLook is how often a retry that is waited for looks whether what it
	// waits for can still come.
	waitLook = time.Second
	// maxWaited is how many debts are forced before their attempts are waited
	// for.
	maxWaited = 100_000
)

// retryWaiter waits for the attempts at debts that a person has forced. It
// watches from before they are forced, so that none is missed.
type retryWaiter struct {
	store   store.Failures
	unwatch func()
	changed chan struct{}

	mu      sync.Mutex
	since   time.Time              // attempts that began before are not those asked for
	early   map[debt.ID]settlement // ended before the debt was added
	waiting map[debt.ID]bool
	missing map[debt.ID]bool // not in the store at the last look
	ended   []settlement     // of those waited for
}

func newRetryWaiter(s *service) *retryWaiter {
	r := &retryWaiter{
		store: s.store, changed: make(chan struct{}, 1), since: s.now(),
		early: make(map[debt.ID]settlement), waiting: make(map[debt.ID]bool),
		missing: make(map[debt.ID]bool),
	}
	r.unwatch = s.attempts.watch(r.note)
	return r
}

func (r *retryWaiter) stop() { r.unwatch() }

// note takes in how an attempt ended. What ended a debt counts, whenever it
// began; what failed counts only if it was begun after the person asked.
func (r *retryWaiter) note(s settlement) {
	if !s.settled.Done && s.outcome.Started.Before(r.since) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waiting[s.debt.ID] {
		// It may be of the page that is just being forced.
		if len(r.early) < maxWaited {
			r.early[s.debt.ID] = s
		}
		return
	}
	delete(r.waiting, s.debt.ID)
	r.ended = append(r.ended, s)
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// add waits for the debts of a page too.
func (r *retryWaiter) add(page []debt.Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range page {
		id := page[i].ID
		if s, ok := r.early[id]; ok {
			r.ended = append(r.ended, s)
			continue
		}
		r.waiting[id] = true
	}
	clear(r.early)
}

func (r *retryWaiter) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) >= maxWaited
}

// wait returns when every debt has been tried or is gone, or when nothing is
// sent to the endpoint any more.
func (r *retryWaiter) wait(ctx context.Context, l *lane, result *api.FailureResult) error {
	look := time.NewTicker(waitLook)
	defer look.Stop()
	for {
		if r.collect(result) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.changed:
		case <-look.C:
			if err := r.look(ctx, l, result); err != nil {
				return err
			}
		}
	}
}

// collect counts what has ended, and returns how many are still waited for.
func (r *retryWaiter) collect(result *api.FailureResult) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.ended {
		switch s.outcome.Verdict {
		case attempt.Delivered:
			result.Delivered++
		case attempt.Skipped:
			result.Skipped++
		case attempt.Held:
			result.Held++
		default:
			result.Failed++
		}
	}
	r.ended = nil
	return len(r.waiting)
}

// look finds debts that are gone, and an endpoint that nothing is sent to.
func (r *retryWaiter) look(ctx context.Context, l *lane, result *api.FailureResult) error {
	for _, id := range r.some() {
		_, err := r.store.Failure(ctx, id)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if r.drop(id) {
			result.Dropped++
		}
	}
	if l == nil || l.sends() {
		return nil
	}
	left := r.collect(result)
	if left == 0 {
		return nil
	}
	ep := &l.settings.Load().ep
	return &api.Error{
		Code:    api.CodeConflict,
		Message: fmt.Sprintf("endpoint %s is %s now: %s, %d not sent", ep.Name, l.getHealth().State(ep.Enabled), result.Counts(), left),
		Hint:    fmt.Sprintf("'dz endpoint enable %s' sends them", ep.Name),
	}
}

// drop gives up a debt that is not in the store, if it was not at the last look
// either: one that was delivered this moment is about to be told.
func (r *retryWaiter) drop(id debt.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waiting[id] {
		return false
	}
	if !r.missing[id] {
		r.missing[id] = true
		return false
	}
	delete(r.missing, id)
	delete(r.waiting, id)
	return true
}

// some returns a few of those waited for.
func (r *retryWaiter) some() []debt.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]debt.ID, 0, actionPage)
	for id := range r.waiting {
		if len(ids) == actionPage {
			break
		}
		ids = append(ids, id)
	}
	return ids
}
