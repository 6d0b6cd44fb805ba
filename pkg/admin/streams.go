package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dam-delivery/dz/pkg/api"
)

// streamEnd is how long the end of a stream may take once the server stops.
const streamEnd = time.Second

type tailInput struct {
	Type     string `query:"type"`
	Object   string `query:"object" doc:"kind/id, or an id"`
	Endpoint string `query:"endpoint" doc:"only what this endpoint subscribes to"`
	Source   string `query:"source" doc:"of dz, that it came through"`
	Last     int    `query:"last" minimum:"0" maximum:"1000" default:"0" doc:"begin with so many recent ones"`
}

type watchInput struct {
	Name string `path:"name"`
}

func (s *Server) streamRoutes(r *router) {
	handleStream(r, huma.Operation{
		OperationID: "tail-events", Method: http.MethodGet, Path: "/events/stream", Tags: []string{"events"},
		Summary: "Events as they become durable",
	}, func(ctx context.Context, in *tailInput, tell func(api.Line[api.Event]) error) error {
		if err := canonicalType(&in.Type); err != nil {
			return err
		}
		return s.service.TailEvents(ctx, api.TailQuery{
			Type: in.Type, Object: in.Object, Endpoint: in.Endpoint, Source: in.Source, Last: in.Last,
		}, tell)
	})
	handleStream(r, huma.Operation{
		OperationID: "watch-endpoint", Method: http.MethodGet, Path: "/endpoints/{name}/attempts", Tags: []string{"endpoints"},
		Summary: "Attempts at an endpoint as they end",
	}, func(ctx context.Context, in *watchInput, tell func(api.Line[api.Attempt]) error) error {
		return s.service.WatchEndpoint(ctx, in.Name, tell)
	})
}

// handleStream registers an operation that answers line by line, until the
// client goes or the server stops.
func handleStream[I, T any](r *router, op huma.Operation, handler func(context.Context, *I, func(api.Line[T]) error) error) {
	op.Path = api.Root + op.Path
	op.Description = "A JSON object a line, without end. The first line is empty ({}): what happens from then on is told. " +
		"An empty line follows whenever nothing has happened for a few seconds. " +
		"Who reads too slowly loses the oldest, and is told how many."
	op.Responses = map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{
			typeNDJSON: {Schema: r.schema(reflect.TypeFor[api.Line[T]]())},
		}},
		"default": {Description: "Error", Content: map[string]*huma.MediaType{
			typeJSON: {Schema: r.schema(reflect.TypeFor[api.ErrorBody]())},
		}},
	}
	huma.Register(r.api, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			streamTo(r.server, ctx, op.OperationID, func(ctx context.Context, tell func(api.Line[T]) error) error {
				return handler(ctx, in, tell)
			})
		}}, nil
	})
}

// streamTo answers with what run tells. What fails before the first line is told
// as ever; later there is nobody to tell but the client, whose stream ends.
func streamTo[T any](s *Server, in huma.Context, operation string, run func(context.Context, func(api.Line[T]) error) error) {
	_, w := humago.Unwrap(in)
	control := http.NewResponseController(w)
	ctx, cancel := context.WithCancel(in.Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, func() {
		cancel()
		// Nor is a client waited for that does not read. Where there are no
		// deadlines the server's end breaks it off.
		_ = control.SetWriteDeadline(time.Now().Add(streamEnd))
	})()

	began := false
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	err := run(ctx, func(line api.Line[T]) error {
		if !began {
			began = true
			w.Header().Set("Content-Type", typeNDJSON)
			w.WriteHeader(http.StatusOK)
		}
		if err := lines.Encode(line); err != nil {
			cancel() // the client has gone
			return err
		}
		return control.Flush()
	})
	switch {
	case !began:
		writeProblem(w, s.problemOf(ctx, operation, err))
	case ctx.Err() == nil && err != nil && !errors.Is(err, context.Canceled):
		s.log.ErrorContext(ctx, "stream broken off", "operation", operation, "error", err)
	}
}
