package admin

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/event"
)

var sameID = cmp.Comparer(func(a, b event.ID) bool { return a == b })

func newShop() api.EndpointCreate {
	return api.EndpointCreate{Name: "shop", EndpointUpdate: api.EndpointUpdate{
		URL:         api.Set("https://shop.example/hook"),
		ChangeTypes: api.Set([]string{"AssetChanged"}),
	}}
}

func TestStatusAndVersion(t *testing.T) {
	t.Parallel()
	server := start(t)
	status, err := server.Status(t.Context())
	if err != nil || status.Version != "1.2.3" {
		t.Errorf("got %+v, %v", status, err)
	}
	version, err := server.Version(t.Context())
	if err != nil || version.Store != 1 {
		t.Errorf("got %+v, %v", version, err)
	}
	if err := server.Healthz(t.Context()); err != nil {
		t.Error(err)
	}
	var metrics strings.Builder
	if err := server.Metrics(t.Context(), &metrics); err != nil || metrics.String() != "dz_up 1\n" {
		t.Errorf("got metrics %q, %v", metrics.String(), err)
	}
}

func TestLifeOfAnEndpoint(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	created, err := server.CreateEndpoint(ctx, newShop())
	if err != nil {
		t.Fatal(err)
	}
	if !created.Enabled || created.State != "healthy" || created.Style != "notify" {
		t.Errorf("a new endpoint is not as it should be by default: %+v", created)
	}
	_, err = server.CreateEndpoint(ctx, newShop())
	wantError(t, err, api.CodeConflict, "shop")

	updated, err := server.UpdateEndpoint(ctx, "shop", api.EndpointUpdate{
		Debounce: api.Set("00:00:07"),
		Retry:    api.Set("5s,5m"),
		Events:   api.Set([]string{"AssetCreated"}),
		Formats:  api.Set([]event.ID{event.IntID(5), event.StringID("5")}),
		Options:  map[string]any{"idName": "specific"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Debounce.String() != "7s" || updated.Retry.String() != "5s,5m" || string(updated.Options["idName"]) != `"specific"` {
		t.Errorf("the update is not shown: %+v", updated)
	}
	got, err := server.Endpoint(ctx, "shop", false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(updated, got, sameID); diff != "" {
		t.Errorf("an endpoint is not what its update showed (-want +got):\n%s", diff)
	}

	disabled, err := server.DisableEndpoint(ctx, "shop")
	if err != nil || disabled.Enabled || disabled.State != "disabled" {
		t.Errorf("disabled: got %+v, %v", disabled, err)
	}
	enabled, err := server.EnableEndpoint(ctx, "shop")
	if err != nil || !enabled.Enabled || enabled.State != "healthy" {
		t.Errorf("enabled: got %+v, %v", enabled, err)
	}
	exchange, err := server.TestEndpoint(ctx, "shop")
	if err != nil || exchange.Error != "refused" {
		t.Errorf("tested: got %+v, %v", exchange, err)
	}
	list, err := server.Endpoints(ctx, false)
	if err != nil || len(list) != 1 || list[0].Name != "shop" {
		t.Errorf("listed: got %+v, %v", list, err)
	}
	removed, err := server.RemoveEndpoint(ctx, "shop")
	if err != nil || removed.Debts != 7 {
		t.Errorf("removed: got %+v, %v", removed, err)
	}
	_, err = server.Endpoint(ctx, "shop", false)
	wantError(t, err, api.CodeNotFound, "shop")
}

func TestEndpointShowsWhatIsInForce(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	create := newShop()
	create.Style = api.Set("slow")
	got, err := server.CreateEndpoint(ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	if got.Timeout.Std() != 100*time.Second {
		t.Errorf("timeout is %s, want the style's 100s", got.Timeout)
	}
	if len(got.Retry) != 9 || got.Concurrency != 8 || got.ConnectTimeout.Std() != 5*time.Second {
		t.Errorf("defaults are not shown: %+v", got)
	}
	if got.Debounce != nil || got.MaxWait != nil {
		t.Errorf("debounce %v, max wait %v: want null, the daemon's default", got.Debounce, got.MaxWait)
	}
	got, err = server.UpdateEndpoint(ctx, got.Name, api.EndpointUpdate{Style: api.Set("prompt")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Debounce == nil || *got.Debounce != 0 || got.MaxWait != nil {
		t.Errorf("debounce %v, max wait %v: want 0s, the style's, and null, the daemon's", got.Debounce, got.MaxWait)
	}
}

// The value of an option is shown, and beside it whether somebody has set it.
func TestEndpointSaysWhichOptionsAreLeftOpen(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	create := newShop()
	create.Style, create.Options = api.Set("managed"), map[string]any{"alwaysTrigger": false}
	got, err := server.CreateEndpoint(ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Options["maxBatchSize"]) != "200" || string(got.Options["alwaysTrigger"]) != "false" ||
		!slices.Equal(got.Defaults, []string{"maxBatchSize"}) {
		t.Errorf("options %s, defaults %q", got.Options, got.Defaults)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	since := time.Date(2026, 11, 21, 10, 0, 0, 500, time.UTC)
	until := since.Add(time.Hour)
	selection := api.FailureSelection{
		IDs: []string{"a,b", "c"}, Endpoint: "shop", Object: "asset/1 2", Reasons: []attempt.Reason{attempt.TLS, attempt.DNS},
		Statuses: []int{500, 503}, Since: &since, Until: &until, Retrying: true,
	}
	query := api.FailureQuery{FailureSelection: selection, Page: api.Page{Cursor: "c&c", Limit: 7}}
	page, err := server.Failures(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	if page.Failures == nil || page.Next != "next" {
		t.Errorf("got %+v, want an empty list and the next cursor", page)
	}
	if diff := cmp.Diff(query, server.service.asked); diff != "" {
		t.Errorf("the query did not arrive whole (-want +got):\n%s", diff)
	}
	if _, err := server.Failures(ctx, api.FailureQuery{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(api.FailureQuery{Page: api.Page{Limit: api.DefaultLimit}}, server.service.asked); diff != "" {
		t.Errorf("no query is not all (-want +got):\n%s", diff)
	}
	failure, err := server.Failure(ctx, "01J/..?")
	if err != nil || failure.ID != "01J/..?" {
		t.Errorf("got %+v, %v", failure, err)
	}
	action := api.FailureAction{FailureSelection: selection, DryRun: true, Wait: true}
	result, err := server.RetryFailures(ctx, action)
	if err != nil || result.Matched != 3 || !result.DryRun {
		t.Errorf("retried: got %+v, %v", result, err)
	}
	if diff := cmp.Diff(action, server.service.asked); diff != "" {
		t.Errorf("the action did not arrive whole (-want +got):\n%s", diff)
	}
	result, err = server.PurgeFailures(ctx, api.FailureAction{FailureSelection: api.FailureSelection{All: true}})
	if err != nil || result.Matched != 4 {
		t.Errorf("purged: got %+v, %v", result, err)
	}
}

func TestActingOnNothingInParticularIsRefused(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	for _, action := range []api.FailureAction{
		{},
		{DryRun: true},
		{FailureSelection: api.FailureSelection{Retrying: true}},
	} {
		_, err := server.RetryFailures(ctx, action)
		wantError(t, err, api.CodeInvalid, "all are meant")
		_, err = server.PurgeFailures(ctx, action)
		wantError(t, err, api.CodeInvalid, "all are meant")
	}
	if server.service.asked != nil {
		t.Errorf("the service was asked: %+v", server.service.asked)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	query := api.EventQuery{
		Since: now, Until: now.Add(time.Hour), Type: "AssetCreated", Object: "1", Endpoint: "shop",
		Page: api.Page{Cursor: "x", Limit: 5},
	}
	page, err := server.Events(ctx, query)
	if err != nil || page.Events == nil || page.Next != "next" {
		t.Errorf("got %+v, %v", page, err)
	}
	if diff := cmp.Diff(query, server.service.asked); diff != "" {
		t.Errorf("the query did not arrive whole (-want +got):\n%s", diff)
	}
	_, err = server.Events(ctx, api.EventQuery{Type: "AssetCreatd"})
	wantError(t, err, api.CodeInvalid, "did you mean AssetCreated?")

	rejectedQuery := api.RejectedQuery{Source: "spool", Page: api.Page{Cursor: "y", Limit: 1000}}
	rejected, err := server.Rejected(ctx, rejectedQuery)
	if err != nil || rejected.Rejected == nil || rejected.Next != "next" {
		t.Errorf("got %+v, %v", rejected, err)
	}
	if diff := cmp.Diff(rejectedQuery, server.service.asked); diff != "" {
		t.Errorf("the query did not arrive whole (-want +got):\n%s", diff)
	}

	until := now.Add(time.Minute)
	replay := api.Replay{Since: now, Until: &until, Endpoint: "shop", DryRun: true}
	result, err := server.Replay(ctx, replay)
	if err != nil || result.Owed != 6 || !result.DryRun {
		t.Errorf("got %+v, %v", result, err)
	}
	if diff := cmp.Diff(replay, server.service.asked); diff != "" {
		t.Errorf("the request did not arrive whole (-want +got):\n%s", diff)
	}
	_, err = server.Replay(ctx, api.Replay{})
	wantError(t, err, api.CodeInvalid, "since")
	_, err = server.Replay(ctx, api.Replay{Since: until, Until: &now})
	wantError(t, err, api.CodeInvalid, "until")
}

// Scripts rely on lists being arrays.
func TestNoListIsNull(t *testing.T) {
	t.Parallel()
	server := start(t)
	if _, err := server.CreateEndpoint(t.Context(), newShop()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/status", "/endpoints", "/endpoints/shop", "/failures", "/events", "/events/rejected", "/assets"} {
		got := server.raw(t, "GET", api.Root+path, "", "")
		if got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		body := got.body
		for _, nullable := range []string{`"debounce":null`, `"maxWait":null`} {
			body = strings.ReplaceAll(body, nullable, "")
		}
		if strings.Contains(body, "null") {
			t.Errorf("%s has a null: %s", path, got.body)
		}
	}
}

// The document's routes are a contract; a change of testdata/routes.txt is a
// change of it. Set UPDATE_GOLDEN=1 to write it anew.
func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	server := start(t)
	raw, err := server.OpenAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                      `json:"operationId"`
			Parameters  []struct{ Name, In string } `json:"parameters"`
			RequestBody struct {
				Content map[string]json.RawMessage `json:"content"`
			} `json:"requestBody"`
			Responses map[string]json.RawMessage `json:"responses"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				AdditionalProperties any                        `json:"additionalProperties"`
				Properties           map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" {
		t.Errorf("the document is of OpenAPI %s", document.OpenAPI)
	}
	var lines []string
	for path, methods := range document.Paths {
		for method, operation := range methods {
			line := fmt.Sprintf("%s %s %s", path, strings.ToUpper(method), operation.OperationID)
			for _, parameter := range operation.Parameters {
				line += fmt.Sprintf(" %s:%s", parameter.In, parameter.Name)
			}
			for _, contentType := range sortedKeys(operation.RequestBody.Content) {
				line += " body:" + contentType
			}
			line += " -> " + strings.Join(sortedKeys(operation.Responses), ",")
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	for _, name := range sortedKeys(document.Components.Schemas) {
		schema := document.Components.Schemas[name]
		open := ""
		if schema.AdditionalProperties == true {
			open = " and others"
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s", name, strings.Join(sortedKeys(schema.Properties), " "), open))
	}
	compareGolden(t, "testdata/routes.txt", strings.Join(lines, "\n")+"\n")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
