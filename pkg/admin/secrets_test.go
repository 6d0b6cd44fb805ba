package admin

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/api"
)

const secret = "hunter2-s3cr3t"

// signingSecret holds secret in a form that signs.
var signingSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret+secret))

func newSecretShop() api.EndpointCreate {
	create := newShop()
	create.URL = api.Set("https://user:" + secret + "@shop.example/hook")
	create.Headers = map[string]api.Patch[string]{"Authorization": api.Set("Bearer " + secret)}
	create.Options = map[string]any{"token": secret}
	create.Signing = api.Set([]api.SigningSecret{{Secret: signingSecret}})
	return create
}

// holdsSecret reports whether a text holds a secret of the shop, in any form.
func holdsSecret(text string) bool {
	return strings.Contains(text, secret) || strings.Contains(text, strings.TrimRight(strings.TrimPrefix(signingSecret, "whsec_"), "="))
}

func TestSecretsAreMaskedUnlessRevealed(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	created, err := server.CreateEndpoint(ctx, newSecretShop())
	if err != nil {
		t.Fatal(err)
	}
	if created.Headers["Authorization"] != "***" || created.URL != "https://***@shop.example/hook" ||
		created.Signing[0].Secret != "***" || string(created.Options["token"]) != `"***"` || string(created.Options["idName"]) != `"base"` {
		t.Errorf("not masked as it should be: %+v", created)
	}
	for _, path := range []string{"/endpoints", "/endpoints/shop", "/endpoints/shop?reveal=false"} {
		if got := server.raw(t, "GET", api.Root+path, "", ""); got.status != 200 || holdsSecret(got.body) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"/endpoints/shop/disable", "/endpoints/shop/enable"} {
		if got := server.raw(t, "POST", api.Root+path, "", ""); got.status != 200 || holdsSecret(got.body) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	revealed, err := server.Endpoint(ctx, "shop", true)
	if err != nil {
		t.Fatal(err)
	}
	if revealed.Headers["Authorization"] != "Bearer "+secret || !strings.Contains(revealed.URL, secret) ||
		!strings.Contains(string(revealed.Options["token"]), secret) || revealed.Signing[0].Secret != signingSecret {
		t.Errorf("not revealed: %+v", revealed)
	}
	list, err := server.Endpoints(ctx, true)
	if err != nil || list[0].Headers["Authorization"] != "Bearer "+secret {
		t.Errorf("not revealed in the list: %+v, %v", list, err)
	}
}

// What "show" prints can be edited and sent back.
func TestShownEndpointSentBackKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	if _, err := server.CreateEndpoint(ctx, newSecretShop()); err != nil {
		t.Fatal(err)
	}
	before, err := server.Endpoint(ctx, "shop", true)
	if err != nil {
		t.Fatal(err)
	}
	shown := server.raw(t, "GET", "/api/v1/endpoints/shop", "", "")
	edited := strings.Replace(shown.body, "shop.example/hook", "shop.example/new", 1)
	if got := server.raw(t, "PATCH", "/api/v1/endpoints/shop", "application/json", edited); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	after, err := server.Endpoint(ctx, "shop", true)
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://user:" + secret + "@shop.example/new"; after.URL != want {
		t.Errorf("url is %q, want %q", after.URL, want)
	}
	if after.Headers["Authorization"] != before.Headers["Authorization"] {
		t.Errorf("the header became %q", after.Headers["Authorization"])
	}
	if len(after.Signing) != 1 || after.Signing[0].Secret != signingSecret {
		t.Errorf("it signs with %v", after.Signing)
	}
	if string(after.Options["token"]) != string(before.Options["token"]) {
		t.Errorf("the token became %s", after.Options["token"])
	}
}

