package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
)

// backupPath is that of the one answer that holds secrets without being asked to
// reveal them.
const backupPath = "/store/backup"

func (s *Server) storeRoutes(r *router) {
	tags := []string{"store"}
	handle(r, huma.Operation{
		OperationID: "get-store", Method: http.MethodGet, Path: "/store", Tags: tags,
		Summary: "What the store holds, and what takes its room",
	}, func(ctx context.Context, _ *none) (api.StoreStats, error) {
		stats, err := s.service.StoreStats(ctx)
		stats.Buckets = orEmpty(stats.Buckets)
		return stats, err
	})
	huma.Register(r.api, huma.Operation{
		OperationID: "backup-store", Method: http.MethodGet, Path: api.Root + backupPath, Tags: tags,
		Summary: "A consistent copy of the store",
		Description: "As it is at one moment, while the daemon goes on. It holds secrets, and needs the right to write. " +
			"An answer that is broken off is worth nothing.",
		Responses: map[string]*huma.Response{
			"200": {
				Description: "A store's file",
				Content: map[string]*huma.MediaType{
					typeBinary: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
				},
			},
			"default": {
				Description: "Error",
				Content: map[string]*huma.MediaType{
					typeJSON: {Schema: r.schema(reflect.TypeFor[api.ErrorBody]())},
				},
			},
		},
	}, func(context.Context, *none) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: s.backup}, nil
	})
}

const typeBinary = "application/octet-stream"

// backup streams a backup. What fails before it begins is told as ever; what
// fails later can only be told by breaking the answer off.
func (s *Server) backup(ctx huma.Context) {
	out := &lateWriter{ctx: ctx}
	err := s.service.Backup(ctx.Context(), out)
	switch {
	case err == nil:
	case out.began:
		if ctx.Context().Err() == nil && !errors.Is(err, out.err) {
			s.log.ErrorContext(ctx.Context(), "backup broken off", "error", err)
		}
		panic(http.ErrAbortHandler)
	default:
		p := s.problemOf(ctx.Context(), "backup-store", err)
		ctx.SetHeader("Content-Type", typeJSON)
		ctx.SetStatus(p.status)
		_ = json.NewEncoder(ctx.BodyWriter()).Encode(p) // who does not read its error is not told again
	}
}

// lateWriter is an answer that begins with the first byte.
type lateWriter struct {
	ctx   huma.Context
	began bool
	err   error // of the client
}

func (w *lateWriter) Write(p []byte) (int, error) {
	if !w.began {
		w.began = true
		w.ctx.SetHeader("Content-Type", typeBinary)
		w.ctx.SetStatus(http.StatusOK)
	}
	n, err := w.ctx.BodyWriter().Write(p)
	w.err = err
	return n, err
}
