package rest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// API declares what the API of a DAM is like. Texts that are said to be jq are
// programs; of their outputs the first counts, and none is null. All of them
// have the variables $language and $user ("" for none), $fields (an array), and
// API.Variables by their names. Beyond jq's own functions there are:
//
//   - locale(LANGUAGE) and locale(LANGUAGE; FALLBACK): of a map by locale the
//     value in that language, or null; anything else as it is.
//   - md5 and sha256: of a text, in lower-case hexadecimal.
type API struct {
	// Variables are what differs between installations, with the value where
	// nothing else is configured.
	Variables map[string]string `yaml:"variables"`
	Auth      Auth              `yaml:"auth"`

	Get  *Request `yaml:"get"`  // one asset: $id and {id}
	Many *Request `yaml:"many"` // several: $ids
	List *List    `yaml:"list"` // all, in pages

	Gone Gone `yaml:"gone"`
	// Failure, jq over any answer of a 2xx status, yields a text if it reports an
	// error after all; then the same is worth another try later.
	Failure string `yaml:"failure"`

	Asset Mapping `yaml:"asset"`
}

// Request declares a request and its answer.
type Request struct {
	Method    string `yaml:"method"`    // GET if ""
	Path      string `yaml:"path"`      // below the URL; {name} is a variable, escaped
	Operation string `yaml:"operation"` // $operation in Auth.Headers
	Query     string `yaml:"query"`     // jq: an object; null is left out, of an array each is sent
	Body      string `yaml:"body"`      // jq: what is sent as JSON
	// Take is jq over the answer: the asset, or an array of assets. It is "." if
	// "".
	Take string `yaml:"take"`
	// Size is how many ids one request may ask for ($size); 100 if 0.
	Size int `yaml:"size"`
}

// The ways to page.
const (
	Page   = "page"   // $page counts from List.First
	Offset = "offset" // $offset counts assets from 0
	Cursor = "cursor" // $cursor is what List.Next found, at first null
	Keyset = "keyset" // $after is List.Key of the last asset, at first null
	Link   = "link"   // the next page is the Link header's rel="next" (RFC 8288)
)

// List declares how all assets are listed. Paging by page, offset and key ends
// with a page that is empty; by cursor and link with one that names no next.
type List struct {
	Request `yaml:",inline"` // Size is how many assets a page is to have
	Paging  string           `yaml:"paging"`
	First   int              `yaml:"first"` // page's number
	Next    string           `yaml:"next"`  // jq over the answer: the next cursor, or null
	Key     string           `yaml:"key"`   // jq over an asset as it is in the answer
	// End are statuses that say, of any page but the first, that the list has
	// ended before it.
	End []int `yaml:"end"`
}

// The ways to authenticate.
const (
	None    = "none"
	Basic   = "basic"   // RFC 7617
	Bearer  = "bearer"  // RFC 6750, with a token that does not change
	Header  = "header"  // the token in a header
	Query   = "query"   // the token as a parameter of the query
	Headers = "headers" // whatever a program makes of the credentials
	Login   = "login"   // a token for a name and a password
)

// Auth declares how requests are authenticated.
type Auth struct {
	Type string `yaml:"type"` // none if ""
	// Name is the header's, Authorization if "", or the query parameter's. With
	// Login the token goes into the query if In is "query".
	Name   string `yaml:"name"`
	In     string `yaml:"in"`
	Scheme string `yaml:"scheme"` // before a token in a header
	// Headers is jq: an object of header fields, of $username, $password, $token
	// and $operation.
	Headers string `yaml:"headers"`

	Login *Grant `yaml:"login"` // its body has $username and $password
	// Impersonate gets a token for $user; it is authenticated as every other
	// request is.
	Impersonate *Grant `yaml:"impersonate"`
}

// Grant declares a request for a token.
type Grant struct {
	Request `yaml:",inline"`
	Token   string `yaml:"token"` // jq over what Take has found: a text
	// Expires is jq likewise: a time, or a number of seconds, from now or, if it
	// is large, since 1970. Without one a token lasts until it is refused.
	Expires string `yaml:"expires"`
}

