package deliver

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

const (
	// minSecret is the shortest text that is taken for a secret, in bytes, unless
	// it is said what stands for it: shorter ones are found by chance in any answer.
	minSecret = 6
	// maxError bounds an outcome's error, in bytes.
	maxError = 500
	// scrubbed is how much of an answer is searched for secrets before its
	// beginning is cut off, so that one at the cut is found whole.
	scrubbed = attempt.MaxResponse + 8<<10
)

// secrets masks what must not be shown of one endpoint, for receivers repeat
// what they were sent: an error page lists the request's headers, an echo
// answers with its body.
type secrets struct {
	replacer *strings.Replacer // nil without secrets
}

// secretsOf collects the values of the endpoint's headers, its URL's user
// information and query string, what it signs with, and more.
func secretsOf(ep *endpoint.Endpoint, more []attempt.Secret) secrets {
	var found []string
	for _, value := range ep.Headers {
		found = append(found, value)
		if _, credentials, ok := strings.Cut(value, " "); ok {
			found = append(found, credentials) // "Bearer …" without its scheme
		}
	}
	for _, s := range ep.Signing {
		_, bare, _ := strings.Cut(s.Secret, "_")
		found = append(found, s.Secret, bare)
	}
	if u, err := url.Parse(ep.URL); err == nil {
		found = append(found, urlSecrets(u)...)
	}
	all := slices.Clone(more)
	for _, text := range found {
		all = append(all, attempt.Secret{Text: text})
	}
	all = slices.DeleteFunc(all, func(s attempt.Secret) bool {
		return s.Text == "" || s.Shown == "" && len(s.Text) < minSecret
	})
	if len(all) == 0 {
		return secrets{}
	}
	// The longest first: a Replacer takes the first that fits.
	slices.SortStableFunc(all, func(a, b attempt.Secret) int { return len(b.Text) - len(a.Text) })
	pairs := make([]string, 0, 2*len(all))
	for _, secret := range all {
		pairs = append(pairs, secret.Text, cmp.Or(secret.Shown, endpoint.Masked))
	}
	return secrets{strings.NewReplacer(pairs...)}
}

func urlSecrets(u *url.URL) []string {
	var found []string
	if u.User != nil {
		password, _ := u.User.Password()
		pair := u.User.Username() + ":" + password
		found = append(found, u.User.String(), u.User.Username(), password,
			base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	if u.RawQuery != "" {
		found = append(found, u.RawQuery)
		for _, values := range u.Query() {
			for _, value := range values {
				found = append(found, value, url.QueryEscape(value))
			}
		}
	}
	return found
}

func (s secrets) mask(text string) string {
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// plain makes an error fit to be shown: on one line, not longer than maxError.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "") + "…"
	}
	return text
}

// beginning returns the first bytes of an answer without secrets, nil for none.
func (s secrets) beginning(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	if s.replacer == nil {
		return bytes.Clone(body[:min(len(body), attempt.MaxResponse)])
	}
	masked := s.mask(string(body[:min(len(body), scrubbed)]))
	return []byte(masked[:min(len(masked), attempt.MaxResponse)])
}