// Of a secret that is JSON the names are shown, and masks in it stand for what is
// stored in their places.
func TestOfASecretDocumentOnlyValuesAreMasked(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	create := newShop()
	create.Style = api.Set("managed")
	create.Options = map[string]any{"configuration": json.RawMessage(`{"apiKey":"` + secret + `","retries":3,"to":["` + secret + `"]}`)}
	created, err := server.CreateEndpoint(ctx, create)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(created.Options["configuration"]), `{"apiKey":"***","retries":"***","to":["***"]}`; got != want {
		t.Errorf("shown as %s, want %s", got, want)
	}
	for patch, want := range map[string]string{
		`{"configuration":"***"}`: `{"apiKey":"` + secret + `","retries":3,"to":["` + secret + `"]}`,
		`{"configuration":{"apiKey":"***","retries":"***","to":["***"]}}`: `{"apiKey":"` + secret + `","retries":3,"to":["` + secret + `"]}`,
	} {
		if got := server.raw(t, "PATCH", "/api/v1/endpoints/shop", "application/json", patch); got.status != 200 || holdsSecret(got.body) {
			t.Errorf("%s: %d %s", patch, got.status, got.body)
		}
		revealed, err := server.Endpoint(ctx, "shop", true)
		if err != nil || string(revealed.Options["configuration"]) != want {
			t.Errorf("%s: it became %s, %v", patch, revealed.Options["configuration"], err)
		}
	}
	for patch, place := range map[string]string{
		`{"configuration":{"apikey":"***"}}`:     "/apikey",
		`{"configuration":{"to":["***","***"]}}`: "/to/0",
	} {
		got := server.raw(t, "PATCH", "/api/v1/endpoints/shop", "application/json", patch)
		if got.status != 422 || !strings.Contains(got.body, place+" has the value ***") || holdsSecret(got.body) {
			t.Errorf("%s: %d %s", patch, got.status, got.body)
		}
	}
}

func TestMaskWithNothingStoredIsRefused(t *testing.T) {
	t.Parallel()
	server, ctx := start(t), t.Context()
	if _, err := server.CreateEndpoint(ctx, newShop()); err != nil {
		t.Fatal(err)
	}
	for _, update := range []api.EndpointUpdate{
		{URL: api.Set("https://***@shop.example/")},
		{Headers: map[string]api.Patch[string]{"X-Token": api.Set("***")}},
		{Options: map[string]any{"token": "***"}},
		{Signing: api.Set([]api.SigningSecret{{Secret: "***"}})},
	} {
		_, err := server.UpdateEndpoint(ctx, "shop", update)
		wantError(t, err, api.CodeInvalid, "***", "stored")
		_, err = server.CreateEndpoint(ctx, api.EndpointCreate{Name: "other", EndpointUpdate: update})
		wantError(t, err, api.CodeInvalid, "***", "stored")
	}
}

