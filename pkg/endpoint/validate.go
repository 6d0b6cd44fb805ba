package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

const (
	// minRate is one request a day.
	minRate        = 1.0 / (24 * 60 * 60)
	maxDescription = 4 << 10
	maxHeaders     = 64
	maxHeaderValue = 8 << 10
	maxURL         = 8 << 10
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName reports what is wrong with an endpoint's name.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("endpoint name %.80q: write 1 to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit", name)
	}
	return nil
}

// Normalize puts an endpoint into its canonical form: header names as HTTP
// writes them, event names as the DAM writes them.
func (e *Endpoint) Normalize() {
	if e.Style == "" {
		e.Style = DefaultStyle
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if _, taken := e.Headers[canonical]; !taken {
			e.Headers[canonical] = e.Headers[name]
			delete(e.Headers, name)
		}
	}
	for i, name := range e.Subscription.Events {
		if canonical, _, err := event.ParseType(name); err == nil {
			e.Subscription.Events[i] = canonical
		}
	}
}

// Validate reports everything that is wrong with an endpoint, joined, in words
// that say what to write instead. What only the style knows is not looked at.
func (e *Endpoint) Validate() error {
	return errors.Join(
		CheckName(e.Name),
		checkGroup(e.Group),
		checkURL(e.URL),
		checkHeaders(e.Headers),
		checkSigning(e.Signing),
		e.Subscription.validate(),
		e.checkSpans(),
		e.Retry.validate(),
		e.checkNumbers(),
		e.checkTLS(),
	)
}

func checkURL(text string) error {
	if text == "" {
		return errors.New("url is missing: write one such as https://shop.example/hooks/dam")
	}
	if len(text) > maxURL {
		return fmt.Errorf("url is longer than %d bytes", maxURL)
	}
	if !strings.Contains(text, "://") {
		return fmt.Errorf("url %q has no scheme: write https:// or http:// before it", RedactURL(text))
	}
	u, err := url.Parse(text)
	if err != nil {
		return unreadableURL(text, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url %q: scheme %q is not http or https", RedactURL(text), u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("url %q has no host", RedactURL(text))
	case !validPort(u.Port()):
		return fmt.Errorf("url %q: port %s is not between 1 and 65535", RedactURL(text), u.Port())
	case u.Fragment != "":
		return fmt.Errorf("url %q has a fragment (#…), which is never sent: leave it out", RedactURL(text))
	}
	return nil
}

// unreadableURL says why a URL can't be parsed, without a part of it that may
// be a part of a password.
func unreadableURL(text string, err error) error {
	if strings.Contains(text, "@") {
		return errors.New("url can't be read: in a user name or password, write / as %2F, @ as %40 and % as %25")
	}
	var parse *url.Error
	if errors.As(err, &parse) {
		err = parse.Err // url.Error repeats the URL
	}
	return fmt.Errorf("url can't be read: %w", err)
}

// validPort reports whether text is a port or none.
func validPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && port > 0
}

// reserved headers are made by dz or by HTTP itself.
var reserved = map[string]bool{
	"Connection": true, "Content-Length": true, "Host": true, "Keep-Alive": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Proxy-Connection": true,
	"Webhook-Id": true, "Webhook-Timestamp": true, "Webhook-Signature": true,
}

func checkHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return fmt.Errorf("%d headers are more than %d", len(headers), maxHeaders)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value, canonical := headers[name], textproto.CanonicalMIMEHeaderKey(name)
		_, twice := headers[canonical]
		switch {
		case twice && canonical != name:
			errs = append(errs, fmt.Errorf("header %s is given twice: names are the same in any case", canonical))
		case !httpguts.ValidHeaderFieldName(name):
			errs = append(errs, fmt.Errorf("header name %.80q is not one that HTTP allows", name))
		case reserved[canonical]:
			errs = append(errs, fmt.Errorf("header %s is made by dz itself: leave it out", name))
		case strings.ContainsAny(value, "\r\n"):
			errs = append(errs, fmt.Errorf("header %s has a newline in its value", name))
		case !httpguts.ValidHeaderFieldValue(value):
			errs = append(errs, fmt.Errorf("header %s has a control character in its value", name))
		case len(value) > maxHeaderValue:
			errs = append(errs, fmt.Errorf("header %s has a value of more than %d bytes", name, maxHeaderValue))
		}
	}
	return errors.Join(errs...)
}

func (s *Subscription) validate() error {
	var errs []error
	if s.ChangeTypes&event.AllChanges == 0 {
		errs = append(errs, fmt.Errorf("no change type: subscribe to at least one of %s", event.AllChanges))
	}
	for _, name := range s.Events {
		_, changeType, err := event.ParseType(name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case changeType&s.ChangeTypes == 0 && s.ChangeTypes != 0:
			errs = append(errs, fmt.Errorf("event %s belongs to change type %s, which is not subscribed", name, changeType))
		}
	}
	for _, reason := range s.Reasons {
		if _, err := event.ParseReason(reason); err != nil {
			errs = append(errs, err)
		}
	}
	if len(s.Fields) > 0 && len(s.ExcludeFields) > 0 {
		errs = append(errs, errors.New("fields and excluded fields are both given: give one of them"))
	}
	if _, err := s.Compile(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (e *Endpoint) checkSpans() error {
	var errs []error
	check := func(name string, span, limit timespan.Span) {
		if span < 0 {
			errs = append(errs, fmt.Errorf("%s %s is negative", name, span))
		} else if span > limit {
			errs = append(errs, fmt.Errorf("%s %s is more than %s", name, span, limit))
		}
	}
	const day = timespan.Span(24 * 60 * 60 * 1e9)
	if e.Debounce != nil {
		check("debounce", *e.Debounce, 7*day)
	}
	if e.MaxWait != nil {
		check("max wait", *e.MaxWait, 7*day)
	}
	if e.Debounce != nil && e.MaxWait != nil && *e.MaxWait < *e.Debounce {
		errs = append(errs, fmt.Errorf("max wait %s is less than debounce %s", *e.MaxWait, *e.Debounce))
	}
	check("timeout", e.Timeout, MaxTimeout)
	check("connect timeout", e.ConnectTimeout, MaxTimeout)
	for _, span := range e.Retry {
		check("retry delay", span, 30*day)
	}
	return errors.Join(errs...)
}

func (e *Endpoint) checkNumbers() error {
	var errs []error
	if e.Concurrency < 0 || e.Concurrency > MaxConcurrency {
		errs = append(errs, fmt.Errorf("concurrency %d is not between 1 and %d", e.Concurrency, MaxConcurrency))
	}
	if e.Rate < 0 || (e.Rate > 0 && e.Rate < minRate) || math.IsNaN(e.Rate) || math.IsInf(e.Rate, 0) {
		errs = append(errs, fmt.Errorf("rate %v is not a number of requests a second", e.Rate))
	}
	if len(e.Description) > maxDescription {
		errs = append(errs, fmt.Errorf("description is longer than %d bytes", maxDescription))
	}
	return errors.Join(errs...)
}

func (e *Endpoint) checkTLS() error {
	if (e.ClientCert == "") != (e.ClientKey == "") {
		return errors.New("a client certificate needs both its file and its key: give client-cert and client-key")
	}
	return nil
}
