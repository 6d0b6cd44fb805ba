package rest_test

import (
	"net/http"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestWhatSaysThatAnAssetIsGone(t *testing.T) {
	t.Parallel()
	const (
		forbidden = `gone: {statuses: [403, 404], when: '.code == "NO_SUCH"'}`
		empty     = `gone: {empty: true}`
		deleted   = `asset: {id: .id, deleted: .bin}`
	)
	for name, c := range map[string]struct {
		declared string
		answer   http.HandlerFunc
		gone     bool
		kind     error // of the call or of the asset
	}{
		"not found":                      {"", say(404, `{"error":"no"}`), true, nil},
		"not found without a word":       {"", say(404, ``), true, nil},
		"gone":                           {"", say(410, `{}`), true, nil},
		"there":                          {"", say(200, `{"id":1}`), false, nil},
		"forbidden":                      {"", say(403, `{}`), false, catalogue.ErrRefused},
		"forbidden, declared":            {forbidden, say(403, `{"code":"NO_SUCH"}`), true, nil},
		"forbidden for another reason":   {forbidden, say(403, `{"code":"EXPIRED"}`), false, catalogue.ErrRefused},
		"forbidden without a reason":     {forbidden, say(403, ``), false, catalogue.ErrRefused},
		"gone, but not declared":         {forbidden, say(410, `{"code":"NO_SUCH"}`), false, catalogue.ErrRefused},
		"null":                           {"", say(200, `null`), false, catalogue.ErrUnreadable},
		"null, declared":                 {empty, say(200, `null`), true, nil},
		"nothing":                        {empty, say(200, ``), false, catalogue.ErrUnreadable},
		"in the bin":                     {deleted, say(200, `{"id":1,"bin":true}`), true, nil},
		"not in the bin":                 {deleted, say(200, `{"id":1,"bin":false}`), false, nil},
		"a web page of another server":   {"", say(404, `<h1>Not Found</h1>`, "Content-Type: text/html; charset=utf-8"), false, catalogue.ErrRefused},
		"a web page of a maintenance":    {"", say(200, `<h1>Back soon</h1>`, "Content-Type: text/html"), false, catalogue.ErrRefused},
		"a redirect to a login":          {"", say(302, ``, "Location: /login"), false, catalogue.ErrRefused},
		"unauthorised":                   {"", say(401, `{}`), false, catalogue.ErrRefused},
		"another asset":                  {"", say(200, `{"id":2}`), false, catalogue.ErrUnreadable},
		"half an answer":                 {"", say(200, `{"id":1`), false, catalogue.ErrUnreadable},
		"two answers":                    {"", say(200, `{"id":1} {"id":1}`), false, catalogue.ErrUnreadable},
		"a text":                         {"", say(200, `"x"`), false, catalogue.ErrUnreadable},
		"an asset without an id":         {"", say(200, `{"name":"x"}`), false, catalogue.ErrUnreadable},
		"an id that is none":             {"", say(200, `{"id":1.5}`), false, catalogue.ErrUnreadable},
		"the id as a text, as some have": {"", say(200, `{"id":"1"}`), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			declaration := "get: {path: '/assets/{id}'}\n" + c.declared
			if c.declared != deleted {
				declaration += "\nasset: {id: .id}"
			}
			got, err := one(t, open(t, parsed(t, declaration), c.answer), event.IntID(1))
			if err == nil {
				err = got.Err
			}
			if c.kind != nil {
				wantKind(t, err, c.kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if got.Asset.Deleted != c.gone {
				t.Errorf("gone: %v, want %v", got.Asset.Deleted, c.gone)
			}
		})
	}
}

const several = `
many: {path: /assets, query: '{id: $ids}'}
asset: {id: .id}
`

func TestWhatIsMissingAmongSeveralIsAskedForAlone(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/assets", say(http.StatusOK, `[{"id":1}]`)) // it has lost asset 2
	mux.HandleFunc("/assets/2", say(http.StatusOK, `{"id":2}`))
	mux.HandleFunc("/assets/3", say(http.StatusNotFound, `{}`))
	c := open(t, parsed(t, several+`get: {path: "/assets/{id}"}`), mux)
	got, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Asset.Deleted || got[1].Asset.Deleted || !got[2].Asset.Deleted {
		t.Errorf("got %+v", got)
	}
}

func TestGoneMustBeAgreedOnWhereThatIsDeclared(t *testing.T) {
	t.Parallel()
	const checked = several + `
get: {path: "/assets/{id}"}
gone: {statuses: [403], check: true}
`
	for name, c := range map[string]struct {
		many http.HandlerFunc
		gone bool
		kind error
	}{
		"both say so":                   {say(http.StatusOK, `[]`), true, nil},
		"it is there all the same":      {say(http.StatusOK, `[{"id":1}]`), false, nil},
		"it is there and unreadable":    {say(http.StatusOK, `[{"id":[]}]`), false, catalogue.ErrUnreadable},
		"no JSON":                       {say(http.StatusOK, `[`), false, catalogue.ErrUnreadable},
		"several are forbidden too":     {say(http.StatusForbidden, `{}`), false, catalogue.ErrRefused},
		"the DAM can't take such ids":   {say(http.StatusBadRequest, `{}`), true, nil},
		"the DAM is asked to be left":   {say(http.StatusServiceUnavailable, ``, "Retry-After: 60"), false, catalogue.ErrNotNow},
		"a web page of a reverse proxy": {say(http.StatusOK, `<p>`, "Content-Type: text/html"), false, catalogue.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/assets", c.many)
			mux.HandleFunc("/assets/1", say(http.StatusForbidden, `{}`))
			got, err := one(t, open(t, parsed(t, checked), mux), event.IntID(1))
			if err == nil {
				err = got.Err
			}
			if c.kind != nil {
				wantKind(t, err, c.kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if got.Asset.Deleted != c.gone {
				t.Errorf("gone: %v, want %v", got.Asset.Deleted, c.gone)
			}
		})
	}
}

// Who asks for several has had the agreement, and asks no second time.
func TestGoneIsAgreedOnOnce(t *testing.T) {
	t.Parallel()
	many := inTurn(say(http.StatusOK, `[{"id":1}]`))
	mux := http.NewServeMux()
	mux.Handle("/assets", many)
	mux.HandleFunc("/assets/{id}", say(http.StatusNotFound, `{}`))
	c := open(t, parsed(t, several+"get: {path: '/assets/{id}'}\ngone: {check: true}"), mux)
	got, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2, 3))
	if err != nil || got[0].Asset.Deleted || !got[1].Asset.Deleted || !got[2].Asset.Deleted || many.count() != 1 {
		t.Errorf("got %+v, %v after asking for several %d times", got, err, many.count())
	}
}

func TestAnAPIThatOnlyKnowsSeveral(t *testing.T) {
	t.Parallel()
	c := open(t, parsed(t, several), say(http.StatusOK, `[{"id":1}]`))
	got, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2))
	if err != nil || got[0].Asset.Deleted || !got[1].Asset.Deleted {
		t.Errorf("got %+v, %v", got, err)
	}
	// One of those that are missing may be the one without an id.
	c = open(t, parsed(t, several), say(http.StatusOK, `[{"id":1},{"name":"?"}]`))
	got, err = c.Look(t.Context(), catalogue.View{}, ids(1, 2))
	if err != nil || got[0].Err != nil || got[1].Asset.Deleted {
		t.Fatalf("got %+v, %v", got, err)
	}
	wantKind(t, got[1].Err, catalogue.ErrUnreadable)
}

