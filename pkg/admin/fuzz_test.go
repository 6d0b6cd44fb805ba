package admin

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// bench is a server that is asked without a connection, as often as a fuzzer
// wants.
type bench struct {
	service *fake
	server  *Server
}

func newBench(f *testing.F) *bench {
	f.Helper()
	service := newFake()
	return &bench{service, newServer(f, service, Policy{Owner: uint32(os.Geteuid())})}
}

// patient is a recorder that can be told deadlines, as a connection can.
type patient struct{ *httptest.ResponseRecorder }

func (patient) SetReadDeadline(time.Time) error { return nil }

// ask makes a request as the daemon's own user. Whatever is asked, the answer is
// JSON and no failure of the daemon; a refusal says why.
func (b *bench) ask(t *testing.T, method, path, contentType, body string) answer {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, api.Root+path, strings.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	request = request.WithContext(withPeerResult(request.Context(), peerResult{peer: Peer{UID: uint32(os.Geteuid())}}))
	recorder := patient{httptest.NewRecorder()}
	b.server.handler.ServeHTTP(recorder, request)
	got := answer{recorder.Code, recorder.Header(), recorder.Body.String()}
	if got.status >= http.StatusInternalServerError || !json.Valid([]byte(got.body)) {
		t.Fatalf("%s %s: %q is answered with %d %s", method, path, body, got.status, got.body)
	}
	if got.status >= http.StatusBadRequest {
		if told := errorOf(t, []byte(got.body)); told.Code == "" || told.Message == "" {
			t.Fatalf("%s %s: %q is refused without a reason: %s", method, path, body, got.body)
		}
	}
	return got
}

// want asks for what must be granted.
func (b *bench) want(t *testing.T, method, path, body string) string {
	t.Helper()
	got := b.ask(t, method, path, typeJSON, body)
	if got.status >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s: %d %s", method, path, body, got.status, got.body)
	}
	return got.body
}

var endpointBodies = []string{
	`{"name":"pim","url":"https://pim.example/hook","changeTypes":["AssetChanged"],"headers":{"X-Key":"a","x-b":" "},"token":"t"}`,
	`{"name":"pim","url":"https://u:p@pim.example","changeTypes":"AssetChanged,ComboValueChanged","debounce":"00:00:07","maxWait":"1h","rate":0.5}`,
	`{"name":"pim","url":"http://[::1]:80/?q=%20","changeTypes":["all"],"events":["assetcreated"],"formats":[1,"1"],"filter":"event.type != ''"}`,
	`{"name":"pim","url":"https://pim.example","changeTypes":["AssetChanged"],"retry":"5s,5m","timeout":"1e3s","concurrency":64,"enabled":null}`,
	`{"name":"pim","url":"https://***@x/","style":null,"retry":["5s"],"rate":1e99,"options":{}}`,
	`{"url":"https://***@shop.example/other","headers":{"Authorization":"***","X-A":null},"token":"***"}`,
	`{"style":"slow","description":"\ud800","caFile":"a","clientCert":"\u0000"}`,
	`{"headers":{"a":"1","A":"2"}}`, `{"name":null}`, `null`, `[]`, `{`, ``,
}

// What can be added is shown so that the same is added again by it, and sent
// back it changes nothing.
func FuzzEndpointAdded(f *testing.F) {
	for _, body := range endpointBodies {
		f.Add(body)
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, body string) {
		clear(b.service.endpoints)
		if got := b.ask(t, http.MethodPost, "/endpoints", typeJSON, body); got.status >= http.StatusBadRequest {
			if len(b.service.endpoints) > 0 {
				t.Fatalf("%q is refused and stored: %s", body, got.body)
			}
			return
		}
		if len(b.service.endpoints) != 1 {
			t.Fatalf("%q stores %d endpoints", body, len(b.service.endpoints))
		}
		for name, stored := range b.service.endpoints {
			path := "/endpoints/" + name
			b.want(t, http.MethodPatch, path, b.want(t, http.MethodGet, path, ""))
			again := b.service.endpoints[name]
			if again.URL != stored.URL || !maps.Equal(again.Headers, stored.Headers) {
				t.Fatalf("%q: what is shown of it changes it from %+v to %+v", body, stored, again)
			}
			shown := b.want(t, http.MethodGet, path+"?reveal=true", "")
			b.want(t, http.MethodDelete, path, "")
			b.want(t, http.MethodPost, "/endpoints", shown)
			if diff := cmp.Diff(shown, b.want(t, http.MethodGet, path+"?reveal=true", "")); diff != "" {
				t.Fatalf("%q is shown as what adds another: %s", body, diff)
			}
		}
	})
}

// No change shows a secret that is stored; one that is refused changes nothing.
func FuzzEndpointChanged(f *testing.F) {
	for _, body := range endpointBodies {
		f.Add(body)
	}
	b := newBench(f)
	created, err := json.Marshal(newSecretShop())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "hunter2") {
			return // it may be shown where no secret belongs
		}
		clear(b.service.endpoints)
		b.want(t, http.MethodPost, "/endpoints", string(created))
		before := b.service.endpoints["shop"]
		got := b.ask(t, http.MethodPatch, "/endpoints/shop", typeJSON, body)
		if strings.Contains(got.body, "hunter2") {
			t.Fatalf("%q: the answer repeats the secret: %s", body, got.body)
		}
		after := b.service.endpoints["shop"]
		if got.status >= http.StatusBadRequest {
			if diff := cmp.Diff(shownOf(t, before), shownOf(t, after)); diff != "" {
				t.Fatalf("%q is refused and done: %s", body, diff)
			}
			return
		}
		b.want(t, http.MethodPatch, "/endpoints/shop", got.body)
		if diff := cmp.Diff(shownOf(t, after).URL, shownOf(t, b.service.endpoints["shop"]).URL); diff != "" {
			t.Fatalf("%q: what is shown of it changes it: %s", body, diff)
		}
	})
}

