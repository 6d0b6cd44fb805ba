package admin

import (
	"net/http"
	"strings"
	"testing"
)

// Who asks for a change only of what they have seen is told that nothing says so,
// rather than that nobody else's change was lost.
func TestAChangeOfAStateThatNothingNamesIsRefused(t *testing.T) {
	t.Parallel()
	server := startWithPIM(t)
	path := integrationsPath + "/pim"
	for _, c := range []struct {
		method, name, value, body string
		status                    int
	}{
		{"PATCH", "If-Match", `"1"`, `{"language":"xx"}`, http.StatusPreconditionFailed},
		{"PUT", "If-Match", `W/"1", "2"`, `{"endpointUrl":"https://x.example"}`, http.StatusPreconditionFailed},
		{"DELETE", "If-Match", `"1"`, "", http.StatusPreconditionFailed},
		{"PATCH", "If-Unmodified-Since", "Sun, 22 Nov 2026 07:00:00 GMT", `{"language":"xx"}`, http.StatusPreconditionFailed},
		{"PATCH", "If-Match", "*", `{}`, http.StatusOK}, // there must be one, and there is
		{"GET", "If-Match", `"1"`, "", http.StatusOK},
	} {
		header := http.Header{"Content-Type": {"application/json"}, http.CanonicalHeaderKey(c.name): {c.value}}
		got := server.rawWith(t, c.method, path, header, c.body)
		if got.status != c.status || got.status != http.StatusOK && !strings.Contains(got.body, `"code":"conflict","message":"nothing was changed: `) {
			t.Errorf("%s with %s %s: %d %s, want %d", c.method, c.name, c.value, got.status, got.body, c.status)
		}
	}
	sameJSON(t, "in the end", server.ask(t, "GET", path, "", http.StatusOK), shownPIM)
}
