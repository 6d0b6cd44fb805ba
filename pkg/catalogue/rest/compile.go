package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// defaultSize is how many assets a request asks for where nothing is declared.
const defaultSize = 100

// reserved are the variables that programs have beside the declared ones.
var reserved = []string{
	"language", "user", "fields", "id", "ids", "size", "page", "offset", "cursor", "after",
	"username", "password", "token", "operation",
}

// compiler makes programs of a declaration and collects what is wrong with it.
type compiler struct {
	variables    map[string]any // by name
	usesLanguage bool           // whether a program so far uses $language
	errs         []error
}

func (k *compiler) fail(format string, args ...any) {
	k.errs = append(k.errs, fmt.Errorf(format, args...))
}

// program compiles a program that must be there.
func (k *compiler) program(name, text string, variables ...string) *program {
	if strings.TrimSpace(text) == "" {
		k.fail("%s is missing", name)
		return nil
	}
	return k.optional(name, text, variables...)
}

// optional compiles a program; it is nil if the text is "".
func (k *compiler) optional(name, text string, variables ...string) *program {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	all := append([]string{"language", "user", "fields"}, variables...)
	for variable := range k.variables {
		all = append(all, variable)
	}
	p, err := compileProgram(name, text, all)
	if err != nil {
		k.errs = append(k.errs, err)
		return nil
	}
	k.usesLanguage = k.usesLanguage || strings.Contains(text, "$language")
	return p
}

// request is a Request with its programs compiled.
type request struct {
	name, method    string
	path            string
	operation       string
	size            int
	query, body     *program // nil for none
	take            *program // nil: the whole answer
	unauthenticated bool
}

func (k *compiler) request(name string, r *Request, variables ...string) *request {
	if r == nil {
		return nil
	}
	made := &request{name: name, method: r.Method, path: r.Path, operation: r.Operation, size: r.Size}
	if made.method == "" {
		made.method = http.MethodGet
	}
	if made.method != http.MethodGet && made.method != http.MethodPost {
		k.fail("%s.method %q is neither GET nor POST", name, r.Method)
	}
	if made.size == 0 {
		made.size = defaultSize
	}
	if made.size < 0 {
		k.fail("%s.size %d is negative", name, r.Size)
	}
	if !strings.HasPrefix(r.Path, "/") {
		k.fail("%s.path %q does not begin with /", name, r.Path)
	}
	known := slices.Concat([]string{"language", "user"}, variables)
	for variable := range k.variables {
		known = append(known, variable)
	}
	if _, err := expand(r.Path, func(variable string) (string, bool) {
		return "", slices.Contains(known, variable)
	}); err != nil {
		k.fail("%s.path: %w", name, err)
	}
	k.usesLanguage = k.usesLanguage || strings.Contains(r.Path, "{language}")
	made.query = k.optional(name+".query", r.Query, variables...)
	made.body = k.optional(name+".body", r.Body, variables...)
	if made.body != nil && made.method == http.MethodGet {
		k.fail("%s has a body, and its method is GET", name)
	}
	made.take = k.optional(name+".take", r.Take)
	return made
}

func (k *compiler) list(l *List) *list {
	if l == nil {
		return nil
	}
	made := &list{
		request: k.request("list", &l.Request, "size", "page", "offset", "cursor", "after"),
		paging:  l.Paging, first: l.First, end: l.End,
	}
	switch l.Paging {
	case Page, Offset, Link:
	case Cursor:
		made.next = k.program("list.next", l.Next)
	case Keyset:
		made.key = k.program("list.key", l.Key)
	default:
		k.fail("list.paging %q is none of %s, %s, %s, %s and %s", l.Paging, Page, Offset, Cursor, Keyset, Link)
	}
	return made
}

func (k *compiler) auth(a Auth) auth {
	if a.Type == "" {
		a.Type = None
	}
	made := auth{Auth: a}
	switch a.Type {
	case None, Basic, Bearer, Header:
	case Query:
		made.In = Query
	case Headers:
		made.headers = k.program("auth.headers", a.Headers, "username", "password", "token", "operation")
	case Login:
		if a.Login == nil {
			k.fail("auth.login is missing")
		}
		made.login = k.grant("auth.login", a.Login, "username", "password")
		if made.login != nil {
			made.login.unauthenticated = true
		}
	default:
		k.fail("auth.type %q is none of %s, %s, %s, %s, %s, %s and %s", a.Type, None, Basic, Bearer, Header, Query, Headers, Login)
	}
	made.impersonate = k.grant("auth.impersonate", a.Impersonate)
	switch {
	case made.In != "" && made.In != Header && made.In != Query:
		k.fail("auth.in %q is neither %s nor %s", a.In, Header, Query)
	case made.In == Query && made.Name == "":
		k.fail("auth.name is missing: the query's parameter")
	case made.Name == "":
		made.Name = "Authorization"
	}
	if a.Type == Bearer && made.Scheme == "" {
		made.Scheme = "Bearer"
	}
	return made
}

func (k *compiler) grant(name string, g *Grant, variables ...string) *grant {
	if g == nil {
		return nil
	}
	before := k.usesLanguage
	k.usesLanguage = false
	made := &grant{
		request: k.request(name, &g.Request, variables...),
		token:   k.program(name+".token", g.Token),
		expires: k.optional(name+".expires", g.Expires),
	}
	made.perLanguage, k.usesLanguage = k.usesLanguage, before
	return made
}

// isName reports whether text can be a variable of jq and of a path.
func isName(text string) bool {
	for i, r := range text {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return text != ""
}

// expand replaces each {name} of a path.
func expand(path string, value func(name string) (string, bool)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(path, "{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", fmt.Errorf("a { is never closed")
		}
		text, ok := value(name)
		if !ok {
			return "", fmt.Errorf("there is no variable {%s} here", name)
		}
		out.WriteString(text)
		path = after
	}
}
