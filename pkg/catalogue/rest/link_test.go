package rest

import (
	"net/http"
	"testing"
)

func TestTheNextPageIsFoundAmongLinks(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`</a?page=2>; rel="next"`: "/a?page=2",
		`</a?page=2>;rel=next`:    "/a?page=2",
		`</first>; rel="first", </a?p=2,3>; title="a; b"; REL="up NEXT"`: "/a?p=2,3",
		`</last>; rel="last"`: "",
		`</a>; rel="nextish"`: "",
		`</a>; rel`:           "",
		`</a`:                 "",
		``:                    "",
	} {
		got, ok := relNext(http.Header{"Link": {header}})
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", header, got, ok, want)
		}
	}
	two := http.Header{"Link": {`</a>; rel=prev`, `</b>; rel=next`}}
	if got, _ := relNext(two); got != "/b" {
		t.Errorf("of two headers: %q", got)
	}
}

func FuzzRelNext(f *testing.F) {
	f.Add(`</first>; rel="first", </a?p=2,3>; title="a; b"; REL="up NEXT"`)
	f.Fuzz(func(t *testing.T, header string) {
		target, ok := relNext(http.Header{"Link": {header}})
		if !ok && target != "" {
			t.Errorf("%q: no next page, and %q", header, target)
		}
	})
}
