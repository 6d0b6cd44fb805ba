package deliver

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dam-delivery/dz/pkg/attempt"
)

func TestRequestCarriesItsHeadersAndNoOthers(t *testing.T) {
	t.Parallel()
	var got http.Header
	var body []byte
	var method, path string
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got, method, path = r.Header, r.Method, r.RequestURI
		body, _ = io.ReadAll(r.Body)
	})
	ep := endpointAt(target + "/hooks/dam?x=1")
	ep.Headers = map[string]string{"X-Api-Key": "k-123456", "Authorization": "Bearer abc.def"}
	r := testRequest()
	r.Header = http.Header{"Dz-Test": {"1"}}
	before := time.Now().Unix()
	_, outcome := newTestSender(t, Config{UserAgent: "dz/1.2.3"}).Send(t.Context(), ep, r, testLimits())
	after := time.Now().Unix()
	if outcome.Verdict != attempt.Delivered {
		t.Fatalf("outcome %+v", outcome)
	}
	stamp, err := strconv.ParseInt(got.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || stamp < before || stamp > after {
		t.Errorf("webhook-timestamp %q is not between %d and %d", got.Get("Webhook-Timestamp"), before, after)
	}
	got.Del("Webhook-Timestamp")
	want := http.Header{
		"User-Agent":     {"dz/1.2.3"},
		"Content-Type":   {"application/json"},
		"Content-Length": {strconv.Itoa(len(testBody))},
		"Webhook-Id":     {"msg_1"},
		"X-Api-Key":      {"k-123456"},
		"Authorization":  {"Bearer abc.def"},
		"Dz-Test":        {"1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if method != http.MethodPost || path != "/hooks/dam?x=1" || string(body) != testBody {
		t.Errorf("%s %s %s", method, path, body)
	}
}

func TestEndpointHeadersReplaceOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	var got http.Header
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	ep := endpointAt(target)
	ep.Headers = map[string]string{
		"User-Agent": "shop", "Content-Type": "application/vnd.dam+json",
		"Webhook-Id": "forged", "Webhook-Timestamp": "0", "Dz-Test": "forged",
	}
	r := testRequest()
	r.Header = http.Header{"Dz-Test": {"1"}}
	newTestSender(t, Config{}).Send(t.Context(), ep, r, testLimits())
	for name, want := range map[string]string{
		"User-Agent": "shop", "Content-Type": "application/vnd.dam+json", "Webhook-Id": "msg_1", "Dz-Test": "1",
	} {
		if got.Get(name) != want || len(got.Values(name)) != 1 {
			t.Errorf("%s: %q, want %q", name, got.Values(name), want)
		}
	}
	if got.Get("Webhook-Timestamp") == "0" {
		t.Error("webhook-timestamp is the endpoint's")
	}
}

func TestUserInformationBecomesBasicAuthorization(t *testing.T) {
	t.Parallel()
	var got string
	target := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") })
	sender := newTestSender(t, Config{})
	ep := endpointAt(strings.Replace(target, "http://", "http://dam:s%3Acret@", 1))
	sender.Send(t.Context(), ep, testRequest(), testLimits())
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("dam:s:cret")); got != want {
		t.Errorf("Authorization %q, want %q", got, want)
	}
	ep.Headers = map[string]string{"Authorization": "Bearer own"}
	sender.Send(t.Context(), ep, testRequest(), testLimits())
	if got != "Bearer own" {
		t.Errorf("Authorization %q, want the endpoint's own header", got)
	}
}

func TestAURLThatCannotBeReadIsNotRepeated(t *testing.T) {
	t.Parallel()
	_, got := send(t, "http://user:hunter2@shop.example:port/?token=tttttt")
	if got.Verdict != attempt.Unavailable || strings.Contains(got.Error, "hunter2") || strings.Contains(got.Error, "tttttt") {
		t.Errorf("%s, %q", got.Verdict, got.Error)
	}
}
