package admin

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

func stored() endpoint.Endpoint {
	interval := timespan.Span(7 * time.Second)
	return endpoint.Endpoint{
		ID: 3, Name: "shop", Style: "notify", URL: "https://user:pass@shop.example/hook", Enabled: true,
		Headers:      map[string]string{"Authorization": "Bearer x", "X-Key": "k"},
		Subscription: endpoint.Subscription{ChangeTypes: event.AssetChanged, Events: []string{"AssetCreated"}},
		Debounce:     &interval,
		Retry:        endpoint.Schedule{timespan.Span(time.Second)},
		Options:      map[string]json.RawMessage{"idName": []byte(`"specific"`), "token": []byte(`"t"`)},
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		patch string
		want  func(ep *endpoint.Endpoint)
	}{
		{"nothing", `{}`, func(*endpoint.Endpoint) {}},
		{"a value", `{"description":"d","rate":2.5,"concurrency":3}`, func(ep *endpoint.Endpoint) {
			ep.Description, ep.Rate, ep.Concurrency = "d", 2.5, 3
		}},
		{"null is the default", `{"debounce":null,"retry":null,"events":null,"concurrency":null}`, func(ep *endpoint.Endpoint) {
			ep.Debounce, ep.Retry, ep.Subscription.Events = nil, nil, nil
		}},
		{"enabled is true by default", `{"enabled":null}`, func(*endpoint.Endpoint) {}},
		{"disabled", `{"enabled":false}`, func(ep *endpoint.Endpoint) { ep.Enabled = false }},
		{"no debounce is a value", `{"debounce":"0"}`, func(ep *endpoint.Endpoint) { ep.Debounce = new(timespan.Span) }},
		{"lists are replaced, not added to", `{"events":["AssetDeleted"]}`, func(ep *endpoint.Endpoint) {
			ep.Subscription.Events = []string{"AssetDeleted"}
		}},
		{"change types as flags", `{"changeTypes":5}`, func(ep *endpoint.Endpoint) {
			ep.Subscription.ChangeTypes = event.AssetChanged | event.TreeValueChanged
		}},
		{"a schedule as an array", `{"retry":["1s","00:01:00"]}`, func(ep *endpoint.Endpoint) {
			ep.Retry = endpoint.Schedule{timespan.Span(time.Second), timespan.Span(time.Minute)}
		}},
		{"headers merge", `{"headers":{"x-key":null,"x-new":"n"}}`, func(ep *endpoint.Endpoint) {
			ep.Headers = map[string]string{"Authorization": "Bearer x", "X-New": "n"}
		}},
		{"a header that is replaced", `{"headers":{"authorization":"Bearer y"}}`, func(ep *endpoint.Endpoint) {
			ep.Headers["Authorization"] = "Bearer y"
		}},
		{"a masked header stays", `{"headers":{"authorization":"***"}}`, func(*endpoint.Endpoint) {}},
		{"no headers", `{"headers":null}`, func(ep *endpoint.Endpoint) { ep.Headers = nil }},
		{"masked user information stays", `{"url":"https://***@new.example/"}`, func(ep *endpoint.Endpoint) {
			ep.URL = "https://user:pass@new.example/"
		}},
		{"user information goes", `{"url":"https://new.example/"}`, func(ep *endpoint.Endpoint) {
			ep.URL = "https://new.example/"
		}},
		{"an option", `{"idName":"base"}`, func(ep *endpoint.Endpoint) { ep.Options["idName"] = []byte(`"base"`) }},
		{"an option by default", `{"idName":null}`, func(ep *endpoint.Endpoint) { delete(ep.Options, "idName") }},
		{"a masked option stays", `{"token":"***"}`, func(*endpoint.Endpoint) {}},
		{"another style takes its options along", `{"style":"slow"}`, func(ep *endpoint.Endpoint) {
			ep.Style, ep.Options = "slow", nil
		}},
		{"an unknown style is left to the service", `{"style":"export","target":"/x"}`, func(ep *endpoint.Endpoint) {
			ep.Style = "export"
			ep.Options["target"] = []byte(`"/x"`)
		}},
		{"what is the daemon's is let pass", `{"state":"gone","created":"x","updated":null,"name":"shop"}`, func(*endpoint.Endpoint) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var p patch
			if err := json.Unmarshal([]byte(tt.patch), &p); err != nil {
				t.Fatal(err)
			}
			before, got, want := stored(), stored(), stored()
			shared := got
			if err := p.apply(&got, newFake().Style); err != nil {
				t.Fatal(err)
			}
			tt.want(&want)
			if diff := cmp.Diff(want, got, sameID); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, shared, sameID); diff != "" {
				t.Errorf("a map or slice that is shared was written into (-want +got):\n%s", diff)
			}
		})
	}
}

// Applying a patch twice is applying it once, as a store does that tries again.
func TestPatchTwiceIsPatchOnce(t *testing.T) {
	t.Parallel()
	values := map[string][]string{
		"url":         {`"https://***@a.example/"`, `"https://b.example/"`},
		"headers":     {`null`, `{"X-Key":null}`, `{"Authorization":"***","A":"b"}`},
		"debounce":    {`null`, `"1s"`},
		"style":       {`null`, `"slow"`, `"notify"`},
		"changeTypes": {`15`, `["AssetChanged"]`},
		"enabled":     {`true`, `false`, `null`},
		"formats":     {`[]`, `[1,"1"]`, `null`},
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := patch{}
		for _, name := range sortedKeys(values) {
			if rapid.Bool().Draw(rt, name) {
				p[name] = json.RawMessage(rapid.SampledFrom(values[name]).Draw(rt, name+" value"))
			}
		}
		once := stored()
		if err := p.apply(&once, newFake().Style); err != nil {
			rt.Fatal(err)
		}
		twice := once
		err := p.apply(&twice, newFake().Style)
		if _, masked := p["url"]; err != nil && !masked {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(once, twice, sameID); diff != "" {
			rt.Fatalf("(-once +twice):\n%s", diff)
		}
	})
}

func TestPatchThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"urll":"x"}`, `{"idname":"x"}`, `{"headers":{"a":"1","A":"2"}}`, `{"headers":5}`, `{"rate":"fast"}`,
		`{"name":"other"}`, `{"debounce":5}`, `{"changeTypes":["Asset"]}`, `{"style":7}`, `{"formats":[{}]}`,
	} {
		var p patch
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		ep := stored()
		var told *api.Error
		if err := p.apply(&ep, newFake().Style); !errors.As(err, &told) || told.Code != api.CodeInvalid {
			t.Errorf("%s: got %v, want an invalid request", text, err)
		}
	}
}

// Every member that an endpoint shows can be set by a request, or is let pass.
func TestEveryMemberIsKnown(t *testing.T) {
	t.Parallel()
	for _, name := range api.EndpointMembers() {
		ep := stored()
		isMember, err := setMember(&ep, name, json.RawMessage("null"))
		if !isMember {
			t.Errorf("%s is taken for an option", name)
		}
		if err != nil && name != "name" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
