package daemon

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
	"github.com/dam-delivery/dz/pkg/store"
)

const (
	// apiSource is the source of events that were given to the API.
	apiSource = "api"
	// maxEventPage bounds a page of events, in bytes of lines.
	maxEventPage = 8 << 20
	// maxEventScan is how many events one request for a page looks at.
	maxEventScan = 20_000
	// replayPage is how many events are owed again in one transaction.
	replayPage = 1000
)

// Emit takes events in, as from a source.
func (s *service) Emit(ctx context.Context, events []event.Event, rejected []api.Rejected) error {
	b := source.Batch{Events: events}
	now := s.now()
	for _, r := range rejected {
		b.Rejected = append(b.Rejected, source.Rejection{
			Source: apiSource, File: r.File, Offset: r.Offset, Reason: r.Reason, Line: []byte(r.Line), Length: r.Length, Time: now,
		})
	}
	return told(s.intake.try(ctx, apiSource, b))
}

// ListEvents returns a page of recent events.
func (s *service) ListEvents(ctx context.Context, query api.EventQuery) (api.EventPage, error) {
	matches, err := s.eventFilter(query)
	if err != nil {
		return api.EventPage{}, err
	}
	before, err := parseCursor(query.Cursor)
	if err != nil {
		return api.EventPage{}, err
	}
	page := api.EventPage{Events: []api.Event{}}
	bytes := 0
	for scanned := 0; scanned < maxEventScan; {
		recent, err := s.store.Events(ctx, before, query.Limit)
		if err != nil {
			return api.EventPage{}, err
		}
		for _, r := range recent {
			scanned++
			if !query.Since.IsZero() && r.Received.Before(query.Since) {
				return page, nil
			}
			if query.Until.IsZero() || r.Received.Before(query.Until) {
				if e, ok := s.recentEvent(r); ok && matches(r.Source, &e) {
					page.Events = append(page.Events, wireEvent(r, &e))
					bytes += len(r.Line)
				}
			}
			before = r.Seq
			if len(page.Events) >= query.Limit || bytes >= maxEventPage {
				page.Next = strconv.FormatUint(before, 10)
				return page, nil
			}
		}
		if len(recent) < query.Limit || before <= 1 {
			return page, nil
		}
	}
	page.Next = strconv.FormatUint(before, 10)
	return page, nil
}

// eventFilter returns a function that says whether the query means an event that
// came through a source of dz.
func (s *service) eventFilter(query api.EventQuery) (func(from string, e *event.Event) bool, error) {
	endpoints, err := s.named(query.Endpoint)
	if err != nil {
		return nil, err
	}
	return func(from string, e *event.Event) bool {
		if query.Type != "" && e.Type != query.Type ||
			query.Source != "" && from != query.Source ||
			query.Object != "" && !matchObject(query.Object, e.Object) {
			return false
		}
		return len(endpoints) == 0 || s.subscribes(endpoints, e)
	}, nil
}

// subscribes reports whether one of the endpoints wants an event.
func (s *service) subscribes(endpoints []uint64, e *event.Event) bool {
	table := s.registry.table.Load()
	return slices.ContainsFunc(endpoints, func(id uint64) bool {
		r := table.Get(id)
		if r == nil {
			return false // removed meanwhile
		}
		ok, _ := r.Match(e)
		return ok
	})
}

// recentEvent decodes an event of the ring.
func (s *service) recentEvent(r store.Recent) (event.Event, bool) {
	e, err := event.Decode(r.Line)
	if err != nil {
		// It could be read when it came in; a dz that can't any more leaves it
		// out rather than failing the whole list.
		s.log.Warn("a recent event can't be read any more", "seq", r.Seq, "error", err)
	}
	return e, err == nil
}

func matchObject(text string, o event.Object) bool {
	return debt.Selection{Object: text, Retrying: true}.Match(debt.Failure{Debt: debt.Debt{Object: o}})
}

