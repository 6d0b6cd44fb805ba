package daemon

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/store"
)

// TailEvents tells events as they become durable.
func (s *service) TailEvents(ctx context.Context, query api.TailQuery, tell func(api.Line[api.Event]) error) error {
	matches, err := s.eventFilter(query.Events())
	if err != nil {
		return err
	}
	waiting := newBacklog[api.Event]()
	// From before the last ones are looked up, so that none lies between.
	stop := s.intake.live.watch(func(t taken) {
		for i := range t.events {
			e := &t.events[i]
			if !matches(t.source, e) {
				continue
			}
			r := store.Recent{Received: t.at, Source: t.source, Line: bytes.Clone(e.Raw)}
			if t.first > 0 {
				r.Seq = t.first + uint64(i)
			}
			waiting.put(wireEvent(r, e), len(r.Line))
		}
	})
	defer stop()
	last, err := s.lastEvents(ctx, query)
	if err != nil {
		return err
	}
	if err := tell(api.Line[api.Event]{}); err != nil {
		return err
	}
	var told uint64
	for i := range last {
		told = last[i].Seq
		if err := tell(api.Line[api.Event]{Item: &last[i]}); err != nil {
			return err
		}
	}
	return pump(ctx, waiting, func(line api.Line[api.Event]) error {
		if line.Item != nil && line.Item.Seq != 0 && line.Item.Seq <= told {
			return nil // it was one of the last ones
		}
		return tell(line)
	})
}

// lastEvents returns the recent events that a tail begins with, oldest first.
func (s *service) lastEvents(ctx context.Context, query api.TailQuery) ([]api.Event, error) {
	var last []api.Event
	events := query.Events()
	for len(last) < query.Last {
		events.Limit = query.Last - len(last)
		page, err := s.ListEvents(ctx, events)
		if err != nil {
			return nil, err
		}
		last = append(last, page.Events...)
		if events.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	slices.Reverse(last)
	return last, nil
}

// WatchEndpoint tells how attempts at an endpoint, or at those of a group, end,
// once that is durable.
func (s *service) WatchEndpoint(ctx context.Context, name string, tell func(api.Line[api.Attempt]) error) error {
	lanes, err := s.registry.named(name)
	if err != nil {
		return s.noEndpoint(name, err)
	}
	names := make(map[uint64]string, len(lanes))
	for _, l := range lanes {
		ep := &l.settings.Load().ep
		names[ep.ID] = ep.Name
	}
	waiting := newBacklog[api.Attempt]()
	stop := s.attempts.watch(func(ended settlement) {
		if name, ok := names[ended.endpoint]; ok {
			waiting.put(wireAttempt(name, &ended), len(ended.outcome.Error))
		}
	})
	defer stop()
	defer s.temporary.hold(slices.Collect(maps.Keys(names)), s.now)()
	if err := tell(api.Line[api.Attempt]{}); err != nil {
		return err
	}
	return pump(ctx, waiting, tell)
}

func wireAttempt(name string, s *settlement) api.Attempt {
	d, o := s.debt, s.outcome
	a := api.Attempt{
		Time: o.Started, Endpoint: name, ID: d.ID.String(), Object: api.Object(d.Object),
		ChangeType: d.ChangeType.String(), EventType: d.EventType, EventReason: d.Reason, Changes: d.Count,
		Attempt: d.Attempts + 1, Verdict: o.Verdict.String(), Reason: o.Reason, Status: o.Status,
		Duration: o.Duration.Seconds(), Error: o.Error, State: stateAfter(s),
	}
	if a.State == api.DebtWaiting || a.State == api.DebtRetrying {
		a.NextAttempt = &s.settled.Debt.Due
	}
	return a
}

// stateAfter says what an attempt left of its debt.
func stateAfter(s *settlement) string {
	after := s.settled
	switch {
	case !after.Found:
		return api.DebtDropped
	case after.Done:
		return api.DebtDelivered
	case after.Debt.Failed:
		return api.DebtFailed
	case s.outcome.Verdict == attempt.Delivered:
		return api.DebtWaiting
	default:
		return api.DebtRetrying
	}
}