// Every way in which a request that holds secrets can be wrong: neither the
// answer nor the log repeats them.
func TestNoErrorRepeatsASecret(t *testing.T) {
	t.Parallel()
	valid := func(more string) string {
		return `{"name":"shop","url":"https://user:` + secret + `@shop.example/","changeTypes":["AssetChanged"],` +
			`"headers":{"Authorization":"` + secret + `"},"token":"` + secret + `"` + more + `}`
	}
	bodies := map[string]string{
		"cut off":                      strings.TrimSuffix(valid(""), "}"),
		"string cut off":               `{"headers":{"Authorization":"` + secret,
		"bad escape":                   `{"headers":{"Authorization":"` + secret + `\x"}}`,
		"trailing":                     valid("") + secret,
		"only a string":                `"` + secret + `"`,
		"array":                        `["` + secret + `"]`,
		"header a number":              `{"name":"shop","headers":{"Authorization":42}}`,
		"headers a string":             `{"name":"shop","headers":"` + secret + `"}`,
		"headers an array":             `{"name":"shop","headers":["Authorization: ` + secret + `"]}`,
		"header twice":                 `{"name":"shop","headers":{"x-key":"` + secret + `","X-Key":"` + secret + `"}}`,
		"header with a newline":        valid(`,"headers":{"Authorization":"` + secret + `\n"}`),
		"header with a control":        valid(`,"headers":{"Authorization":"` + secret + `\u0001"}`),
		"header of dz":                 valid(`,"headers":{"Webhook-Id":"` + secret + `"}`),
		"url a list":                   `{"name":"shop","url":["https://user:` + secret + `@shop.example/"]}`,
		"url without scheme":           valid(`,"url":"user:` + secret + `@shop.example"`),
		"url of another scheme":        valid(`,"url":"ftp://user:` + secret + `@shop.example"`),
		"url without host":             valid(`,"url":"https://user:` + secret + `@/x"`),
		"url with a fragment":          valid(`,"url":"https://user:` + secret + `@shop.example/#x"`),
		"url that can't be read":       valid(`,"url":"https://user:` + secret + `@shop.example:port/"`),
		"url with a control character": valid(`,"url":"https://user:` + secret + `@shop.example/\u0001"`),
		"unknown member beside":        valid(`,"urll":"` + secret + `"`),
		"unknown style beside":         valid(`,"style":"nosuch"`),
		"wrong type beside":            valid(`,"concurrency":"` + secret + `"`),
		"no change type":               valid(`,"changeTypes":[]`),
		"signing a string":             `{"name":"shop","signing":"` + signingSecret + `"}`,
		"signing a list of strings":    `{"name":"shop","signing":["` + signingSecret + `"]}`,
		"signing secret without type":  valid(`,"signing":[{"secret":"` + secret + `"}]`),
		"signing secret too short":     valid(`,"signing":[{"secret":"` + signingSecret[:20] + `"}]`),
		"signing secret not base64":    valid(`,"signing":[{"secret":"whsec_` + secret + `"}]`),
		"signing secret twice":         valid(`,"signing":[{"secret":"` + signingSecret + `"},{"secret":"` + signingSecret + `"}]`),
		"signing secret that expires":  valid(`,"signing":[{"secret":"` + signingSecret + `","expires":"2026-11-21T10:00:00Z"}]`),
		"signing expires at a secret":  valid(`,"signing":[{"secret":"` + signingSecret + `","expires":"` + secret + `"}]`),
	}
	server := start(t)
	create := newShop()
	create.Name = "stored"
	if _, err := server.CreateEndpoint(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	for name, body := range bodies {
		for _, request := range []struct{ method, path string }{
			{"POST", "/api/v1/endpoints"}, {"PATCH", "/api/v1/endpoints/stored"},
		} {
			sent := body
			if request.method == "PATCH" {
				sent = strings.Replace(body, `"name":"shop",`, "", 1)
			}
			got := server.raw(t, request.method, request.path, "application/json", sent)
			if got.status < 400 || got.status > 499 {
				t.Errorf("%s: %s: %d %s", name, request.method, got.status, got.body)
			}
			if holdsSecret(got.body) {
				t.Errorf("%s: %s: the answer repeats the secret: %s", name, request.method, got.body)
			}
		}
	}
	if log := server.log.String(); holdsSecret(log) {
		t.Errorf("the log repeats the secret: %s", log)
	}
}

func FuzzNoPatchRepeatsASecretOrPanics(f *testing.F) {
	f.Add(`{"headers":{"A":"B"}}`)
	f.Add(`{"url":"https://***@x/","style":null,"retry":"5s","rate":1e99,"formats":[1,"1"]}`)
	f.Add(`{"enabled":null,"debounce":"00:00:05","options":{}}`)
	f.Fuzz(func(t *testing.T, body string) {
		members, err := decodeMembers([]byte(body))
		if err != nil {
			return
		}
		members["headers"] = json.RawMessage(`{"Authorization":"` + secret + `"}`)
		if _, err := patch(members).create(newFake().Style); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	})
}
