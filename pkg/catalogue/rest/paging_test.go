package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// shelf pages through 25 assets, ten at a time, in every way there is.
func shelf(w http.ResponseWriter, r *http.Request) {
	const total, size = 25, 10
	query := r.URL.Query()
	number := func(name string) int {
		n, _ := strconv.Atoi(query.Get(name))
		return n
	}
	start := 0
	switch {
	case query.Has("page"):
		start = (number("page") - 1) * size
	case query.Has("offset"):
		start = number("offset")
	case query.Has("after"):
		start = number("after")
	case query.Has("cursor"):
		start, _ = strconv.Atoi(strings.TrimPrefix(query.Get("cursor"), "mark-"))
	case query.Has("from"):
		start = number("from")
	}
	items := []any{}
	for i := start; i < min(start+size, total); i++ {
		items = append(items, map[string]any{"id": i + 1})
	}
	var next any
	if start+size < total {
		next = fmt.Sprint("mark-", start+size)
		w.Header().Add("Link", `</first>; rel="first"; title="a, b", <?from=`+strconv.Itoa(start+size)+`>; title=x; REL="last next"`)
	}
	write(w, map[string]any{"items": items, "next": next})
}

// pagings are declarations of the shelf's list by what they do.
var pagings = map[string]string{
	"page":   "{path: /shelf, take: .items, paging: page, first: 1, query: '{page: $page}'}",
	"offset": "{path: /shelf, take: .items, paging: offset, query: '{offset: $offset, size: $size}'}",
	"keyset": "{path: /shelf, take: .items, paging: keyset, key: .id, query: '{after: $after}'}",
	"cursor": "{path: /shelf, take: .items, paging: cursor, next: .next, query: '{cursor: $cursor}'}",
	"link":   "{path: /shelf, take: .items, paging: link}",
}

func TestEveryWayToPage(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 25 {
		all = append(all, strconv.Itoa(i+1))
	}
	for name, list := range pagings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, parsed(t, plain+"list: "+list), http.HandlerFunc(shelf))
			if found := listed(t, c, catalogue.View{}, ""); !slices.Equal(found, all) {
				t.Errorf("a list of %v", found)
			}
			// Broken off at each asset, a list begun anew from the cursor has the rest,
			// and at most the page's assets before it once more.
			for stop := 1; stop <= len(all); stop++ {
				cursor, seen := "", 0
				for _, err := range c.List(t.Context(), catalogue.View{}, &cursor) {
					if err != nil {
						t.Fatal(err)
					}
					if seen++; seen == stop {
						break
					}
				}
				rest := listed(t, c, catalogue.View{}, cursor)
				if repeated := stop + len(rest) - len(all); repeated < 0 || repeated > 10 || !slices.Equal(rest, all[len(all)-len(rest):]) {
					t.Errorf("broken off after %d, from %q: %v", stop, cursor, rest)
				}
			}
			wantKind(t, listError(t, c, "no cursor of ours"), catalogue.ErrRefused)
		})
	}
}

// lister is a catalogue's list.
type lister interface{ catalogue.Viewer }

// listError returns the error that ends a list.
func listError(t *testing.T, c lister, cursor string) error {
	t.Helper()
	for _, err := range c.List(t.Context(), catalogue.View{}, &cursor) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestAListThatDoesNotAdvanceEnds(t *testing.T) {
	t.Parallel()
	same := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `</shelf?again>; rel=next`)
		write(w, map[string]any{"items": []any{map[string]any{"id": 1}}, "next": "again"})
	}
	for name, list := range pagings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, parsed(t, plain+"list: "+list), http.HandlerFunc(same))
			wantKind(t, listError(t, c, ""), catalogue.ErrUnreadable)
		})
	}
}

func TestALinkLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	c := open(t, parsed(t, plain+"list: "+pagings["link"]), say(http.StatusOK, `{"items":[{"id":1}]}`, "Link: <http://169.254.169.254/latest?secret=x>; rel=next"))
	e := wantKind(t, listError(t, c, ""), catalogue.ErrRefused)
	if e.Text != "list: the next page lies elsewhere, on http://169.254.169.254" {
		t.Errorf("error is %v", e)
	}
	for _, cursor := range []string{"//elsewhere.test/shelf", "http://elsewhere.test/shelf", "shelf"} {
		wantKind(t, listError(t, c, cursor), catalogue.ErrRefused)
	}
}

// An API that sends the token back in its links must not have it kept in a
// cursor.
func TestACursorHoldsNoToken(t *testing.T) {
	t.Parallel()
	const auth = "\nauth: {type: query, name: key}\n"
	c := open(t, parsed(t, plain+auth+"list: "+pagings["link"]), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("key") != "secret-token" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if !r.URL.Query().Has("page") {
			w.Header().Set("Link", `</shelf?key=secret-token&page=2>; rel=next`)
		}
		id := json.Number("1" + r.URL.Query().Get("page"))
		write(w, map[string]any{"items": []any{map[string]any{"id": id}}})
	}), withToken)
	var cursor string
	var seen []string
	for a, err := range c.List(t.Context(), catalogue.View{}, &cursor) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, a.ID.String())
	}
	if cursor != "/shelf?page=2" || !slices.Equal(seen, []string{"1", "12"}) {
		t.Errorf("cursor %q after %v", cursor, seen)
	}
}

func TestAListOfAnAPIThatHasNone(t *testing.T) {
	t.Parallel()
	c := open(t, parsed(t, plain), http.NotFoundHandler())
	wantKind(t, listError(t, c, ""), catalogue.ErrRefused)
}