func wireEvent(r store.Recent, e *event.Event) api.Event {
	out := api.Event{
		Seq: r.Seq, Received: r.Received, From: r.Source, ID: e.ID, Source: e.Source, Type: e.Type,
		Object: api.Object(e.Object), Reason: e.Reason, Change: e.ChangeType.String(), Raw: r.Line,
	}
	if !e.Time.IsZero() {
		out.Time = &e.Time
	}
	return out
}

func parseCursor(cursor string) (uint64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(cursor, 10, 64)
	if err != nil || n == 0 {
		return 0, invalid(store.ErrCursor)
	}
	return n, nil
}

// ListRejected returns a page of input that could not be read.
func (s *service) ListRejected(ctx context.Context, query api.RejectedQuery) (api.RejectedPage, error) {
	before, err := parseCursor(query.Cursor)
	if err != nil {
		return api.RejectedPage{}, err
	}
	page := api.RejectedPage{Rejected: []api.Rejected{}}
	for {
		list, err := s.store.Rejected(ctx, before, query.Limit)
		if err != nil {
			return api.RejectedPage{}, err
		}
		for _, r := range list {
			before = r.Seq
			if query.Source != "" && r.Source != query.Source {
				continue
			}
			page.Rejected = append(page.Rejected, api.Rejected{
				Seq: r.Seq, Time: r.Time, Source: r.Source, File: r.File, Offset: r.Offset, Length: r.Length,
				Reason: r.Reason, Line: strings.ToValidUTF8(string(r.Line), "\uFFFD"),
			})
			if len(page.Rejected) >= query.Limit {
				page.Next = strconv.FormatUint(before, 10)
				return page, nil
			}
		}
		if len(list) < query.Limit || before <= 1 {
			return page, nil
		}
	}
}

// Replay owes recent events again: they are routed by the endpoints there are
// now, and merge into what is owed already.
func (s *service) Replay(ctx context.Context, replay api.Replay) (api.ReplayResult, error) {
	result := api.ReplayResult{DryRun: replay.DryRun}
	endpoints, err := s.named(replay.Endpoint)
	if err != nil {
		return result, err
	}
	if len(endpoints) == 0 {
		endpoints = []uint64{0} // all of them, at once
	}
	oldest, err := s.store.EventsSince(ctx, 0, replay.Since, 1)
	if err != nil {
		return result, err
	}
	if len(oldest) > 0 {
		result.From = &oldest[0].Received
	}
	// What comes in from now on is routed anyway.
	newest, err := s.store.Events(ctx, 0, 1)
	if err != nil || len(newest) == 0 {
		return result, err
	}
	last := newest[0].Seq
	var after uint64
	for after < last {
		page, err := s.store.EventsSince(ctx, after, replay.Since, replayPage)
		if err != nil {
			return result, told(err)
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Seq
		batch := store.Ingest{Source: apiSource, Now: s.now(), Replayed: true}
		for _, r := range page {
			if r.Seq > last || (replay.Until != nil && !r.Received.Before(*replay.Until)) {
				continue
			}
			e, err := event.Decode(r.Line)
			if err != nil {
				s.log.Warn("a recent event can't be read any more, and is not replayed", "seq", r.Seq, "error", err)
				continue
			}
			batch.Events = append(batch.Events, e)
		}
		if err := s.replayPage(ctx, batch, endpoints, &result); err != nil {
			return result, told(err)
		}
	}
	s.log.Info("events replayed", "events", result.Events, "owed", result.Owed, "endpoint", replay.Endpoint, "dryRun", replay.DryRun)
	return result, nil
}

// replayPage owes events again to endpoints; 0 stands for all.
func (s *service) replayPage(ctx context.Context, batch store.Ingest, endpoints []uint64, result *api.ReplayResult) error {
	result.Events += uint64(len(batch.Events))
	for _, only := range endpoints {
		if result.DryRun {
			result.Owed += uint64(len(s.registry.current().Changes(batch.Events, only)))
			continue
		}
		if err := s.intake.ingest(ctx, batch, only, func(changes int) { result.Owed += uint64(changes) }); err != nil {
			return err
		}
	}
	return nil
}
