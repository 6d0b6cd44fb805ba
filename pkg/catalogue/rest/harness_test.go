package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plain declares the simplest API there is: one asset by its id.
const plain = `
get: {path: "/assets/{id}"}
asset: {id: .id}
`

// parsed reads a declaration, or fails the test.
func parsed(t *testing.T, declaration string) rest.API {
	t.Helper()
	api, err := rest.ParseAPI([]byte(declaration))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func preset(t *testing.T, name string) rest.API {
	t.Helper()
	api, err := rest.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// open makes a catalogue that reads from a server on loopback.
func open(t *testing.T, api rest.API, dam http.Handler, change ...func(*rest.Config)) *rest.Catalogue {
	t.Helper()
	server := httptest.NewServer(dam)
	t.Cleanup(server.Close)
	return opened(t, api, server.URL, server.Client().Transport, change...)
}

func opened(t *testing.T, api rest.API, url string, transport http.RoundTripper, change ...func(*rest.Config)) *rest.Catalogue {
	t.Helper()
	config := rest.Config{URL: url, API: api, Transport: transport, Now: time.Now, UserAgent: "dz/test"}
	for _, c := range change {
		c(&config)
	}
	c, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// direct hands requests to a server without a network, so that time in a bubble
// passes only where somebody waits.
type direct struct{ dam http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	d.dam.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}

// inBubble runs a test whose time passes only where somebody waits.
func inBubble(t *testing.T, api string, dam http.Handler, test func(t *testing.T, c *rest.Catalogue), change ...func(*rest.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, opened(t, parsed(t, api), "http://dam.test", direct{dam}, change...))
	})
}

// answers is a server that answers in turn, the last answer again and again, and
// counts.
type answers struct {
	mu    sync.Mutex
	turns []http.HandlerFunc
	seen  []time.Time
}

func inTurn(turns ...http.HandlerFunc) *answers { return &answers{turns: turns} }

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	turn := a.turns[min(len(a.seen), len(a.turns)-1)]
	a.seen = append(a.seen, time.Now())
	a.mu.Unlock()
	turn(w, r)
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

// say answers with a status and a body; header fields are "Name: value".
func say(status int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func ids(numbers ...int64) []event.ID {
	list := make([]event.ID, len(numbers))
	for i, n := range numbers {
		list[i] = event.IntID(n)
	}
	return list
}

// wantKind fails the test if err is no ReadError of that kind, and returns it.
func wantKind(t *testing.T, err, kind error) *catalogue.ReadError {
	t.Helper()
	var e *catalogue.ReadError
	if !errors.As(err, &e) || !errors.Is(err, kind) {
		t.Fatalf("error is %v, want kind %v", err, kind)
	}
	return e
}

// one looks at one asset of the catalogue.
func one(t *testing.T, c *rest.Catalogue, id event.ID) (catalogue.Answer, error) {
	t.Helper()
	got, err := c.Look(t.Context(), catalogue.View{}, []event.ID{id})
	if err != nil {
		return catalogue.Answer{}, err
	}
	if len(got) != 1 || got[0].Asset.ID != id {
		t.Fatalf("asked for %s alone, got %+v", id, got)
	}
	return got[0], nil
}

// listed returns the ids of a list from a cursor to its end.
func listed(t *testing.T, c *rest.Catalogue, v catalogue.View, cursor string) []string {
	t.Helper()
	var found []string
	for a, err := range c.List(t.Context(), v, &cursor) {
		if err != nil {
			t.Fatalf("after %d assets: %v", len(found), err)
		}
		found = append(found, a.ID.String())
	}
	return found
}
