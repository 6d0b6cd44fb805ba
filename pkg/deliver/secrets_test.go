package deliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// leakedSecret is a signing secret that a receiver, who may know it, sends back.
const leakedSecret = "whsec_c2lnbmluZy1zZWNyZXQtc2lnbmluZy1zZWNyZXQ="

// secretEndpoint has a secret in every place that can hold one.
func secretEndpoint(target string) (*endpoint.Endpoint, []string) {
	ep := endpointAt(strings.Replace(target, "http://", "http://dam-user:hunter2hunter2@", 1) + "/hook?token=query-secret&x=%20space+secret")
	ep.Headers = map[string]string{"X-Api-Key": "header-secret", "X-Token": "Bearer bearer-secret"}
	ep.Signing = []endpoint.SigningSecret{{Secret: leakedSecret}}
	return ep, []string{
		"dam-user", "hunter2hunter2", "ZGFtLXVzZXI6aHVudGVyMmh1bnRlcjI", "query-secret", "space secret", "space+secret",
		"header-secret", "bearer-secret", "c2lnbmluZy1zZWNyZXQ",
	}
}

func TestNoOutcomeHoldsASecret(t *testing.T) {
	t.Parallel()
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			dump, err := httputil.DumpRequest(r, true)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Location", r.URL.String())
			w.WriteHeader(status)
			w.Write(dump)
			fmt.Fprintln(w, r.URL.Query(), leakedSecret, strings.TrimPrefix(leakedSecret, "whsec_"))
		}
	}
	rawEcho := listen(t, func(conn net.Conn, _ int) bool {
		io.WriteString(conn, "POST /hook?token=query-secret HTTP/1.1\r\nX-Api-Key: header-secret\r\n\r\n")
		return false
	})
	badHeader := listen(t, says("HTTP/1.1 200 OK\r\nheader-secret bearer-secret\r\n\r\n"))
	broken := listen(t, says("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nheader-secret"))
	refused := listen(t, says(""))
	lost := Config{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, errors.New("can't reach header-secret hunter2hunter2 at " + address)
	}}
	proxied := Config{Proxy: func(*http.Request) (*url.URL, error) {
		return url.Parse("http://proxy-user:proxy-secret@127.0.0.1:1")
	}}
	for name, c := range map[string]struct {
		config Config
		target string
		reason attempt.Reason
	}{
		"an error page that lists the request": {Config{}, serve(t, echo(500)), attempt.ServerError},
		"a refusal that lists the request":     {Config{}, serve(t, echo(422)), attempt.ClientError},
		"a redirect to itself":                 {Config{}, serve(t, echo(308)), attempt.Redirect},
		"a raw echo":                           {Config{}, rawEcho.url, attempt.BadAnswer},
		"a bad header":                         {Config{}, badHeader.url, attempt.BadAnswer},
		"an echo that breaks off":              {Config{}, broken.url, attempt.ConnectionClosed},
		"no answer":                            {Config{}, refused.url, attempt.ConnectionClosed},
		"an unknown host":                      {lost, "http://shop.example", attempt.Unreachable},
		"a proxy that is down":                 {proxied, "http://shop.example", attempt.Refusal},
		"a refused address":                    {Config{}, "http://169.254.169.254", attempt.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ep, secrets := secretEndpoint(c.target)
			_, got := newTestSender(t, c.config).Send(t.Context(), ep, testRequest(), testLimits())
			if got.Reason != c.reason {
				t.Errorf("%s, %q; want %s", got.Reason, got.Error, c.reason)
			}
			for _, secret := range append(secrets, "proxy-user", "proxy-secret") {
				if strings.Contains(got.Error, secret) {
					t.Errorf("the error holds %q: %s", secret, got.Error)
				}
				if bytes.Contains(got.Response, []byte(secret)) {
					t.Errorf("the response holds %q: %s", secret, got.Response)
				}
			}
		})
	}
}

func TestASecretAtTheCutIsMaskedWhole(t *testing.T) {
	t.Parallel()
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("x", attempt.MaxResponse-5)+"header-secret", http.StatusInternalServerError)
	})
	ep, _ := secretEndpoint(target)
	_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
	if bytes.Contains(got.Response, []byte("heade")) || len(got.Response) > attempt.MaxResponse {
		t.Errorf("%d bytes that end in %q", len(got.Response), got.Response[len(got.Response)-20:])
	}
}

func TestWhatIsTooShortToBeASecretStays(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://shop.example/?v=2")
	ep.Headers = map[string]string{"X-Version": "2", "X-Mode": "true"}
	if got := secretsOf(ep, nil).mask(`{"ok":true,"v":2}`); got != `{"ok":true,"v":2}` {
		t.Errorf("got %s", got)
	}
}

// It is known of some what stands for them: so JSON stays JSON, and short ones are
// masked too.
func TestWhatStandsForASecretIsShown(t *testing.T) {
	t.Parallel()
	known := []attempt.Secret{
		{Text: "1234567"},
		{Text: "12"},
		{Text: `"pin":12`, Shown: `"pin":"***"`},
		{Text: `"n":1234567`, Shown: `"n":"***"`},
	}
	got := secretsOf(endpointAt("http://shop.example/"), known).mask(`{"pin":12,"n":1234567,"v":12,"text":"is 1234567"}`)
	if got != `{"pin":"***","n":"***","v":12,"text":"is ***"}` {
		t.Errorf("got %s", got)
	}
}

func TestARequestIsShownAsItMayBe(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://shop.example/")
	ep.Headers = map[string]string{"X-Key": "header-secret"}
	for _, c := range []struct {
		request attempt.Request
		want    string
	}{
		{attempt.Request{Body: []byte(`header-secret, own-secret, 12`), Secrets: []attempt.Secret{{Text: "own-secret"}}}, `***, ***, 12`},
		{attempt.Request{Body: []byte(`12`), Shown: []byte(`"***" for header-secret`)}, `"***" for ***`},
	} {
		shown, err := newTestSender(t, Config{}).Show(ep, c.request, time.Unix(1, 0))
		if err != nil || shown.Body != c.want {
			t.Errorf("%s, %v; want %s", shown.Body, err, c.want)
		}
	}
}

func TestPlainTextsAreOneShortLine(t *testing.T) {
	t.Parallel()
	if got := plain("a\nb\x1b[31mc\u202ed"); got != "a b [31mc d" {
		t.Errorf("got %q", got)
	}
	if got := plain(strings.Repeat("é", maxError)); len(got) > maxError+len("…") || !strings.HasSuffix(got, "é…") {
		t.Errorf("got %d bytes, %q at the end", len(got), got[len(got)-8:])
	}
}
