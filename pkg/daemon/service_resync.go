package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/resync"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/style"
)

// StartResync begins a synchronisation, or counts what one would tell.
func (s *service) StartResync(ctx context.Context, name string, wire api.ResyncOrder) (api.Resync, error) {
	l, ep, tracker, err := s.trackerNamed(name)
	if err != nil {
		return api.Resync{}, err
	}
	order := resync.Order{Changed: wire.Changed, Assets: wire.Assets, Filter: wire.Filter}
	if wire.Since != nil {
		order.Since = *wire.Since
	}
	if order.Filter != "" {
		if _, err := compileAssetFilter(order.Filter); err != nil {
			return api.Resync{}, invalid(err)
		}
	}
	if err := s.refuseUnknown(ctx, &ep, tracker, order.Assets); err != nil {
		return api.Resync{}, err
	}
	if wire.DryRun {
		return s.dryResync(ctx, &ep, order)
	}
	job, err := s.resyncs.start(ctx, l, order, false)
	if err != nil {
		return api.Resync{}, notBegun(name, err)
	}
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return api.Resync{}, err
	}
	return s.wireResync(&ep, job, l.counts(stats)), nil
}

// notBegun says why a synchronisation could not begin, or a reset.
func notBegun(name string, err error) error {
	switch {
	case errors.Is(err, errResyncRuns):
		return &api.Error{
			Code: api.CodeConflict, Message: fmt.Sprintf("a synchronisation of %s is running", name),
			Hint: fmt.Sprintf("'dz resync %s --join' waits for it, and --stop stops it", name),
		}
	case errors.Is(err, errResets):
		return &api.Error{
			Code: api.CodeConflict, Message: fmt.Sprintf("what %s has acknowledged is just being forgotten", name),
			Hint: "try again when that is done",
		}
	default:
		return told(err)
	}
}

// dryResync counts what a job would tell.
func (s *service) dryResync(ctx context.Context, ep *endpoint.Endpoint, order resync.Order) (api.Resync, error) {
	job := resync.Job{Order: order, Phase: resync.Listing, Started: s.now()}
	dry, err := s.resyncs.search(ep.ID, job)
	if err != nil {
		return api.Resync{}, invalid(err)
	}
	dry.dry = true
	dry.take = func(context.Context, resync.Job, finding) error { return nil }
	if err := dry.run(ctx); err != nil {
		return api.Resync{}, toldUnread(err)
	}
	shown := s.wireResync(ep, dry.job, store.Counts{})
	shown.DryRun = true
	return shown, nil
}

// GetResync returns the last synchronisation of an endpoint, and what came of it.
func (s *service) GetResync(ctx context.Context, name string) (api.ResyncState, error) {
	l, ep, tracker, err := s.trackerNamed(name)
	if err != nil {
		return api.ResyncState{}, err
	}
	job, err := s.store.Resync(ctx, ep.ID)
	if errors.Is(err, store.ErrNotFound) {
		return api.ResyncState{}, &api.Error{
			Code: api.CodeNotFound, Message: fmt.Sprintf("endpoint %s was never synchronised again", name),
			Hint: fmt.Sprintf("'dz resync %s' does it", name),
		}
	}
	if err != nil {
		return api.ResyncState{}, err
	}
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return api.ResyncState{}, err
	}
	counts := l.counts(stats)
	state := api.ResyncState{Resync: s.wireResync(&ep, job, counts), Held: counts.Held, Untried: counts.Background}
	if retrying := counts.Retrying > 0 && counts.Background > 0; retrying || counts.Failed > 0 {
		sel := debt.Selection{Endpoints: []uint64{ep.ID}, Retrying: retrying}
		if err := s.countTroubles(ctx, sel, job.Started, &state); err != nil {
			return state, err
		}
	}
	if counts.Held > 0 && len(job.Order.Assets) > 0 {
		state.Held, err = s.heldOf(ctx, ep.ID, tracker, job.Order.Assets)
	}
	return state, err
}

