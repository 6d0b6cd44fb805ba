package deliver

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/deliver/http1"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// A request is the same, byte for byte, whoever carries it.
func TestBothWaysSendTheSameBytes(t *testing.T) {
	t.Parallel()
	receiver := func(t *testing.T) *recorder {
		t.Helper()
		return record(t, saysAndStays("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	}
	for name, change := range map[string]func(*endpoint.Endpoint, *attempt.Request){
		"as it is": func(*endpoint.Endpoint, *attempt.Request) {},
		"a port":   func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "http://shop.example:8080/hook" },
		"port 80":  func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "http://shop.example:80/hook" },
		"no port":  func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "http://shop.example:/hook" },
		"IPv6":     func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "http://[2001:db8::1]:81/hook" },
		"capitals": func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "HTTP://Shop.Example/Hook" },
		"no path":  func(ep *endpoint.Endpoint, _ *attempt.Request) { ep.URL = "http://shop.example" },
		"a query alone": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.URL = "http://shop.example?a=b"
		},
		"an odd path": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.URL = "http://shop.example/a b/%2F:x/ä//../;p?q=ä&%zz?#"
		},
		"a name and a password": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.URL = "http://dam:s%3Acret@shop.example/hook"
		},
		"a name, and Authorization": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.URL = "http://dam:secret@shop.example/hook"
			ep.Headers = map[string]string{"authorization": "Bearer abc"}
		},
		"headers": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.Headers = map[string]string{
				"x-api-key": "a: b", "A": "", "Zz": "  spaces\t ", "X-Utf8": "ä", "Accept-Encoding": "gzip", "Accept": "*/*",
				"Content-Length-X": "1", "webhook-id-x": "2", "Date": "never", "Cookie": "a=b; c=d",
			}
		},
		"another user agent and type": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.Headers = map[string]string{"User-Agent": "shop ", "Content-Type": "application/vnd.dam+json"}
		},
		"no user agent and type": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.Headers = map[string]string{"User-Agent": "", "Content-Type": ""}
		},
		"signed": func(ep *endpoint.Endpoint, _ *attempt.Request) {
			ep.Signing = []endpoint.SigningSecret{
				{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {Secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
			}
		},
		"the style's headers": func(ep *endpoint.Endpoint, r *attempt.Request) {
			ep.Headers = map[string]string{"Dz-Test": "forged", "X-Key": "k"}
			ep.Signing = []endpoint.SigningSecret{{Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
			r.Header = http.Header{"Dz-Test": {"1"}, "X-Two": {"a", "b "}}
		},
		"no message":            func(_ *endpoint.Endpoint, r *attempt.Request) { r.Body = nil },
		"no message, a header":  func(_ *endpoint.Endpoint, r *attempt.Request) { r.Body, r.Header = nil, http.Header{"A": {"b"}} },
		"no id":                 func(_ *endpoint.Endpoint, r *attempt.Request) { r.ID = "" },
		"spaces around the id":  func(_ *endpoint.Endpoint, r *attempt.Request) { r.ID = " msg " },
		"a long message":        func(_ *endpoint.Endpoint, r *attempt.Request) { r.Body = long(30 << 10) },
		"longer than for http1": func(_ *endpoint.Endpoint, r *attempt.Request) { r.Body = long(http1.MaxMessage) },
		"far longer":            func(_ *endpoint.Endpoint, r *attempt.Request) { r.Body = long(1 << 20) },
		"a long message and a header": func(_ *endpoint.Endpoint, r *attempt.Request) {
			r.Body, r.Header = long(http1.MaxMessage), http.Header{"A": {"b"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ep, r := endpointAt("http://shop.example/hook"), testRequest()
			change(ep, &r)
			got := receiver(t).same(t, 2, ep, r, 100)[1]
			if got.Outcome.Verdict != attempt.Delivered || got.Connection != 1 {
				t.Errorf("%s, %q, on connection %d", got.Outcome.Verdict, got.Outcome.Error, got.Connection)
			}
			if _, body, _ := strings.Cut(got.Request, "\r\n\r\n"); body != string(r.Body) {
				t.Errorf("a body of %d bytes, want %d", len(body), len(r.Body))
			}
		})
	}
}

func long(n int) []byte { return []byte(strings.Repeat("x", n)) }

// What asks for more than an exchange is net/http's to carry.
func TestWhatGoesOverHTTP1(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url    string
		header map[string]string
		goes   bool
	}{
		"plain":                {"http://shop.example/", nil, true},
		"an address":           {"http://127.0.0.1:8089/", nil, true},
		"a header":             {"http://shop.example/", map[string]string{"X-Key": "k"}, true},
		"TLS":                  {"https://shop.example/", nil, false},
		"a name to be encoded": {"http://käufer.example/", nil, false},
		"waits for a 100":      {"http://shop.example/", map[string]string{"Expect": "100-continue"}, false},
		"no kept connections":  {"http://shop.example/", map[string]string{"Connection": "close"}, false},
		"no value of a header": {"http://shop.example/", map[string]string{"X-Key": "a\x00b"}, false},
		"no name of a header":  {"http://shop.example/", map[string]string{"X Key": "a"}, false},
		"an enormous header":   {"http://shop.example/", map[string]string{"X-Key": strings.Repeat("x", maxHead)}, false},
	} {
		ep := endpointAt(c.url)
		ep.Headers = c.header
		sender := newTestSender(t, Config{})
		line, err := sender.pool.get(ep, sender.guard.Load())
		if err != nil {
			t.Fatal(err)
		}
		line.shared.letGo()
		if goes := line.direct != nil; goes != c.goes {
			t.Errorf("%s: over http1 %v, want %v", name, goes, c.goes)
		}
	}
}

func TestASignatureIsOfTheMessageAsItIsSent(t *testing.T) {
	t.Parallel()
	secret := makeSecret(t, signature.HMAC)
	ep := endpointAt("http://shop.example/hook")
	ep.Signing = []endpoint.SigningSecret{{Secret: secret}}
	found := record(t, saysAndStays("HTTP/1.1 204 No Content\r\n\r\n")).same(t, 2, ep, testRequest(), 100)
	for _, one := range found {
		if !strings.Contains(one.Request, "\r\nWebhook-Signature: v1,") {
			t.Errorf("the request is not signed: %q", one.Request)
		}
	}
}
