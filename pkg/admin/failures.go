package admin

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/suggest"
)

type failuresInput struct {
	Cursor   string    `query:"cursor" doc:"next of the page before"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	ID       []string  `query:"id,explode"`
	Endpoint string    `query:"endpoint"`
	Object   string    `query:"object" doc:"kind/id, or an id"`
	Reason   []string  `query:"reason,explode"`
	Status   []int     `query:"status,explode"`
	Since    time.Time `query:"since" doc:"last attempt at or after"`
	Until    time.Time `query:"until" doc:"last attempt before"`
	Retrying bool      `query:"retrying" doc:"also debts that are still being retried by themselves"`
}

type failureInput struct {
	ID string `path:"id"`
}

func (s *Server) failureRoutes(r *router) {
	tags := []string{"failures"}
	handle(r, huma.Operation{
		OperationID: "list-failures", Method: http.MethodGet, Path: "/failures", Tags: tags,
		Summary: "What could not be delivered",
	}, s.listFailures)
	handle(r, huma.Operation{
		OperationID: "get-failure", Method: http.MethodGet, Path: "/failures/{id}", Tags: tags,
		Summary: "One failure",
	}, func(ctx context.Context, in *failureInput) (api.Failure, error) {
		return s.service.GetFailure(ctx, in.ID)
	})
	handleJSON[api.FailureAction](r, huma.Operation{
		OperationID: "retry-failures", Method: http.MethodPost, Path: "/failures/retry", Tags: tags,
		Summary: "Make failures due now",
	}, failureAction(s.service.RetryFailures))
	handleJSON[api.FailureAction](r, huma.Operation{
		OperationID: "purge-failures", Method: http.MethodPost, Path: "/failures/purge", Tags: tags,
		Summary: "Give failures up",
	}, failureAction(s.service.PurgeFailures))
}

func (s *Server) listFailures(ctx context.Context, in *failuresInput) (api.FailurePage, error) {
	query := api.FailureQuery{
		Page: api.Page{Cursor: in.Cursor, Limit: in.Limit},
		FailureSelection: api.FailureSelection{
			IDs: in.ID, Endpoint: in.Endpoint, Object: in.Object, Statuses: in.Status, Retrying: in.Retrying,
		},
	}
	for _, reason := range in.Reason {
		query.Reasons = append(query.Reasons, attempt.Reason(reason))
	}
	if !in.Since.IsZero() {
		query.Since = &in.Since
	}
	if !in.Until.IsZero() {
		query.Until = &in.Until
	}
	if err := checkReasons(query.Reasons); err != nil {
		return api.FailurePage{}, err
	}
	page, err := s.service.ListFailures(ctx, query)
	page.Failures = orEmpty(page.Failures)
	return page, err
}

// failureAction makes a handler of what acts on failures.
func failureAction(
	act func(context.Context, api.FailureAction) (api.FailureResult, error),
) func(context.Context, *jsonInput) (api.FailureResult, error) {
	return func(ctx context.Context, in *jsonInput) (api.FailureResult, error) {
		action, err := decodeBody[api.FailureAction](in.RawBody)
		if err != nil {
			return api.FailureResult{}, err
		}
		if err := checkReasons(action.Reasons); err != nil {
			return api.FailureResult{}, err
		}
		if !selects(action.FailureSelection) && !action.All {
			return api.FailureResult{}, invalid("give ids, an endpoint, object, reason, status or time, or say that all are meant",
				"nothing says which failures are meant")
		}
		return act(ctx, action)
	}
}

// selects reports whether a selection means less than all.
func selects(s api.FailureSelection) bool {
	return len(s.IDs) > 0 || s.Endpoint != "" || s.Object != "" || len(s.Reasons) > 0 || len(s.Statuses) > 0 ||
		s.Since != nil || s.Until != nil
}

// checkReasons finds a reason that no attempt has, which would silently select
// nothing.
func checkReasons(reasons []attempt.Reason) error {
	known := attempt.Reasons()
	for _, reason := range reasons {
		if slices.Contains(known, reason) {
			continue
		}
		names := make([]string, len(known))
		for i, name := range known {
			names[i] = string(name)
		}
		return invalid("", "unknown reason %.80q%s", string(reason), suggest.Clause(string(reason), names))
	}
	return nil
}
