package rest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

func withToken(c *rest.Config)    { c.Token = "secret-token" }
func withPassword(c *rest.Config) { c.Username, c.Password = "reader", "secret/pass word" }

func notCalled() time.Time { panic("the clock is not needed") }

const loginAuth = `
auth:
  type: login
  name: X-Key
  login:
    method: POST
    path: /login
    body: '{user: $username, password: $password}'
    token: .key
    expires: .seconds
`

// forms are the ways to authenticate, and how a server knows them.
var forms = map[string]struct {
	auth   string
	change func(*rest.Config)
	knows  func(*http.Request) bool
}{
	"basic": {"auth: {type: basic}", withPassword, func(r *http.Request) bool {
		name, password, ok := r.BasicAuth()
		return ok && name == "reader" && password == "secret/pass word"
	}},
	"bearer": {"auth: {type: bearer}", withToken, func(r *http.Request) bool {
		return r.Header.Get("Authorization") == "Bearer secret-token"
	}},
	"header": {"auth: {type: header, name: X-Api-Key}", withToken, func(r *http.Request) bool {
		return r.Header.Get("X-Api-Key") == "secret-token"
	}},
	"query": {"auth: {type: query, name: key}", withToken, func(r *http.Request) bool {
		return r.URL.Query().Get("key") == "secret-token" && r.URL.Query().Get("more") == "1"
	}},
	"headers": {`auth: {type: headers, headers: '{"X-Sign": ($username + $token | sha256)}'}`, func(c *rest.Config) {
		c.Username, c.Token = "a", "secret"
	}, func(r *http.Request) bool { // printf asecret | sha256sum
		return r.Header.Get("X-Sign") == "04da50db0d979eb87238f0daf81c190da7cdb48a3ca1d62a8dced124e818320d"
	}},
	"login": {loginAuth, withPassword, func(r *http.Request) bool {
		return r.Header.Get("X-Key") == "key-for-secret"
	}},
	"login into the query": {strings.Replace(loginAuth, "name: X-Key", "name: key\n  in: query", 1), withPassword, func(r *http.Request) bool {
		return r.URL.Query().Get("key") == "key-for-secret" && r.URL.Query().Get("more") == "1"
	}},
}

const queried = `
get: {path: "/assets/{id}", query: '{more: 1}'}
asset: {id: .id}
`

// echo refuses whatever it gets, and repeats all of it.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprintf(w, "%s %s", r.URL, body)
	for name, values := range r.Header {
		fmt.Fprintf(w, " %s: %s", name, values)
	}
}

func TestEveryWayToAuthenticate(t *testing.T) {
	t.Parallel()
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login := func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != `{"password":"secret/pass word","user":"reader"}` {
					http.Error(w, "login", http.StatusForbidden)
					return
				}
				write(w, map[string]any{"key": "key-for-secret", "seconds": 3600})
			}
			mux := http.NewServeMux()
			mux.HandleFunc("POST /login", login)
			mux.HandleFunc("/assets/1", func(w http.ResponseWriter, r *http.Request) {
				if !form.knows(r) {
					http.Error(w, "who?", http.StatusUnauthorized)
					return
				}
				write(w, map[string]any{"id": 1})
			})
			mux.HandleFunc("/assets/2", echo)
			c := open(t, parsed(t, queried+form.auth), mux, form.change)
			if got, err := one(t, c, ids(1)[0]); err != nil || got.Err != nil || got.Asset.Deleted {
				t.Errorf("got %+v, %v", got, err)
			}
			_, err := one(t, c, ids(2)[0])
			wantKind(t, err, catalogue.ErrRefused)
			wantNoSecret(t, err)
		})
	}
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"secret", "c2VjcmV0", "cmVhZGVyOnNlY3JldC"} { // also in base64
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

func TestARefusedLoginTellsNoSecret(t *testing.T) {
	t.Parallel()
	c := open(t, parsed(t, plain+loginAuth), http.HandlerFunc(echo), withPassword)
	_, err := one(t, c, ids(1)[0])
	wantKind(t, err, catalogue.ErrRefused)
	wantNoSecret(t, err)
}

func TestNoSecretIsToldOfAServerThatCantBeReached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := roundTrip(func(r *http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial %s", r.URL) })
		c := opened(t, parsed(t, queried+"auth: {type: query, name: key}"), "http://dam.test", fails, withToken)
		_, err := one(t, c, ids(1)[0])
		wantKind(t, err, catalogue.ErrNotNow)
		wantNoSecret(t, err)
	})
}

func TestAnErrorHasNoQuery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fails := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })
		_, err := one(t, opened(t, parsed(t, queried), "http://dam.test", fails), ids(1)[0])
		if e := wantKind(t, err, catalogue.ErrNotNow); e.Text != "get: no route" {
			t.Errorf("error is %v", e)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNobodyIsReadAsAnotherThanAskedFor(t *testing.T) {
	t.Parallel()
	c := open(t, parsed(t, plain), say(http.StatusOK, `{"id":1}`))
	for _, v := range []catalogue.View{{User: "42"}, {Language: "3"}} {
		_, err := c.Look(t.Context(), v, ids(1))
		wantKind(t, err, catalogue.ErrRefused)
		for _, err := range c.List(t.Context(), v, nil) {
			wantKind(t, err, catalogue.ErrRefused)
		}
	}
}
