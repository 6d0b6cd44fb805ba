package deliver

import (
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/signature"
)

// target is what the requests to one endpoint have in common, worked out once.
// It does not change once made: requests share its URL and the values of its
// headers, which net/http only reads.
type target struct {
	url     string            // the endpoint's, by which a change is noticed,
	headers map[string]string // and its own headers

	blank *http.Request // without context, headers and body
	addr  netip.Addr    // that the URL names outright; zero if it holds a name
	// common are the headers that the endpoint settles: dz's, replaced by its
	// own. A request may replace them again.
	common []headerField
	// basic is made of the URL's user information, for requests that have no
	// Authorization; nil without any.
	basic []string
	// head is what http1 sends of them; nil if net/http must send them.
	head head
	// again says that a header of the endpoint's lets a request be sent again
	// that the receiver may have seen.
	again bool
	// signing is what requests are signed with: the endpoint's, by which a change
	// is noticed, and its keys, read. Both nil if they are not signed.
	signing []endpoint.SigningSecret
	keys    []signature.Key
}

// headerField is a header by its canonical name.
type headerField struct {
	name   string
	values []string
}

// newTarget works out what requests to the endpoint have in common. The error
// does not repeat the URL.
func newTarget(ep *endpoint.Endpoint, userAgent string) (*target, error) {
	blank, err := http.NewRequest(http.MethodPost, ep.URL, http.NoBody) //nolint:noctx // each attempt puts in its own
	if err != nil {
		return nil, errors.New("the endpoint's url can't be read") // err repeats it
	}
	blank.Header = nil
	t := &target{url: ep.URL, headers: maps.Clone(ep.Headers), blank: blank}
	if addr, err := netip.ParseAddr(blank.URL.Hostname()); err == nil {
		t.addr = addr
	}
	own := make(http.Header, len(ep.Headers)+1)
	own.Set("User-Agent", userAgent)
	for name, value := range ep.Headers {
		own.Set(name, value)
	}
	for name, values := range own {
		t.common = append(t.common, headerField{name, values})
	}
	if user := blank.URL.User; user != nil {
		password, _ := user.Password()
		with := http.Request{Header: make(http.Header)}
		with.SetBasicAuth(user.Username(), password)
		t.basic = with.Header["Authorization"]
	}
	t.signing = slices.Clone(ep.Signing)
	if t.keys, err = signingKeys(ep.Signing); err != nil {
		return nil, err
	}
	t.head, t.again = newHead(t), mayRepeat(own)
	return t, nil
}

// of reports whether the endpoint's requests still have this in common.
func (t *target) of(ep *endpoint.Endpoint) bool {
	return t.url == ep.URL && maps.Equal(t.headers, ep.Headers) && slices.Equal(t.signing, ep.Signing)
}

// header makes the headers of one request. The endpoint's own may replace the
// user agent and the content type, and nothing else.
func (t *target) header(r attempt.Request, now time.Time) http.Header {
	// One allocation for the three values that are this request's alone.
	values := [...]string{r.ContentType, r.ID, strconv.FormatInt(now.Unix(), 10)}
	header := make(http.Header, len(t.common)+len(r.Header)+len(values)+1)
	header["Content-Type"] = values[0:1:1]
	for _, field := range t.common {
		header[field.name] = field.values
	}
	for name, given := range r.Header {
		header[http.CanonicalHeaderKey(name)] = given
	}
	header["Webhook-Id"] = values[1:2:2]
	header["Webhook-Timestamp"] = values[2:3:3]
	if t.keys != nil {
		header[signature.HeaderSignature] = []string{t.sign(r, now)}
	}
	if t.basic != nil && header.Get("Authorization") == "" {
		header["Authorization"] = t.basic
	}
	return header
}

// mayRepeat reports whether a header says that the receiver knows a request
// again, so that it may come twice: net/http takes these two for it.
func mayRepeat(header http.Header) bool {
	_, ok := header["Idempotency-Key"]
	_, too := header["X-Idempotency-Key"]
	return ok || too
}
