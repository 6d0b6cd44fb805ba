package rest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/catalogue/rest"
)

func TestMistakesOfADeclarationAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ declaration, want string }{
		"nothing":                 {"", "the declaration is empty"},
		"an unknown key":          {plain + "pages: 5", "the declaration can't be read: yaml: unmarshal errors:\n  line 4: field pages not found in type rest.API"},
		"no way to read":          {"asset: {id: .id}", "the API declares neither get nor many"},
		"no id":                   {"get: {path: /a}", "asset.id is missing"},
		"a program that is none":  {"get: {path: /a}\nasset: {id: '.['}", "asset.id: not jq: unexpected EOF"},
		"an unknown variable":     {"get: {path: /a, query: '{a: $b}'}\nasset: {id: .id}", "get.query: variable not defined: $b"},
		"a variable elsewhere":    {"get: {path: /a, query: '{a: $ids}'}\nasset: {id: .id}", "get.query: variable not defined: $ids"},
		"a secret in a mapping":   {"get: {path: /a}\nasset: {id: $password}", "asset.id: variable not defined: $password"},
		"an unknown part":         {"get: {path: '/a/{ID}'}\nasset: {id: .id}", "get.path: there is no variable {ID} here"},
		"an open part":            {"get: {path: '/a/{id'}\nasset: {id: .id}", "get.path: a { is never closed"},
		"a path from elsewhere":   {"get: {path: 'a'}\nasset: {id: .id}", `get.path "a" does not begin with /`},
		"a method that writes":    {"get: {path: /a, method: DELETE}\nasset: {id: .id}", `get.method "DELETE" is neither GET nor POST`},
		"a body of GET":           {"get: {path: /a, body: '{}'}\nasset: {id: .id}", "get has a body, and its method is GET"},
		"paging":                  {plain + "list: {path: /a, paging: pages}", `list.paging "pages" is none of page, offset, cursor, keyset and link`},
		"keyset without a key":    {plain + "list: {path: /a, paging: keyset}", "list.key is missing"},
		"cursor without a next":   {plain + "list: {path: /a, paging: cursor}", "list.next is missing"},
		"authentication":          {plain + "auth: {type: oauth}", `auth.type "oauth" is none of none, basic, bearer, header, query, headers and login`},
		"a login without one":     {plain + "auth: {type: login}", "auth.login is missing"},
		"a query without a name":  {plain + "auth: {type: query}", "auth.name is missing: the query's parameter"},
		"a token without a name":  {plain + "auth: {type: bearer}", "authentication by bearer needs a token"},
		"a variable's name":       {plain + "variables: {token: x}", `"token" can't be a variable's name`},
		"a variable without text": {plain + "variables: {domain: ''}", "variable domain has no value"},
		"a check without many":    {plain + "gone: {check: true}", "gone.check needs many, to ask it"},
		"a module":                {"get: {path: /a}\nasset: {id: 'import \"a\" as a; .id'}", "asset.id: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, err := rest.ParseAPI([]byte(c.declaration))
			if err == nil {
				_, err = rest.New(rest.Config{URL: "https://dam.test", API: api, Transport: direct{}, Now: notCalled})
			}
			if err == nil || !slices.ContainsFunc([]string{err.Error()}, func(text string) bool {
				return text == c.want || strings.HasSuffix(c.want, ": ") && strings.HasPrefix(text, c.want)
			}) {
				t.Errorf("error is %v, want %s", err, c.want)
			}
		})
	}
}

func TestURLsThatCantBeUsed(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "dam.test", "ftp://dam.test", "https://", "https://reader:secret@dam.test", "https://dam.test/?key=secret", "https://dam.test/#secret", "https://dam.test:secret/",
	} {
		_, err := rest.New(rest.Config{URL: url, API: parsed(t, plain), Transport: direct{}, Now: notCalled})
		if err == nil {
			t.Errorf("%s is taken", url)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells a secret: %v", url, err)
		}
	}
}

func FuzzParseAPI(f *testing.F) {
	f.Add(plain)
	f.Add(plain + loginAuth)
	f.Add(plain + "list: " + pagings["keyset"])
	f.Fuzz(func(t *testing.T, declaration string) {
		api, err := rest.ParseAPI([]byte(declaration))
		if err != nil {
			return
		}
		c, err := rest.New(rest.Config{
			URL: "https://dam.test", API: api, Username: "u", Password: "p", Token: "t", Transport: direct{}, Now: notCalled,
		})
		if (c == nil) == (err == nil) {
			t.Errorf("catalogue %v, error %v", c, err)
		}
	})
}
