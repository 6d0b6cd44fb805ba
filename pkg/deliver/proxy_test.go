package deliver

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// through returns a configuration that sends everything through a proxy.
func through(t *testing.T, proxy string) Config {
	t.Helper()
	parsed, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Proxy: http.ProxyURL(parsed)}
}

func TestAProxyCarriesTheRequest(t *testing.T) {
	t.Parallel()
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.RequestURI }))
	t.Cleanup(proxy.Close)
	sender := newTestSender(t, through(t, proxy.URL))
	_, got := sender.Send(t.Context(), endpointAt("http://user:secret@shop.example/hook"), testRequest(), testLimits())
	if got.Verdict != attempt.Delivered || asked != "http://shop.example/hook" {
		t.Errorf("%s, the proxy was asked for %q", got.Verdict, asked)
	}
}

func TestAProxyThatRefusesTheTunnel(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(proxy.Close)
	sender := newTestSender(t, through(t, proxy.URL))
	_, got := sender.Send(t.Context(), endpointAt("https://shop.example/hook"), testRequest(), testLimits())
	want := "the proxy refuses to connect: it answered 407 Proxy Authentication Required"
	if got.Verdict != attempt.Unavailable || got.Reason != attempt.Unreachable || got.Error != want {
		t.Errorf("%s, %s, %q", got.Verdict, got.Reason, got.Error)
	}
}

func TestTheGuardSeesTheProxy(t *testing.T) {
	t.Parallel()
	sender := newTestSender(t, through(t, "http://169.254.1.1:3128"))
	_, got := sender.Send(t.Context(), endpointAt("http://shop.example/hook"), testRequest(), testLimits())
	if got.Reason != attempt.Denied {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}

func TestAProxyIsNotAskedForADeniedAddress(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the proxy was asked for the metadata service")
	}))
	t.Cleanup(proxy.Close)
	sender := newTestSender(t, through(t, proxy.URL))
	_, got := sender.Send(t.Context(), endpointAt("http://169.254.169.254/latest"), testRequest(), testLimits())
	if got.Reason != attempt.Denied {
		t.Errorf("%s, %q", got.Reason, got.Error)
	}
}
