package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

// Whatever is wrong, the answer has the one form.
func TestErrorForms(t *testing.T) {
	t.Parallel()
	server := start(t)
	if _, err := server.CreateEndpoint(t.Context(), newShop()); err != nil {
		t.Fatal(err)
	}
	const jsonType = "application/json"
	tests := []struct {
		name         string
		method, path string
		contentType  string
		body         string
		status       int
		code         api.Code
		says         string
	}{
		{"unknown route", "GET", "/api/v1/nothing", "", "", 404, api.CodeNotFound, "/api/v1/nothing"},
		{"root", "GET", "/", "", "", 404, api.CodeNotFound, "openapi.json"},
		{"documentation from a CDN", "GET", "/docs", "", "", 404, api.CodeNotFound, ""},
		{"wrong method", "PUT", "/api/v1/status", "", "", 405, api.CodeInvalid, "use GET"},
		{"wrong method, several right", "PUT", "/api/v1/endpoints/shop", "", "", 405, api.CodeInvalid, "GET or PATCH or DELETE"},
		{"unknown endpoint", "GET", "/api/v1/endpoints/none", "", "", 404, api.CodeNotFound, "none"},
		{"unknown parameter", "GET", "/api/v1/failures?endpont=shop", "", "", 422, api.CodeInvalid, "did you mean endpoint?"},
		{"limit too high", "GET", "/api/v1/failures?limit=1001", "", "", 422, api.CodeInvalid, "limit"},
		{"limit too low", "GET", "/api/v1/events?limit=-1", "", "", 422, api.CodeInvalid, "limit"},
		{"limit no number", "GET", "/api/v1/failures?limit=many", "", "", 422, api.CodeInvalid, "limit"},
		{"time no time", "GET", "/api/v1/failures?since=yesterday", "", "", 422, api.CodeInvalid, "2026-11-21T10:00:00Z"},
		{"status no number", "GET", "/api/v1/failures?status=bad", "", "", 422, api.CodeInvalid, "status"},
		{"unknown reason", "GET", "/api/v1/failures?reason=time-out", "", "", 422, api.CodeInvalid, "did you mean timeout?"},
		{"unknown reason in a body", "POST", "/api/v1/failures/retry", jsonType, `{"reasons":["tsl"]}`, 422, api.CodeInvalid, "did you mean tls?"},
		{"no body", "POST", "/api/v1/endpoints", jsonType, "", 400, api.CodeInvalid, "body"},
		{"no JSON", "POST", "/api/v1/endpoints", jsonType, "{", 400, api.CodeInvalid, "not JSON"},
		{"JSON and more", "POST", "/api/v1/endpoints", jsonType, "{} {}", 400, api.CodeInvalid, "not JSON"},
		{"no object", "POST", "/api/v1/endpoints", jsonType, "[]", 400, api.CodeInvalid, "not an object"},
		{"null", "PATCH", "/api/v1/endpoints/shop", jsonType, "null", 400, api.CodeInvalid, "null"},
		{"too long", "POST", "/api/v1/endpoints", jsonType, strings.Repeat(" ", maxBody+1), 413, api.CodeInvalid, fmt.Sprint(maxBody)},
		{"unknown member", "POST", "/api/v1/failures/retry", jsonType, `{"endpont":"shop"}`, 422, api.CodeInvalid, "did you mean endpoint?"},
		{"member in the wrong case", "POST", "/api/v1/failures/retry", jsonType, `{"Endpoint":"shop"}`, 422, api.CodeInvalid, "did you mean endpoint?"},
		{"member of the wrong type", "POST", "/api/v1/failures/retry", jsonType, `{"ids":"a"}`, 422, api.CodeInvalid, "ids is a JSON string where an array is due"},
		{"unknown member of an endpoint", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"urll":"x"}`, 422, api.CodeInvalid, "did you mean url?"},
		{"unknown option of a style", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"idname":"x"}`, 422, api.CodeInvalid, "did you mean idName?"},
		{"option of another style", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"maxBatchSize":3}`, 422, api.CodeInvalid, `style notify has no option "maxBatchSize"`},
		{"unknown change type", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"changeTypes":["AssetChange"]}`, 422, api.CodeInvalid, "did you mean AssetChanged?"},
		{"unreadable interval", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"debounce":"5"}`, 422, api.CodeInvalid, "no unit"},
		{"negative interval", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"debounce":"-5s"}`, 422, api.CodeInvalid, "negative"},
		{"endpoint of another name", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"name":"store"}`, 422, api.CodeInvalid, "renamed"},
		{"endpoint without a name", "POST", "/api/v1/endpoints", jsonType, `{}`, 422, api.CodeInvalid, "name"},
		{"what the service finds", "PATCH", "/api/v1/endpoints/shop", jsonType, `{"url":"shop.example"}`, 422, api.CodeInvalid, "scheme"},
		{"events of an unknown type", "POST", "/api/v1/events", "text/html", "x", 415, api.CodeInvalid, "application/x-ndjson"},
		{"events of no type", "POST", "/api/v1/events", "", "x", 415, api.CodeInvalid, "application/x-ndjson"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := server.raw(t, tt.method, tt.path, tt.contentType, tt.body)
			if got.status != tt.status {
				t.Errorf("got status %d, want %d: %s", got.status, tt.status, got.body)
			}
			if contentType := got.header.Get("Content-Type"); contentType != jsonType {
				t.Errorf("got content type %q", contentType)
			}
			var body map[string]map[string]string
			if err := json.Unmarshal([]byte(got.body), &body); err != nil {
				t.Fatalf("%v: %s", err, got.body)
			}
			told, ok := body["error"]
			if !ok || len(body) != 1 {
				t.Fatalf("the body is not an error alone: %s", got.body)
			}
			if told["code"] != string(tt.code) || told["message"] == "" {
				t.Errorf("got %v, want code %s and a message", told, tt.code)
			}
			if !strings.Contains(told["message"]+told["hint"], tt.says) {
				t.Errorf("%v does not say %q", told, tt.says)
			}
		})
	}
}

func TestCodesHaveTheirStatus(t *testing.T) {
	t.Parallel()
	want := map[api.Code]int{
		api.CodeInvalid: 422, api.CodeNotFound: 404, api.CodeConflict: 409, api.CodeForbidden: 403,
		api.CodeFull: 507, api.CodeInternal: 500, api.CodeUnreachable: 503,
	}
	for code, status := range want {
		service := newFake()
		service.fail = fmt.Errorf("wrapped: %w", &api.Error{Code: code, Message: "m", Hint: "h"})
		server := run(t, service, Policy{Owner: uint32(os.Geteuid())})
		got := server.raw(t, "GET", "/api/v1/status", "", "")
		if got.status != status {
			t.Errorf("%s: got status %d, want %d", code, got.status, status)
		}
		_, err := server.Status(t.Context())
		wantError(t, err, code, "m: h")
		if strings.Contains(err.Error(), "wrapped") {
			t.Errorf("%s: tells what was only for the daemon: %v", code, err)
		}
	}
}

func TestUnexpectedErrorIsLoggedOnceAndNotTold(t *testing.T) {
	t.Parallel()
	service := newFake()
	service.fail = errors.New("bucket of secrets is damaged")
	server := run(t, service, Policy{Owner: uint32(os.Geteuid())})
	_, err := server.Status(t.Context())
	wantError(t, err, api.CodeInternal, "log")
	if strings.Contains(err.Error(), "bucket") {
		t.Errorf("the error tells what it should not: %v", err)
	}
	log := server.log.String()
	if strings.Count(log, "bucket of secrets is damaged") != 1 || !strings.Contains(log, "get-status") {
		t.Errorf("the log does not say it once: %s", log)
	}
}
