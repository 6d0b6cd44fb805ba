package deliver

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// get makes a request over a transport, and returns its status.
func get(t *testing.T, transport *Transport, url string) (int, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestOtherRequestsGoThroughTheGuardToo(t *testing.T) {
	t.Parallel()
	literal := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	named := strings.Replace(literal, "127.0.0.1", "localhost", 1)
	sender := newTestSender(t, Config{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
	transport, err := sender.Transport(time.Second, "")
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	for _, target := range []string{literal, named} {
		if status, err := get(t, transport, target); status != http.StatusTeapot {
			t.Errorf("%s: %d, %v", target, status, err)
		}
	}
	sender.Reload(prefixes("127.0.0.0/8", "::1/128"), nil)
	for _, target := range []string{literal, named} { // over no connection from before either
		_, err := get(t, transport, target)
		var denied interface{ Denied() bool }
		if !errors.As(err, &denied) || !denied.Denied() {
			t.Errorf("%s: %v, want that it is denied", target, err)
		}
	}
}

func TestOtherRequestsTrustTheRootsTheyAreGiven(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t, "ours")
	target := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.issue(t, "127.0.0.1", time.Now())}})
	sender := newTestSender(t, Config{})
	for file, trusted := range map[string]bool{"": false, writePEM(t, "CERTIFICATE", authority.cert.Raw): true} {
		transport, err := sender.Transport(5*time.Second, file)
		if err != nil {
			t.Fatal(err)
		}
		if status, err := get(t, transport, target); (status == http.StatusOK) != trusted {
			t.Errorf("with %q: %d, %v", file, status, err)
		}
		transport.CloseIdleConnections()
	}
	if _, err := sender.Transport(time.Second, "/nowhere.pem"); err == nil || !strings.Contains(err.Error(), "/nowhere.pem") {
		t.Errorf("error is %v", err)
	}
}
