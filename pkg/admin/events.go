package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

type eventsInput struct {
	Cursor   string    `query:"cursor" doc:"next of the page before"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Since    time.Time `query:"since" doc:"received at or after"`
	Until    time.Time `query:"until" doc:"received before"`
	Type     string    `query:"type"`
	Object   string    `query:"object" doc:"kind/id, or an id"`
	Endpoint string    `query:"endpoint" doc:"only what this endpoint subscribes to"`
	Source   string    `query:"source" doc:"of dz, that it came through"`
}

type rejectedInput struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Source string `query:"source"`
}

func (s *Server) eventRoutes(r *router) {
	tags := []string{"events"}
	handle(r, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/events", Tags: tags,
		Summary: "Recent events, newest first",
	}, s.listEvents)
	emit := huma.Operation{
		OperationID: "emit-events", Method: http.MethodPost, Path: "/events", Tags: tags,
		Summary: "Give events to the daemon",
		Description: "CloudEvents 1.0 in JSON, one a line, or a single one as application/json. " +
			"What can't be read is rejected by itself; the rest is accepted, and durable once this answers.",
	}
	handle(r, emit, s.emit)
	r.describeBody(emit, map[string]*huma.MediaType{
		typeNDJSON: {Schema: &huma.Schema{Type: huma.TypeString}},
		typeJSON:   {Schema: &huma.Schema{Type: huma.TypeObject}},
	})
	handle(r, huma.Operation{
		OperationID: "list-rejected", Method: http.MethodGet, Path: "/events/rejected", Tags: tags,
		Summary: "Input that could not be read as events, newest first",
	}, s.listRejected)
	handleJSON[api.Replay](r, huma.Operation{
		OperationID: "replay-events", Method: http.MethodPost, Path: "/events/replay", Tags: tags,
		Summary: "Owe recent events again",
	}, s.replay)
}

func (s *Server) listEvents(ctx context.Context, in *eventsInput) (api.EventPage, error) {
	if err := canonicalType(&in.Type); err != nil {
		return api.EventPage{}, err
	}
	page, err := s.service.ListEvents(ctx, api.EventQuery{
		Since: in.Since, Until: in.Until, Type: in.Type, Object: in.Object, Endpoint: in.Endpoint, Source: in.Source,
		Page: api.Page{Cursor: in.Cursor, Limit: in.Limit},
	})
	page.Events = orEmpty(page.Events)
	return page, err
}

// canonicalType makes the name of an event's type, if there is one, that which
// events have.
func canonicalType(name *string) error {
	if *name == "" {
		return nil
	}
	canonical, _, err := event.ParseType(*name)
	if err != nil {
		return invalid("", "%s", err)
	}
	*name = canonical
	return nil
}

func (s *Server) listRejected(ctx context.Context, in *rejectedInput) (api.RejectedPage, error) {
	page, err := s.service.ListRejected(ctx, api.RejectedQuery{
		Source: in.Source, Page: api.Page{Cursor: in.Cursor, Limit: in.Limit},
	})
	page.Rejected = orEmpty(page.Rejected)
	return page, err
}

func (s *Server) replay(ctx context.Context, in *jsonInput) (api.ReplayResult, error) {
	replay, err := decodeBody[api.Replay](in.RawBody)
	if err != nil {
		return api.ReplayResult{}, err
	}
	if replay.Since.IsZero() {
		return api.ReplayResult{}, invalid("say from when on events are meant", "since is missing")
	}
	if replay.Until != nil && !replay.Until.After(replay.Since) {
		return api.ReplayResult{}, invalid("", "until is not after since")
	}
	return s.service.Replay(ctx, replay)
}
