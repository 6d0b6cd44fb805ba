package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func TestEndpointWritesOptionsBesideItsMembers(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(Endpoint{
		Name:        "shop",
		ChangeTypes: event.AssetChanged,
		Options:     map[string]json.RawMessage{"idName": []byte(`"base"`), "aFlag": []byte(`true`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := `"aFlag":true,"idName":"base"}`; !strings.HasSuffix(string(raw), want) {
		t.Errorf("got %s, want it to end with %s", raw, want)
	}
	if !strings.HasPrefix(string(raw), `{"name":"shop","group":"","style":""`) {
		t.Errorf("members are not in the order of the type: %s", raw)
	}
}

func TestEndpointListsAreNeverNull(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(Endpoint{})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	var null []string
	for name, value := range members {
		if string(value) == "null" {
			null = append(null, name)
		}
	}
	slices.Sort(null)
	if diff := cmp.Diff([]string{"debounce", "maxWait"}, null); diff != "" {
		t.Errorf("members that are null (-want +got):\n%s", diff)
	}
}

func TestEndpointComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	five := timespan.Span(5 * time.Second)
	created := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	want := Endpoint{
		Name: "shop", Style: "notify", URL: "https://***@shop.example/", Enabled: true, State: "healthy",
		ChangeTypes: event.AssetChanged | event.TreeValueChanged,
		Events:      []string{"AssetCreated"}, Fields: []string{}, ExcludeFields: []string{},
		Formats: []event.ID{event.IntID(50036), event.StringID("50036")}, Channels: []event.ID{}, Reasons: []string{},
		Headers: map[string]string{"Authorization": "***"}, Debounce: &five,
		Signing: []SigningSecret{{Secret: "***", Scheme: "hmac", Expires: &created}, {Secret: "***", Scheme: "ed25519", PublicKey: "whpk_"}},
		Retry:   []timespan.Span{five}, Timeout: five, Concurrency: 8, Rate: 2.5,
		Created: created, Defaults: []string{"idName"},
		Options: map[string]json.RawMessage{"idName": []byte(`"base"`)},
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Endpoint
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	sameID := cmp.Comparer(func(a, b event.ID) bool { return a == b })
	if diff := cmp.Diff(want, got, sameID); diff != "" {
		t.Errorf("came back changed (-want +got):\n%s", diff)
	}
}

func TestOptionNeverTakesThePlaceOfAMember(t *testing.T) {
	t.Parallel()
	for _, value := range []any{
		Endpoint{Options: map[string]json.RawMessage{"url": []byte(`"x"`)}},
		EndpointUpdate{Options: map[string]any{"url": "x"}},
		EndpointCreate{EndpointUpdate: EndpointUpdate{Options: map[string]any{"name": "x"}}},
	} {
		if raw, err := json.Marshal(value); err == nil {
			t.Errorf("%T: wrote %s, want an error", value, raw)
		}
	}
}

func TestUpdateSaysOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		update any
		want   string
	}{
		{"nothing", EndpointUpdate{}, `{}`},
		{"a value", EndpointUpdate{URL: Set("https://a.example")}, `{"url":"https://a.example"}`},
		{"an empty value", EndpointUpdate{Filter: Set("")}, `{"filter":""}`},
		{"a default", EndpointUpdate{Debounce: Default[string]()}, `{"debounce":null}`},
		{
			"headers",
			EndpointUpdate{Headers: map[string]Patch[string]{"A": Set("1"), "B": Default[string]()}},
			`{"headers":{"A":"1","B":null}}`,
		},
		{
			"options",
			EndpointUpdate{Enabled: Set(false), Options: map[string]any{"idName": "base", "old": nil}},
			`{"enabled":false,"idName":"base","old":null}`,
		},
		{
			"ids as they are typed",
			EndpointUpdate{Formats: Set([]event.ID{event.IntID(5), event.StringID("5")})},
			`{"formats":[5,"5"]}`,
		},
		{
			"a new endpoint",
			EndpointCreate{Name: "shop", EndpointUpdate: EndpointUpdate{ChangeTypes: Set([]string{"AssetChanged"})}},
			`{"name":"shop","changeTypes":["AssetChanged"]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.update)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// An endpoint's members can all be changed but those that are the daemon's.
func TestUpdateHasTheMembersOfAnEndpoint(t *testing.T) {
	t.Parallel()
	updatable := make(map[string]bool)
	update := reflect.TypeFor[EndpointUpdate]()
	for i := range update.NumField() {
		name, _, _ := strings.Cut(update.Field(i).Tag.Get("json"), ",")
		updatable[name] = true
	}
	var fixed []string
	for _, name := range EndpointMembers() {
		if !updatable[name] {
			fixed = append(fixed, name)
		}
	}
	if diff := cmp.Diff([]string{"name", "group", "state", "window", "created", "updated", "lastResync", "held", "skips", "defaults"}, fixed); diff != "" {
		t.Errorf("members that can't be changed (-want +got):\n%s", diff)
	}
}

func TestParseIDs(t *testing.T) {
	t.Parallel()
	ids, err := ParseIDs([]string{"5", `"5"`, "a b"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[5,"5","a b"]`; string(raw) != want {
		t.Errorf("got %s, want %s", raw, want)
	}
	if _, err := ParseIDs([]string{""}); err == nil {
		t.Error("an empty id was accepted")
	}
}
