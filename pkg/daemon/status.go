package daemon

import (
	"context"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// status says how everything is.
func (d *Daemon) status(ctx context.Context) (api.Status, error) {
	before, settledBefore := d.feedsSettled()
	searching := d.searching()
	stats, err := d.store.Stats(ctx)
	if err != nil {
		return api.Status{}, err
	}
	now := d.now()
	s := api.Status{
		Version: d.opts.Version.Version, Started: d.started, Uptime: now.Sub(d.started).Seconds(),
		Events: api.EventCounts{
			Ingested: stats.Ingested, Rejected: stats.Rejected,
			Owed: stats.Total.Owed, Coalesced: stats.Total.Coalesced, Skipped: stats.Total.Skipped,
		},
		Attempts:  api.AttemptCounts{Delivered: stats.Total.Delivered, Failed: stats.Total.Attempts},
		Store:     api.StoreStatus{Path: stats.Path, Size: stats.Size, MaxSize: stats.MaxSize, Error: d.intake.getFault()},
		Sources:   d.sourceStatus(),
		Endpoints: []api.EndpointStatus{},
	}
	for _, l := range d.registry.all() {
		ep, debts, err := d.laneStatus(ctx, l, stats, now)
		if err != nil {
			return api.Status{}, err
		}
		s.Endpoints = append(s.Endpoints, ep)
		s.Events.Owed += ep.Debts - min(ep.Debts, stats.Endpoints[l.settings.Load().ep.ID].Open) // what is handed on
		s.Debts.Waiting += debts.Waiting
		s.Debts.Due += debts.Due
		s.Debts.InFlight += debts.InFlight
		s.Debts.Retrying += debts.Retrying
		s.Debts.Failed += debts.Failed
		s.Debts.Held += debts.Held
		s.Debts.HeldDeletions += debts.HeldDeletions
	}
	after, settledAfter := d.feedsSettled()
	owed := d.tally(stats)
	s.Idle = settledBefore && settledAfter && slices.Equal(before, after) && owed.open == 0 && len(searching) == 0
	return s, nil
}

func (d *Daemon) sourceStatus() []api.SourceStatus {
	all := []api.SourceStatus{}
	for _, f := range d.allFeeds() {
		s := f.status()
		all = append(all, api.SourceStatus{
			Name: f.name, Type: f.kind, Position: s.Position, LagBytes: s.Lag, CaughtUp: s.CaughtUp, Error: s.Error,
		})
	}
	return all
}

// counts returns what the endpoint is owed, and what is handed on as if it was.
func (l *lane) counts(stats store.Stats) store.Counts {
	counts := stats.Endpoints[l.settings.Load().ep.ID]
	handed := uint64(l.unsettledHanded())
	counts.Open += handed
	counts.Background += handed
	return counts
}

// laneStatus says how an endpoint is, and what its debts wait for. Every debt is
// in exactly one of the counts.
func (d *Daemon) laneStatus(ctx context.Context, l *lane, stats store.Stats, now time.Time) (api.EndpointStatus, api.DebtCounts, error) {
	ep := &l.settings.Load().ep
	health := l.getHealth()
	counts := l.counts(stats)
	state := health.State(ep.Enabled)
	debts := api.DebtCounts{Failed: counts.Failed, HeldDeletions: counts.Held}
	if !l.sends() {
		debts.Held = counts.Open
	} else if counts.Open > 0 {
		due, err := d.store.CountDue(ctx, ep.ID, now)
		if err != nil {
			return api.EndpointStatus{}, debts, err
		}
		due += counts.Open - stats.Endpoints[ep.ID].Open // as what is handed on
		debts.Retrying = counts.Retrying
		rest := counts.Open - counts.Retrying
		debts.InFlight = min(uint64(l.underWay()), rest)
		rest -= debts.InFlight
		debts.Due = min(due-min(debts.InFlight, due), rest)
		debts.Waiting = rest - debts.Due
	}
	status := api.EndpointStatus{
		Name: ep.Name, Group: ep.Group, Style: ep.Style, State: string(state), Debts: counts.Open, Failures: counts.Failed,
		InFlight: debts.InFlight, Retrying: debts.Retrying, Delivered: counts.Delivered,
		Background: counts.Background, Held: counts.Held, Skipped: counts.Skipped, Tracked: counts.Tracked,
		LastSuccess: timePointer(health.LastSuccess), LastFailure: timePointer(health.LastFailure),
		LastError: health.LastError,
	}
	if state == endpoint.Sick {
		status.NextAttempt = timePointer(health.NotBefore)
	}
	if text, until := l.obstacle(); text != "" {
		status.LastError, status.NextAttempt = text, timePointer(until)
	}
	if _, _, err := trackerOf(l); err == nil {
		if status.Resync, err = d.lastResync(ctx, ep, counts); err != nil {
			return api.EndpointStatus{}, debts, err
		}
	}
	return status, debts, nil
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
