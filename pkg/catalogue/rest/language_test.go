package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

// A language goes where the API wants it: into a parameter, a path, a body, a
// login, or it chooses from a map.
func TestALanguageIsAskedForAsTheAPIWantsIt(t *testing.T) {
	t.Parallel()
	const byID = "\nasset: {id: .id, data: '{id, title}'}\n"
	for name, declaration := range map[string]string{
		"a parameter": "get: {path: '/assets/{id}', query: '{locale: $language}'}" + byID,
		"a path":      "get: {path: '/{language}/assets/{id}'}" + byID,
		"a body":      "get: {path: '/assets/{id}', method: POST, body: '{language: $language}'}" + byID,
		"a login": "get: {path: '/assets/{id}'}" + byID + strings.Replace(loginAuth,
			"password: $password", "password: $password, language: $language", 1),
		"a map by locale": "get: {path: '/assets/{id}'}\nasset: {id: .id, data: '{id, title: (.titles | locale($language; \"en\"))}'}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dam := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				said, _ := io.ReadAll(r.Body)
				language := "en"
				if strings.Contains(r.URL.String()+string(said)+r.Header.Get("X-Key"), "da") {
					language = "da"
				}
				if r.URL.Path == "/login" {
					write(w, map[string]any{"key": "key-in-" + language})
					return
				}
				titles := map[string]any{"en": "Sky", "da": "Himmel"}
				write(w, map[string]any{"id": 1, "title": titles[language], "titles": titles})
			})
			c := open(t, parsed(t, declaration), dam, withPassword, func(c *rest.Config) { c.Language = "en" })
			for language, want := range map[string]string{"da": "Himmel", "en": "Sky", "": "Sky"} {
				got, err := c.Look(t.Context(), catalogue.View{Language: language}, ids(1))
				if err != nil || got[0].Err != nil || string(got[0].Asset.Data) != fmt.Sprintf(`{"id":1,"title":%q}`, want) {
					t.Errorf("in %q: %+v, %v", language, got, err)
				}
			}
		})
	}
}

// Whatever the catalogue itself logs in with, a user is read with the token that
// it got for that user, and with none of its own.
func TestAUserIsReadWithTheUsersToken(t *testing.T) {
	t.Parallel()
	const impersonate = `
  impersonate: {method: POST, path: /as, body: '{for: $user}', token: .token}
`
	for name, c := range map[string]struct {
		auth   string
		change func(*rest.Config)
		header string // in which a user's token comes, and what is before it
		before string
	}{
		"basic":  {"auth:\n  type: basic\n  scheme: Bearer" + impersonate, withPassword, "Authorization", "Bearer "},
		"bearer": {"auth:\n  type: bearer" + impersonate, withToken, "Authorization", "Bearer "},
		"header": {"auth:\n  type: header\n  name: X-Key" + impersonate, withToken, "X-Key", ""},
		"login":  {strings.TrimRight(loginAuth, "\n") + impersonate, withPassword, "X-Key", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, ended := 0, false
			dam := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				said, _ := io.ReadAll(r.Body)
				token := strings.TrimPrefix(r.Header.Get(c.header), c.before)
				users := strings.HasPrefix(token, "token-of-")
				switch {
				case r.URL.Path == "/login":
					write(w, map[string]any{"key": "key-of-the-catalogue"})
				case r.URL.Path == "/as" && (users || r.Header.Get(c.header) == ""):
					http.Error(w, "who asks?", http.StatusForbidden)
				case r.URL.Path == "/as":
					asked++
					_, user, _ := strings.Cut(string(said), `"for":"`)
					user, _, _ = strings.Cut(user, `"`)
					write(w, map[string]any{"token": fmt.Sprint("token-of-", user, "-", asked)})
				case !users:
					write(w, map[string]any{"id": 1, "seenBy": "the catalogue"})
				case ended && strings.HasSuffix(token, "-1"):
					http.Error(w, "it has ended", http.StatusUnauthorized)
				default:
					write(w, map[string]any{"id": 1, "seenBy": token})
				}
			})
			catalog := open(t, parsed(t, plain+c.auth), dam, c.change)
			var seen []string
			for _, user := range []string{"ann", "", "ann", "bob"} {
				got, err := catalog.Look(t.Context(), catalogue.View{User: user}, ids(1))
				if err != nil || got[0].Err != nil {
					t.Fatalf("as %q: %+v, %v", user, got, err)
				}
				seen = append(seen, string(got[0].Asset.Data))
				ended = len(seen) == 2
			}
			want := []string{"token-of-ann-1", "the catalogue", "token-of-ann-2", "token-of-bob-3"}
			for i := range want {
				want[i] = fmt.Sprintf(`{"id":1,"seenBy":%q}`, want[i])
			}
			if !slices.Equal(seen, want) {
				t.Errorf("seen %v, want %v", seen, want)
			}
		})
	}
}
