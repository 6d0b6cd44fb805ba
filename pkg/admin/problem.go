package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// problem is an error with its HTTP status. It is written as api.ErrorBody.
type problem struct {
	status int
	err    *api.Error
}

var _ huma.StatusError = (*problem)(nil)

// Error returns the message without the hint.
func (p *problem) Error() string { return p.err.Message }

// GetStatus returns the HTTP status.
func (p *problem) GetStatus() int { return p.status }

// MarshalJSON writes {"error":{…}}.
func (p *problem) MarshalJSON() ([]byte, error) { return json.Marshal(api.ErrorBody{Error: p.err}) }

func invalid(hint, format string, args ...any) *api.Error {
	return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// statusOf returns the HTTP status of a code.
func statusOf(code api.Code) int {
	switch code {
	case api.CodeInvalid:
		return http.StatusUnprocessableEntity
	case api.CodeNotFound:
		return http.StatusNotFound
	case api.CodeConflict:
		return http.StatusConflict
	case api.CodeForbidden:
		return http.StatusForbidden
	case api.CodeFull:
		return http.StatusInsufficientStorage
	case api.CodeUnreachable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// problemOf makes a problem of a handler's error. What is nobody's business is
// logged here, once, and told without details.
func (s *Server) problemOf(ctx context.Context, operation string, err error) *problem {
	var told *problem
	if errors.As(err, &told) {
		return told
	}
	var expected *api.Error
	if errors.As(err, &expected) {
		return &problem{statusOf(expected.Code), expected}
	}
	if ctx.Err() != nil {
		// The client has gone, or the daemon is going.
		return &problem{http.StatusServiceUnavailable, &api.Error{
			Code:    api.CodeUnreachable,
			Message: "the daemon broke the request off",
			Hint:    "see with 'dz status' whether it runs",
		}}
	}
	s.log.ErrorContext(ctx, "admin request failed", "operation", operation, "error", err)
	return internalProblem()
}

func internalProblem() *problem {
	return &problem{http.StatusInternalServerError, &api.Error{
		Code:    api.CodeInternal,
		Message: "the daemon failed to do this",
		Hint:    "its log says why",
	}}
}

// replaceErrors is a transformer that puts the API's own form in the place of
// huma's errors, which repeat what was sent.
func replaceErrors(ctx huma.Context, _ string, body any) (any, error) {
	model, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	ctx.SetHeader("Content-Type", "application/json")
	told := &api.Error{Code: api.CodeInvalid, Message: model.Detail}
	switch model.Status {
	case http.StatusInternalServerError:
		return internalProblem(), nil
	case http.StatusRequestEntityTooLarge:
		told.Message = fmt.Sprintf("the request's body is longer than %d bytes", maxBody)
	}
	var messages []string
	for _, detail := range model.Errors {
		messages = append(messages, describeParameter(ctx.Operation(), detail))
	}
	if len(messages) > 0 {
		told.Message = strings.Join(messages, "; ")
	}
	return &problem{model.Status, told}, nil
}

// describeParameter says what is wrong with a parameter, without its value.
func describeParameter(op *huma.Operation, detail *huma.ErrorDetail) string {
	name := detail.Location
	for _, prefix := range []string{"query.", "path.", "header."} {
		name = strings.TrimPrefix(name, prefix)
	}
	switch {
	case name == "":
		return detail.Message
	case detail.Message == "unknown query parameter":
		return fmt.Sprintf("unknown query parameter %.80q%s", name, suggest.Clause(name, parameterNames(op)))
	case strings.HasPrefix(detail.Message, "invalid date/time"):
		return name + " is not a time such as 2026-11-21T10:00:00Z"
	default:
		return name + ": " + detail.Message
	}
}

func parameterNames(op *huma.Operation) []string {
	var names []string
	for _, parameter := range op.Parameters {
		if parameter.In == "query" {
			names = append(names, parameter.Name)
		}
	}
	return names
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(p) // who does not read its error is not told again
}
