package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/dam-delivery/dz/pkg/api"
)

// none is the input of a request that has none.
type none struct{}

// output is the answer of an operation.
type output[T any] struct{ Body T }

// routes makes the handler of everything, and the document that describes it.
func (s *Server) routes(config Config) (http.Handler, error) {
	mux := http.NewServeMux()
	humaAPI := humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "dz admin API",
				Description: "The daemon's API on its Unix socket, as the dz commands use it.",
				Version:     config.Version,
			},
			Components: &huma.Components{Schemas: newRegistry()},
		},
		// "json" is what huma makes of the media type of its own errors.
		Formats:                      map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{replaceErrors},
	})
	r := &router{server: s, api: humaAPI}
	s.reporterRoutes(r)
	s.endpointRoutes(r)
	s.groupRoutes(r)
	s.integrationRoutes(r)
	s.failureRoutes(r)
	s.eventRoutes(r)
	s.assetRoutes(r)
	s.streamRoutes(r)
	s.explainRoutes(r)
	s.storeRoutes(r)
	s.trackingRoutes(r)
	s.filterRoutes(r)
	finishSchemas(humaAPI.OpenAPI().Components.Schemas)
	document, err := json.MarshalIndent(humaAPI.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document) // the client's loss if it has gone
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
	if config.Metrics != nil {
		mux.Handle("GET /metrics", config.Metrics)
	}
	mux.HandleFunc("/", notFound(mux))
	return mux, nil
}

func jsonFormat() huma.Format { return huma.DefaultJSONFormat }

// notFound answers what no route takes: 405 if another method would do, else 404.
func notFound(mux *http.ServeMux) http.HandlerFunc {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range methods {
			probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
			if _, pattern := mux.Handler(probe); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			writeProblem(w, &problem{http.StatusMethodNotAllowed, invalid("use "+strings.Join(allowed, " or "),
				"%.20s is nothing that %.200s can do", r.Method, r.URL.Path)})
			return
		}
		writeProblem(w, &problem{http.StatusNotFound, &api.Error{
			Code:    api.CodeNotFound,
			Message: fmt.Sprintf("the API has no %.200s", r.URL.Path),
			Hint:    "the client may be newer than the daemon; /openapi.json lists what there is",
		}})
	}
}

// router registers operations.
type router struct {
	server *Server
	api    huma.API
}

// handle registers an operation whose handler returns what is answered.
func handle[I, O any](r *router, op huma.Operation, handler func(context.Context, *I) (O, error)) {
	op.Path = api.Root + op.Path
	op.MaxBodyBytes = maxBody
	op.SkipValidateBody = true // see jsonInput
	op.Responses = map[string]*huma.Response{"default": {
		Description: "Error",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: r.schema(reflect.TypeFor[api.ErrorBody]())},
		},
	}}
	huma.Register(r.api, op, func(ctx context.Context, input *I) (*output[O], error) {
		answer, err := handler(ctx, input)
		if err != nil {
			return nil, r.server.problemOf(ctx, op.OperationID, err)
		}
		return &output[O]{answer}, nil
	})
}

// handleJSON registers an operation that takes a JSON body of type B.
func handleJSON[B, I, O any](r *router, op huma.Operation, handler func(context.Context, *I) (O, error)) {
	handle(r, op, handler)
	r.describeBody(op, map[string]*huma.MediaType{
		"application/json": {Schema: r.schema(reflect.TypeFor[B]())},
	})
}

// describeBody says in the document what a registered operation takes.
func (r *router) describeBody(op huma.Operation, content map[string]*huma.MediaType) {
	item := r.api.OpenAPI().Paths[api.Root+op.Path]
	registered := item.Post
	switch op.Method {
	case http.MethodPatch:
		registered = item.Patch
	case http.MethodPut:
		registered = item.Put
	}
	registered.RequestBody = &huma.RequestBody{Required: true, Content: content}
}

func (r *router) schema(t reflect.Type) *huma.Schema {
	return r.api.OpenAPI().Components.Schemas.Schema(t, true, "")
}

// orEmpty makes a list that is written as an array, never as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) reporterRoutes(r *router) {
	handle(r, huma.Operation{
		OperationID: "get-status", Method: http.MethodGet, Path: "/status", Tags: []string{"daemon"},
		Summary: "What the daemon is doing",
	}, func(ctx context.Context, _ *none) (api.Status, error) {
		status, err := s.service.Status(ctx)
		status.Sources, status.Endpoints = orEmpty(status.Sources), orEmpty(status.Endpoints)
		return status, err
	})
	handle(r, huma.Operation{
		OperationID: "get-version", Method: http.MethodGet, Path: "/version", Tags: []string{"daemon"},
		Summary: "What program the daemon is",
	}, func(ctx context.Context, _ *none) (api.Version, error) {
		return s.service.Version(ctx)
	})
}