// heldOf counts the deletions of those assets that are held.
func (s *service) heldOf(ctx context.Context, id uint64, tracker style.Tracker, assets []event.ID) (n uint64, err error) {
	for _, asset := range assets {
		owed, err := s.store.Debt(ctx, id, tracker.AssetKey(asset))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return n, err
		}
		if err == nil && owed.Held {
			n++
		}
	}
	return n, nil
}

// countTroubles counts what has failed since a synchronisation began, and takes from
// what is untried what was tried and has not changed since.
func (s *service) countTroubles(ctx context.Context, sel debt.Selection, began time.Time, state *api.ResyncState) error {
	for cursor := ""; ; {
		page, next, err := s.store.Failures(ctx, sel, cursor, actionPage)
		if err != nil {
			return err
		}
		for i := range page {
			f := &page[i]
			since := !f.LastAttempt.Before(began)
			switch {
			case f.Failed && since:
				state.Failed++
			case !f.Failed && f.Background && f.Tries > 0:
				state.Untried -= min(1, state.Untried)
				if since {
					state.Retrying++
				}
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// StopResync ends the synchronisation that is running.
func (s *service) StopResync(ctx context.Context, name string) (api.Resync, error) {
	_, ep, _, err := s.trackerNamed(name)
	if err != nil {
		return api.Resync{}, err
	}
	if err := s.resyncs.stop(ctx, ep.ID); errors.Is(err, errNoResync) {
		return api.Resync{}, s.nothingToStop(ctx, &ep)
	} else if err != nil {
		return api.Resync{}, told(err)
	}
	state, err := s.GetResync(ctx, name)
	return state.Resync, err
}

// nothingToStop says that no synchronisation is running. People see one go on for as
// long as what it has found is sent.
func (s *service) nothingToStop(ctx context.Context, ep *endpoint.Endpoint) error {
	stats, err := s.store.Stats(ctx)
	if err != nil {
		return err
	}
	refused := &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("no synchronisation of %s is running", ep.Name)}
	if left := stats.Endpoints[ep.ID].Background; left > 0 {
		verb := "are"
		if left == 1 {
			verb = "is"
		}
		refused.Message = fmt.Sprintf("no synchronisation of %s looks for more to tell; what the last has owed stays owed, %d %s left", ep.Name, left, verb)
		refused.Hint = fmt.Sprintf("'dz endpoint disable %s' sends nothing for a while", ep.Name)
	}
	return refused
}

// maxShownNames is how many of the assets that a job's order names are shown: whoever
// looks at a status is not to be sent thousands of them each time.
const maxShownNames = 100

// wireResync shows a job.
func (s *service) wireResync(ep *endpoint.Endpoint, job resync.Job, counts store.Counts) api.Resync {
	if found, ok := s.resyncs.found(ep.ID); ok && job.Running() && found.Number == job.Number {
		job = found
	}
	named := job.Order.Assets
	shown := api.Resync{
		Endpoint: ep.Name, Number: job.Number, Changed: job.Order.Changed,
		Assets: append([]event.ID{}, named[:min(len(named), maxShownNames)]...), Named: len(named),
		Filter: job.Order.Filter, Since: timePointer(job.Order.Since), Scheduled: job.Scheduled, Phase: string(job.Phase),
		Found: api.ResyncFound(job.Found), Started: job.Started, Ended: timePointer(job.Ended), Error: job.Error,
		Remaining: counts.Background, Delivered: counts.Delivered - min(job.Delivered, counts.Delivered),
	}
	if job.Running() {
		shown.Error = s.resyncs.fault(ep.ID)
	}
	return shown
}

// lastResync shows an endpoint's last job; nil if there was none.
func (d *Daemon) lastResync(ctx context.Context, ep *endpoint.Endpoint, counts store.Counts) (*api.Resync, error) {
	job, err := d.store.Resync(ctx, ep.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there was none
	}
	if err != nil {
		return nil, err
	}
	shown := (*service)(d).wireResync(ep, job, counts)
	return &shown, nil
}