func TestAnAnswerToSeveralThatCantBeReadIsAskedForOneByOne(t *testing.T) {
	t.Parallel()
	for name, bulk := range map[string]http.HandlerFunc{
		"no JSON":  say(http.StatusOK, `[{"id":1},`),
		"no array": say(http.StatusOK, `{"id":1}`),
		"a request it can't read, for one of the ids": say(http.StatusBadRequest, `{"error":"2 is no id"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("/assets", bulk)
			mux.HandleFunc("/assets/1", fine)
			mux.HandleFunc("/assets/2", say(http.StatusOK, `{`))
			c := open(t, parsed(t, several+`get: {path: "/assets/{id}"}`), mux)
			got, err := c.Look(t.Context(), catalogue.View{}, ids(1, 2))
			if err != nil || got[0].Err != nil || got[0].Asset.Data == nil {
				t.Fatalf("got %+v, %v", got, err)
			}
			wantKind(t, got[1].Err, catalogue.ErrUnreadable)
		})
	}
}

func TestAnIDIsEscapedInAPath(t *testing.T) {
	t.Parallel()
	var seen string
	dam := func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.EscapedPath()
		write(w, map[string]any{"id": "a/../b?c"})
	}
	c := open(t, parsed(t, plain), http.HandlerFunc(dam))
	got, err := one(t, c, event.StringID("a/../b?c"))
	if err != nil || got.Err != nil || seen != "/assets/a%2F..%2Fb%3Fc" {
		t.Errorf("asked for %s: %+v, %v", seen, got, err)
	}
	got, err = one(t, c, event.StringID(".."))
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, got.Err, catalogue.ErrUnreadable)
	c = open(t, parsed(t, "get: {path: '/{language}/{id}'}\nasset: {id: .id}"), fine)
	for _, language := range []string{"..", ".", ""} {
		_, err := c.Look(t.Context(), catalogue.View{Language: language}, ids(1))
		wantKind(t, err, catalogue.ErrRefused)
	}
}
