package deliver

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// signed is a request as a receiver got it.
type signed struct {
	header http.Header
	body   []byte
}

// by reports whether the reference implementation verifies the request with a
// secret.
func (s signed) by(t *testing.T, secret string) bool {
	t.Helper()
	reference, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return reference.VerifyIgnoringTimestamp(s.body, s.header) == nil
}

func makeSecret(t testing.TB, scheme signature.Scheme) string {
	t.Helper()
	key, err := signature.Make(scheme)
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

// The endpoint is the same one all the time, as it is in a lane between two
// changes: what expires does so by the clock alone.
func TestARotationSignsWithBothUntilTheOldOneExpires(t *testing.T) {
	t.Parallel()
	var got signed
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = signed{r.Header, body}
	})
	now := time.Now()
	clock := now
	sender, ep := newTestSender(t, Config{Now: func() time.Time { return clock }}), endpointAt(target)
	send := func() {
		t.Helper()
		got = signed{}
		if _, outcome := sender.Send(t.Context(), ep, testRequest(), testLimits()); outcome.Verdict != attempt.Delivered {
			t.Fatalf("%s, %q", outcome.Verdict, outcome.Error)
		}
	}
	send()
	if values, there := got.header[signature.HeaderSignature]; there {
		t.Errorf("an endpoint without secrets sends the signature %q", values)
	}
	before, after := makeSecret(t, signature.HMAC), makeSecret(t, signature.HMAC)
	ep.RotateSigning(before, 0, now)
	send()
	if !got.by(t, before) || strings.Contains(got.header.Get(signature.HeaderSignature), " ") {
		t.Errorf("signed as %q", got.header.Get(signature.HeaderSignature))
	}
	ep.RotateSigning(after, time.Hour, now)
	for _, c := range []struct {
		at     time.Duration
		before bool
	}{{0, true}, {time.Hour - 1, true}, {time.Hour, false}, {30 * 24 * time.Hour, false}} {
		clock = now.Add(c.at)
		send()
		if !got.by(t, after) || got.by(t, before) != c.before {
			t.Errorf("after %s: signed by the new one: %t, by the old one: %t, want %t", c.at, got.by(t, after), got.by(t, before), c.before)
		}
	}
}

func TestBothSchemesSignTogether(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://shop.example/")
	secret, private := makeSecret(t, signature.HMAC), makeSecret(t, signature.Ed25519)
	ep.Signing = []endpoint.SigningSecret{{Secret: private}, {Secret: secret}}
	target, err := newTarget(ep, "dz/test")
	if err != nil {
		t.Fatal(err)
	}
	header := target.header(testRequest(), time.Unix(1_795_255_200, 0))
	ed25519, hmac, _ := strings.Cut(header.Get(signature.HeaderSignature), " ")
	if !strings.HasPrefix(ed25519, "v1a,") || !strings.HasPrefix(hmac, "v1,") {
		t.Errorf("signature %q", header.Get(signature.HeaderSignature))
	}
	if !(signed{header, testRequest().Body}).by(t, secret) {
		t.Error("the reference does not find its signature among several")
	}
}

func TestAStyleCanNotReplaceTheSignature(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://shop.example/")
	ep.Signing = []endpoint.SigningSecret{{Secret: makeSecret(t, signature.HMAC)}}
	target, err := newTarget(ep, "dz/test")
	if err != nil {
		t.Fatal(err)
	}
	request := testRequest()
	request.Header = http.Header{"webhook-signature": {"v1,x"}}
	header := target.header(request, time.Now())
	if !(signed{header, request.Body}).by(t, ep.Signing[0].Secret) {
		t.Errorf("signature %q", header.Values(signature.HeaderSignature))
	}
}

func TestASecretThatCanNotSignIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	ep := endpointAt("http://shop.example/")
	ep.Signing = []endpoint.SigningSecret{{Secret: makeSecret(t, signature.HMAC)}, {Secret: "whsec_hunter2hunter2"}}
	_, got := newTestSender(t, Config{}).Send(t.Context(), ep, testRequest(), testLimits())
	if got.Verdict == attempt.Delivered || !strings.Contains(got.Error, "signing secret 2 can't be used") || strings.Contains(got.Error, "hunter2") {
		t.Errorf("%s, %q", got.Verdict, got.Error)
	}
}

// BenchmarkHeader shows what signing costs, and that who does not sign pays
// nothing for it.
func BenchmarkHeader(b *testing.B) {
	for name, signing := range map[string][]endpoint.SigningSecret{
		"unsigned": nil,
		"hmac":     {{Secret: makeSecret(b, signature.HMAC)}},
		"ed25519":  {{Secret: makeSecret(b, signature.Ed25519)}},
	} {
		b.Run(name, func(b *testing.B) {
			ep := endpointAt("http://shop.example/")
			ep.Signing = signing
			target, err := newTarget(ep, "dz/test")
			if err != nil {
				b.Fatal(err)
			}
			request, now := testRequest(), time.Unix(1_795_255_200, 0)
			b.ReportAllocs()
			for b.Loop() {
				if target.header(request, now) == nil {
					b.Fatal("no header")
				}
			}
		})
	}
}
