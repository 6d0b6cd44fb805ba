package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

const (
	// pickyAbout is of how many objects one is refused.
	pickyAbout = 5
	// chosenFailures is how many failures are retried or purged at once, at most.
	chosenFailures = 10
	// retriedWithin is how long it may take at the end until all that failed is retried.
	retriedWithin = 2 * time.Minute
)

// choose returns some failures of the picky endpoint, and what they are about; none
// while dz does not answer.
func (p *person) choose(ctx context.Context) (ids []string, keys []ledger.Key, err error) {
	var page api.FailurePage
	if done, err := tryCall(ctx, p.rig.api(), func(ctx context.Context, client *api.Client) (err error) {
		page, err = client.Failures(ctx, api.FailureQuery{FailureSelection: api.FailureSelection{Endpoint: p.picky.name}})
		return err
	}); err != nil || !done {
		return nil, nil, err
	}
	p.random.Shuffle(len(page.Failures), func(i, j int) {
		page.Failures[i], page.Failures[j] = page.Failures[j], page.Failures[i]
	})
	for _, f := range page.Failures[:min(len(page.Failures), 1+p.random.IntN(chosenFailures))] {
		item, err := strconv.ParseUint(f.Object.ItemID.String(), 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("failure %s: %w", f.ID, err)
		}
		types := changeTypes(everything)
		ids = append(ids, f.ID)
		keys = append(keys, ledger.Key{Type: 1 << slices.Index(types, f.ChangeType), Item: item})
	}
	return ids, keys, nil
}

// retry has some failures sent at once.
func (p *person) retry(ctx context.Context) error {
	ids, keys, err := p.choose(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	begun := time.Now()
	var result api.FailureResult
	done, err := p.call(ctx, func(ctx context.Context, client *api.Client) (err error) {
		result, err = client.RetryFailures(ctx, api.FailureAction{FailureSelection: api.FailureSelection{IDs: ids}})
		return err
	})
	if err != nil {
		return fmt.Errorf("retry failures: %w", err)
	}
	if done && p.whole(result, len(ids), "retried") {
		p.picky.inbox.account.Retried(keys, begun)
		p.retried += len(ids)
	}
	return nil
}

// purge gives up some failures. If the call was cut off, it may have had its effect.
func (p *person) purge(ctx context.Context) error {
	ids, keys, err := p.choose(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	var result api.FailureResult
	done, err := p.call(ctx, func(ctx context.Context, client *api.Client) (err error) {
		result, err = client.PurgeFailures(ctx, api.FailureAction{FailureSelection: api.FailureSelection{IDs: ids}})
		return err
	})
	if err != nil {
		return fmt.Errorf("purge failures: %w", err)
	}
	var s api.Status
	if err := p.answers(ctx, func(ctx context.Context, client *api.Client) (err error) {
		s, err = client.Status(ctx)
		return err
	}); err != nil {
		return err
	}
	p.picky.inbox.account.Purged(keys, s.Events.Ingested)
	if !done || !p.whole(result, len(ids), "purged") {
		return nil
	}
	p.purged += len(ids)
	return p.checkPurged(ctx, ids)
}

// checkPurged says so if a failure is still there that was purged.
func (p *person) checkPurged(ctx context.Context, ids []string) error {
	for _, id := range ids {
		there := false
		err := p.answers(ctx, func(ctx context.Context, client *api.Client) error {
			_, err := client.Failure(ctx, id)
			there = err == nil
			if isNotFound(err) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		if there {
			p.rig.fault("failure %s was purged, and is still there", id)
		}
	}
	return nil
}

func isNotFound(err error) bool {
	var refused *api.Error
	return errors.As(err, &refused) && refused.Code == api.CodeNotFound
}

// whole says so if less was done than was asked for: nobody else touches failures, and
// what is named is meant whatever its state.
func (p *person) whole(result api.FailureResult, asked int, what string) bool {
	if result.Matched != uint64(asked) {
		p.rig.fault("%d of %d failures were %s that were named", result.Matched, asked, what)
	}
	return result.Matched == uint64(asked)
}

// finish has everything taken, and all that failed told. What was to be retried just
// before the end is waited for.
func (p *person) finish(ctx context.Context) error {
	if err := process.Until(ctx, lookEvery, retriedWithin, "what was retried is sent", func() (bool, error) {
		s, err := p.rig.status(ctx)
		return err == nil && stateOf(s, p.picky.name).Debts == 0, err
	}); err != nil {
		return err
	}
	p.checkRetried()
	p.mend()
	ctx, cancel := context.WithTimeoutCause(ctx, retriedWithin, fmt.Errorf("failures are not retried within %v", retriedWithin))
	defer cancel()
	says, err := p.rig.command(ctx, "failures", "retry", "--endpoint", p.picky.name, "--wait")
	if err != nil {
		return err
	}
	p.rig.note("when the receiver takes everything: %s", strings.TrimSpace(says))
	return nil
}

// checkRetried says so if what was to be retried was not sent.
func (p *person) checkRetried() {
	if keys := p.picky.inbox.account.NotRetried(); len(keys) > 0 {
		p.rig.fault("endpoint %s: %d failures were retried and not sent, such as that of %v", p.picky.name, len(keys), keys[0])
	}
}
