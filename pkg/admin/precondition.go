package admin

import (
	"net/http"

	"github.com/dam-delivery/dz/pkg/api"
)

// preconditions refuses a change that is to be made only in a state that the client
// has seen. No answer names its state (ETag, Last-Modified), so none is that one
// (RFC 9110, 13.1.1 and 13.1.4); and who asks believes that nobody's change is lost.
func preconditions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		match := r.Header.Get("If-Match")
		if reads || (match == "" || match == "*") && r.Header.Get("If-Unmodified-Since") == "" {
			next.ServeHTTP(w, r)
			return
		}
		writeProblem(w, &problem{http.StatusPreconditionFailed, &api.Error{
			Code:    api.CodeConflict,
			Message: "nothing was changed: the API does not say in which state anything is, so none is the one asked for",
			Hint:    "leave If-Match and If-Unmodified-Since out; PATCH changes what it names and leaves the rest",
		}})
	})
}
