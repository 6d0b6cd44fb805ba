package deliver

import (
	"net/http"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// Shown is a request as it goes out, for people: secrets are masked.
type Shown struct {
	Method string
	URL    string
	Header map[string]string
	Body   string
}

// Show returns what Send would send at now.
func (s *Sender) Show(ep *endpoint.Endpoint, r attempt.Request, now time.Time) (Shown, error) {
	target, err := newTarget(ep, s.config.UserAgent)
	if err != nil {
		return Shown{}, err
	}
	shown := Shown{Method: target.blank.Method, URL: endpoint.RedactURL(ep.URL), Header: make(map[string]string)}
	if r.Shown != nil {
		shown.Body = MaskSecrets(ep, nil, string(r.Shown))
	} else {
		shown.Body = MaskSecrets(ep, r.Secrets, string(r.Body))
	}
	for name, values := range target.header(r, now) {
		shown.Header[name] = strings.Join(values, ", ")
	}
	for name := range ep.Headers {
		shown.Header[http.CanonicalHeaderKey(name)] = endpoint.Masked
	}
	if _, ok := shown.Header["Authorization"]; ok {
		shown.Header["Authorization"] = endpoint.Masked
	}
	return shown, nil
}

// MaskSecrets masks the endpoint's secrets, and others, in a text, such as an
// answer that repeats the request.
func MaskSecrets(ep *endpoint.Endpoint, others []attempt.Secret, text string) string {
	return secretsOf(ep, others).mask(text)
}

// Beginning returns what is kept of an answer: its beginning, without secrets; nil
// of an empty one.
func Beginning(ep *endpoint.Endpoint, others []attempt.Secret, answer []byte) []byte {
	return secretsOf(ep, others).beginning(answer)
}
