package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/admin"
	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// actionPage is how many failures are retried or purged in one transaction, and
// waited for at a time.
const actionPage = 500

// ListFailures returns a page.
func (s *service) ListFailures(ctx context.Context, query api.FailureQuery) (api.FailurePage, error) {
	sel, err := s.selection(query.FailureSelection)
	if err != nil {
		return api.FailurePage{}, err
	}
	list, next, err := s.store.Failures(ctx, sel, query.Cursor, query.Limit)
	if err != nil {
		return api.FailurePage{}, toldCursor(err)
	}
	page := api.FailurePage{Failures: make([]api.Failure, 0, len(list)), Next: next}
	for i := range list {
		page.Failures = append(page.Failures, s.failure(&list[i]))
	}
	return page, nil
}

// toldCursor turns a bad cursor into an error of the person who sent it.
func toldCursor(err error) error {
	if errors.Is(err, store.ErrCursor) {
		return invalid(err)
	}
	return told(err)
}

// GetFailure returns one.
func (s *service) GetFailure(ctx context.Context, id string) (api.Failure, error) {
	parsed, err := debt.ParseID(id)
	if err != nil {
		return api.Failure{}, invalid(err)
	}
	f, err := s.store.Failure(ctx, parsed)
	if errors.Is(err, store.ErrNotFound) {
		return api.Failure{}, &api.Error{
			Code: api.CodeNotFound, Message: "there is no failure " + strings.ToUpper(id),
			Hint: "it may have been delivered or purged; 'dz failures list' shows what there is",
		}
	}
	if err != nil {
		return api.Failure{}, err
	}
	return s.failure(&f), nil
}

// failure shows a failure.
func (s *service) failure(f *debt.Failure) api.Failure {
	name := ""
	if l := s.registry.lane(f.Endpoint); l != nil {
		name = l.settings.Load().ep.Name
	}
	return admin.NewFailure(*f, name)
}

// selection reads what is meant. An endpoint or id that there is not is an error:
// a typing error must not pass for "nothing to do".
func (s *service) selection(sel api.FailureSelection) (debt.Selection, error) {
	endpoints, err := s.named(sel.Endpoint)
	if err != nil {
		return debt.Selection{}, err
	}
	out, err := admin.NewSelection(sel, endpoints)
	// Whoever names a debt means it, in whatever state it is.
	out.Retrying = out.Retrying || len(out.IDs) > 0
	return out, err
}

// checkIDs reports the first id that names nothing.
func (s *service) checkIDs(ctx context.Context, ids []debt.ID) error {
	for _, id := range ids {
		if _, err := s.GetFailure(ctx, id.String()); err != nil {
			return err
		}
	}
	return nil
}

// RetryFailures forces what is selected: each is sent, whatever its endpoint's
// health. Those of an endpoint that is switched off or gone can't be, and are
// refused, or passed over where they were not named.
func (s *service) RetryFailures(ctx context.Context, action api.FailureAction) (api.FailureResult, error) {
	sel, err := s.selection(action.FailureSelection)
	if err != nil {
		return api.FailureResult{}, err
	}
	if err := s.checkIDs(ctx, sel.IDs); err != nil {
		return api.FailureResult{}, err
	}
	targets, err := s.retryTargets(ctx, sel)
	if err != nil {
		return api.FailureResult{}, err
	}
	result := api.FailureResult{DryRun: action.DryRun}
	for _, target := range targets {
		if err := s.retry(ctx, target, action, &result); err != nil {
			return result, told(err)
		}
	}
	return result, nil
}

// retryTargets splits a selection into those of one endpoint each, leaving out
// endpoints that nothing is sent to.
func (s *service) retryTargets(ctx context.Context, sel debt.Selection) ([]debt.Selection, error) {
	var targets []debt.Selection
	var refused error
	for _, l := range s.registry.all() {
		set := l.settings.Load()
		if len(sel.Endpoints) > 0 && !slices.Contains(sel.Endpoints, set.ep.ID) {
			continue
		}
		target := sel
		target.Endpoints = []uint64{set.ep.ID}
		state := l.getHealth().State(set.ep.Enabled)
		if state != endpoint.Disabled && state != endpoint.Paused {
			targets = append(targets, target)
			continue
		}
		held, _, err := s.store.Failures(ctx, target, "", 1)
		if err != nil {
			return nil, told(err)
		}
		if len(held) > 0 && (len(sel.Endpoints) > 0 || len(sel.IDs) > 0) {
			refused = &api.Error{
				Code:    api.CodeConflict,
				Message: fmt.Sprintf("endpoint %s is %s, so nothing is sent to it", set.ep.Name, state),
				Hint:    fmt.Sprintf("'dz endpoint enable %s' first", set.ep.Name),
			}
		}
	}
	return targets, refused
}

// retry forces what is selected of one endpoint, and waits for it if it is asked to, in portions
// so that what is waited for stays bounded.
func (s *service) retry(ctx context.Context, sel debt.Selection, action api.FailureAction, result *api.FailureResult) error {
	var waiter *retryWaiter
	if action.Wait && !action.DryRun {
		waiter = newRetryWaiter(s)
		defer waiter.stop()
	}
	cursor := ""
	for {
		var page []debt.Failure
		var next string
		var err error
		if action.DryRun {
			page, next, err = s.store.Failures(ctx, sel, cursor, actionPage)
		} else {
			page, next, err = s.store.Retry(ctx, sel, s.now(), cursor, actionPage)
		}
		if err != nil {
			return err
		}
		result.Matched += uint64(len(page))
		l := s.registry.lane(sel.Endpoints[0])
		if l != nil && len(page) > 0 && !action.DryRun {
			l.wake()
		}
		if waiter != nil {
			waiter.add(page)
			if next == "" || waiter.full() {
				if err := waiter.wait(ctx, l, result); err != nil {
					return err
				}
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// PurgeFailures gives up what is selected.
func (s *service) PurgeFailures(ctx context.Context, action api.FailureAction) (api.FailureResult, error) {
	sel, err := s.selection(action.FailureSelection)
	if err != nil {
		return api.FailureResult{}, err
	}
	if err := s.checkIDs(ctx, sel.IDs); err != nil {
		return api.FailureResult{}, err
	}
	result := api.FailureResult{DryRun: action.DryRun}
	cursor := ""
	for {
		var n uint64
		var next string
		if action.DryRun {
			var page []debt.Failure
			page, next, err = s.store.Failures(ctx, sel, cursor, actionPage)
			n = uint64(len(page))
		} else {
			n, next, err = s.store.Purge(ctx, sel, cursor, actionPage)
		}
		result.Matched += n
		if err != nil {
			return result, told(err)
		}
		if next == "" {
			break
		}
		cursor = next
	}
	if !action.DryRun {
		s.log.Info("failures purged", "count", result.Matched)
	}
	return result, nil
}