// Gone declares what says that there is no such asset.
type Gone struct {
	// Statuses of an answer to Get; 404 and 410 if empty.
	Statuses []int `yaml:"statuses"`
	// When, if not "", is jq over such an answer (null if it is no JSON), which
	// must yield true.
	When string `yaml:"when"`
	// Empty: so does an answer of a 2xx status in which Get's Take finds null.
	Empty bool `yaml:"empty"`
	// Check: Many must have no such asset either. It is for DAMs that say the same
	// of an asset that is gone and to somebody who may read none at all; the latter
	// is refused when asking for many.
	Check bool `yaml:"check"`
}

// Mapping declares how an asset is found in what Take yields; all of it is jq.
type Mapping struct {
	ID      string `yaml:"id"`      // an integer or a text; required
	Item    string `yaml:"item"`    // likewise, or null
	Data    string `yaml:"data"`    // an object; "." if ""
	Changed string `yaml:"changed"` // a time as RFC 3339 has it, UTC if it names no zone, or Unix seconds; null is unknown
	Deleted string `yaml:"deleted"` // true if it is deleted though it is shown
}

// maxDeclaration bounds a declaration, in bytes.
const maxDeclaration = 1 << 20

// ParseAPI reads a declaration in YAML or JSON. An unknown key is an error.
func ParseAPI(text []byte) (API, error) {
	var a API
	if len(text) > maxDeclaration {
		return a, fmt.Errorf("the declaration is longer than %d bytes", maxDeclaration)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&a); err != nil {
		if errors.Is(err, io.EOF) {
			return a, errors.New("the declaration is empty")
		}
		return a, fmt.Errorf("the declaration can't be read: %w", err)
	}
	return a, nil
}

// api is an API with its programs compiled.
type api struct {
	auth        auth
	get, many   *request
	list        *list
	gone        []int
	goneEmpty   bool
	goneCheck   bool
	goneWhen    *program // nil: the status alone
	failure     *program // nil for none
	asset       mapping
	variables   map[string]any
	hasLanguage bool // whether a view's language makes any difference
}

type list struct {
	*request
	paging    string
	first     int
	next, key *program
	end       []int
}

type auth struct {
	Auth
	headers            *program
	login, impersonate *grant
}

type grant struct {
	*request
	token, expires *program
	perLanguage    bool
}

type mapping struct{ id, item, data, changed, deleted *program }

// compile checks the declaration and compiles its programs. values are given to
// its variables. The error joins all that is wrong.
func (a *API) compile(values map[string]string) (*api, error) {
	variables := make(map[string]any)
	for name, value := range a.Variables {
		variables[name] = value
	}
	k := compiler{variables: variables}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, declared := a.Variables[name]; !declared {
			k.fail("the API has no variable %q (variables: %s)", name, strings.Join(slices.Sorted(maps.Keys(a.Variables)), ", "))
		}
		variables[name] = values[name]
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if !isName(name) || slices.Contains(reserved, name) {
			k.fail("%q can't be a variable's name", name)
		}
		if variables[name] == "" {
			k.fail("variable %s has no value", name)
		}
	}
	if len(k.errs) > 0 {
		return nil, errors.Join(k.errs...)
	}
	compiled := &api{variables: variables, gone: a.Gone.Statuses, goneEmpty: a.Gone.Empty, goneCheck: a.Gone.Check}
	if a.Get == nil && a.Many == nil {
		k.fail("the API declares neither get nor many")
	}
	if a.Gone.Check && a.Many == nil {
		k.fail("gone.check needs many, to ask it")
	}
	compiled.get = k.request("get", a.Get, "id")
	compiled.many = k.request("many", a.Many, "ids", "size")
	compiled.list = k.list(a.List)
	if len(compiled.gone) == 0 {
		compiled.gone = []int{http.StatusNotFound, http.StatusGone}
	}
	compiled.goneWhen = k.optional("gone.when", a.Gone.When)
	compiled.failure = k.optional("failure", a.Failure)
	compiled.asset = mapping{
		id:      k.program("asset.id", a.Asset.ID),
		item:    k.optional("asset.item", a.Asset.Item),
		data:    k.optional("asset.data", a.Asset.Data),
		changed: k.optional("asset.changed", a.Asset.Changed),
		deleted: k.optional("asset.deleted", a.Asset.Deleted),
	}
	reads := k.usesLanguage
	compiled.auth = k.auth(a.Auth)
	compiled.hasLanguage = reads || compiled.auth.login.hasLanguage() || compiled.auth.impersonate.hasLanguage()
	return compiled, errors.Join(k.errs...)
}

func (g *grant) hasLanguage() bool { return g != nil && g.perLanguage }