// shownOf returns all of an endpoint, secrets too.
func shownOf(t *testing.T, ep endpoint.Endpoint) api.Endpoint {
	t.Helper()
	shown, err := view(EndpointState{Endpoint: ep}, Style{}, true)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// What is asked of failures and of recent events reaches the service as it was
// asked, whole, or not at all.
func FuzzAction(f *testing.F) {
	for _, body := range []string{
		`{"endpoint":"shop","object":"asset/7","reasons":["http_5xx","timeout"],"statuses":[500,0],"dryRun":true}`,
		`{"ids":["1-2"],"since":"2026-11-21T10:00:00.5+01:00","until":"9999-12-31T23:59:59Z","retrying":true,"wait":true}`,
		`{"reasons":[],"statuses":[0]}`, `{"all":true}`, `{"all":false}`, `{"since":null}`, `{"Since":"2026-11-21T10:00:00Z"}`,
		`{"since":"2026-11-21T10:00:00Z","endpoint":"shop","dryRun":true}`,
		`{"since":"2026-11-21T10:00:00Z","until":"2026-11-21T10:00:00Z"}`, `{"since":"yesterday"}`, `null`, `[`, ``,
	} {
		for kind := range uint8(3) {
			f.Add(kind, body)
		}
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, kind uint8, body string) {
		path := []string{"/failures/retry", "/failures/purge", "/events/replay"}[kind%3]
		b.service.asked = nil
		got := b.ask(t, http.MethodPost, path, typeJSON, body)
		asked := b.service.asked
		if refused := got.status >= http.StatusBadRequest; refused != (asked == nil) {
			t.Fatalf("%s: %q is answered with %d, and the service was asked %+v", path, body, got.status, asked)
		}
		switch asked := asked.(type) {
		case api.FailureAction:
			if !asked.All && !selects(asked.FailureSelection) {
				t.Fatalf("%s: %q selects nothing and is taken for everything", path, body)
			}
		case api.Replay:
			if asked.Since.IsZero() || (asked.Until != nil && !asked.Until.After(asked.Since)) {
				t.Fatalf("%s: %q asks for no time: %+v", path, body, asked)
			}
		case nil:
			return
		}
		again, err := json.Marshal(asked)
		if err != nil {
			t.Fatal(err)
		}
		b.want(t, http.MethodPost, path, string(again))
		// An empty list selects as none does.
		if diff := cmp.Diff(asked, b.service.asked, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s: %q is asked as %s, which asks for something else: %s", path, body, again, diff)
		}
	})
}

// Every line is accepted as it is or rejected, none is both or neither, and
// lines keep their order.
func FuzzEmit(f *testing.F) {
	const line, next = `{"id":"1","source":"/dam","type":"AssetCreated","data":{"itemId":7}}`, `{"id":"2","source":"/dam","type":"archive","data":{"itemId":"7"}}`
	for _, body := range []string{line, line + "\r\n\n \n" + next + "\n", "x\n" + line + "\ny", "\ufeff" + line, "{\n" + line[1:], line + line, "x\n" + line, "\x00", ""} {
		f.Add(false, body)
		f.Add(true, body)
	}
	b := newBench(f)
	f.Fuzz(func(t *testing.T, single bool, body string) {
		b.service.emitted, b.service.rejected = nil, nil
		contentType, lines := typeNDJSON, strings.Split(strings.TrimPrefix(body, "\ufeff"), "\n")
		if single {
			var compact bytes.Buffer
			contentType, lines = typeJSON, []string{strings.TrimPrefix(body, "\ufeff")}
			if json.Compact(&compact, []byte(body)) == nil {
				lines = []string{compact.String()}
			}
		}
		var want, rejected []string
		for _, line := range lines {
			if single {
				line = strings.TrimSuffix(line, "\n")
			}
			line = strings.TrimSuffix(line, "\r")
			if _, err := event.Decode([]byte(line)); err == nil {
				want = append(want, line)
			} else if strings.TrimSpace(line) != "" {
				rejected = append(rejected, line[:min(len(line), maxRejectedLine)])
			}
		}
		got := b.ask(t, http.MethodPost, "/events", contentType, body)
		if len(body) > event.MaxLineLength && single {
			if got.status != http.StatusRequestEntityTooLarge {
				t.Fatalf("%d bytes: %d %s", len(body), got.status, got.body)
			}
			return
		}
		var result api.EmitResult
		if err := json.Unmarshal([]byte(got.body), &result); err != nil || got.status != http.StatusOK {
			t.Fatalf("%q: %d %s, %v", body, got.status, got.body, err)
		}
		if result.Accepted != len(want) || result.RejectedCount != len(rejected) {
			t.Fatalf("%q: accepted %d and rejected %d, want %d and %d", body, result.Accepted, result.RejectedCount, len(want), len(rejected))
		}
		var accepted, refused []string
		for _, e := range b.service.emitted {
			accepted = append(accepted, string(e.Raw))
		}
		for _, r := range b.service.rejected {
			refused = append(refused, r.Line)
		}
		if diff := cmp.Diff(want, accepted) + cmp.Diff(rejected, refused); diff != "" {
			t.Fatalf("%q: -want +got: %s", body, diff)
		}
	})
}
