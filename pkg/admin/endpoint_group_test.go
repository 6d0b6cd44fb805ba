package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

func (f *fake) members(group string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for name, ep := range f.endpoints {
		if ep.Group == group {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// each does something with every endpoint of a group.
func each[T any](f *fake, group string, do func(name string) (T, error)) ([]T, error) {
	var all []T
	for _, name := range f.members(group) {
		one, err := do(name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, &api.Error{Code: api.CodeNotFound, Message: "no group " + group}
	}
	return all, f.fail
}

func (f *fake) GetGroup(ctx context.Context, name string) ([]EndpointState, error) {
	return each(f, name, func(name string) (EndpointState, error) { return f.GetEndpoint(ctx, name) })
}

func (f *fake) CreateGroup(ctx context.Context, eps []endpoint.Endpoint) ([]EndpointState, error) {
	for _, ep := range eps {
		if _, err := f.CreateEndpoint(ctx, ep); err != nil {
			return nil, err
		}
	}
	return f.GetGroup(ctx, eps[0].Group)
}

func (f *fake) UpdateGroup(ctx context.Context, name string, change func(*endpoint.Endpoint) error) ([]EndpointState, error) {
	return each(f, name, func(name string) (EndpointState, error) { return f.UpdateEndpoint(ctx, name, change) })
}

func (f *fake) SetGroupEnabled(ctx context.Context, name string, enabled bool) ([]EndpointState, error) {
	return each(f, name, func(name string) (EndpointState, error) { return f.SetEndpointEnabled(ctx, name, enabled) })
}

func (f *fake) RemoveGroup(ctx context.Context, name string) ([]api.Removed, error) {
	return each(f, name, func(name string) (api.Removed, error) { return f.RemoveEndpoint(ctx, name) })
}

func TestGroupLifecycle(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	create := api.GroupCreate{
		Name: "shop", URLs: []string{"https://u:pw@a.example/", "https://b.example/"}, EndpointUpdate: newShop().EndpointUpdate,
	}
	create.URL = api.Patch[string]{}
	created, err := server.CreateGroup(ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	if len(created) != 2 || created[0].Name != "shop-1" || created[1].Name != "shop-2" || created[1].Group != "shop" ||
		created[0].URL != "https://***@a.example/" || created[1].URL != "https://b.example/" {
		t.Fatalf("created: %+v", created)
	}
	revealed, err := server.Group(ctx, "shop", true)
	if err != nil || len(revealed) != 2 || revealed[0].URL != "https://u:pw@a.example/" {
		t.Errorf("revealed: %+v, %v", revealed, err)
	}
	updated, err := server.UpdateGroup(ctx, "shop", api.EndpointUpdate{Description: api.Set("both")})
	if err != nil || len(updated) != 2 || updated[0].Description != "both" || updated[1].Description != "both" {
		t.Errorf("updated: %+v, %v", updated, err)
	}
	if updated[0].URL != "https://***@a.example/" || updated[1].URL != "https://b.example/" {
		t.Errorf("the URLs are %s and %s", updated[0].URL, updated[1].URL)
	}
	disabled, err := server.DisableGroup(ctx, "shop")
	if err != nil || len(disabled) != 2 || disabled[0].State != "disabled" || disabled[1].State != "disabled" {
		t.Errorf("disabled: %+v, %v", disabled, err)
	}
	enabled, err := server.EnableGroup(ctx, "shop")
	if err != nil || len(enabled) != 2 || !enabled[0].Enabled || !enabled[1].Enabled {
		t.Errorf("enabled: %+v, %v", enabled, err)
	}
	removed, err := server.RemoveGroup(ctx, "shop")
	if err != nil || len(removed) != 2 || removed[1] != (api.Removed{Name: "shop-2", Debts: 7}) {
		t.Errorf("removed: %+v, %v", removed, err)
	}
	for name, err := range map[string]error{
		"get":     second(server.Group(ctx, "shop", false)),
		"update":  second(server.UpdateGroup(ctx, "shop", api.EndpointUpdate{Description: api.Set("none")})),
		"enable":  second(server.EnableGroup(ctx, "shop")),
		"disable": second(server.DisableGroup(ctx, "shop")),
		"remove":  second(server.RemoveGroup(ctx, "shop")),
	} {
		t.Log(name)
		wantError(t, err, api.CodeNotFound, "shop")
	}
}

// Whatever makes a group makes an endpoint of its own of each URL.
func FuzzGroupAdded(f *testing.F) {
	for _, body := range []string{
		`{"name":"pim","urls":["https://a.example/","https://u:p@b.example"],"changeTypes":["AssetChanged"],"token":"t"}`,
		`{"name":"pim","urls":["http://a"],"changeTypes":3,"group":"","headers":{"A":"b"}}`,
		`{"name":"pim","urls":["http://a","http://a"],"changeTypes":["AssetChanged"]}`,
		`{"name":"pim","urls":[null,"http://***@a"],"url":null}`, `{"name":["pim"],"urls":{}}`, `{"urls":["http://a"]}`, `null`, `{`,
	} {
		f.Add(body)
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, body string) {
		clear(b.service.endpoints)
		got := b.ask(t, http.MethodPost, "/groups", typeJSON, body)
		if got.status >= http.StatusBadRequest {
			return
		}
		urls := make(map[string]bool)
		for name, ep := range b.service.endpoints {
			number, isMember := strings.CutPrefix(name, ep.Group+"-")
			if n, err := strconv.Atoi(number); !isMember || ep.Group == "" || err != nil || n < 1 || n > len(b.service.endpoints) {
				t.Errorf("%q makes %s of group %q", body, name, ep.Group)
			}
			urls[ep.URL] = true
		}
		if len(urls) == 0 || len(urls) != len(b.service.endpoints) {
			t.Errorf("%q makes %d endpoints with %d URLs", body, len(b.service.endpoints), len(urls))
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestBadGroupsAreRefused(t *testing.T) {
	t.Parallel()
	server := start(t)
	const rest = `,"changeTypes":["AssetChanged"]}`
	for body, want := range map[string]string{
		`{"name":"shop"` + rest:                                                  "endpoint group shop has no URL",
		`{"name":"shop","urls":[]` + rest:                                        "endpoint group shop has no URL",
		`{"name":"shop","urls":null` + rest:                                      "endpoint group shop has no URL",
		`{"name":"shop","urls":"https://a.example"` + rest:                       "member urls is a JSON string where an array is due",
		`{"name":"shop","urls":[5]` + rest:                                       "member urls is a JSON number where a string is due",
		`{"name":"shop","urls":["https://u:pw@a/","https://u:pw@a/"]` + rest:     "is given twice",
		`{"name":"shop","urls":["https://a/"],"url":"https://b/"` + rest:         "member url is for one endpoint, not for a group",
		`{"urls":["https://a/"]` + rest:                                          `endpoint name \"\"`,
		`{"name":"a b","urls":["https://a/"]` + rest:                             `endpoint name \"a b\"`,
		`{"name":"` + strings.Repeat("x", 63) + `","urls":["https://a/"]` + rest: "write 1 to 64 letters",
		`{"name":"shop","urls":["https://a/"],"group":"other"` + rest:            "can't be put into another group",
		`{"name":"shop","urls":["https://a/"],"fieldz":["x"]` + rest:             `unknown member \"fieldz\"; did you mean fields?`,
		`{"name":"shop","urls":["https://a/","b"]` + rest:                        "has no scheme",
	} {
		got := server.raw(t, "POST", api.Root+"/groups", "application/json", body)
		if got.status != 422 || !strings.Contains(got.body, want) || strings.Contains(got.body, "u:pw") {
			t.Errorf("%s: %d %s, want %q", body, got.status, got.body, want)
		}
	}
	if got := server.raw(t, "PATCH", api.Root+"/groups/shop", "application/json", `{"url":"https://a/"}`); got.status != 422 ||
		!strings.Contains(got.body, "the endpoints of group shop have a URL each") {
		t.Errorf("one URL for all: %d %s", got.status, got.body)
	}
	if got := server.raw(t, "POST", api.Root+"/endpoints", "application/json", `{"name":"a","url":"https://a/","group":"shop"`+rest); got.status != 422 ||
		!strings.Contains(got.body, "endpoint a can't be put into another group") {
		t.Errorf("an endpoint put into a group: %d %s", got.status, got.body)
	}
}
