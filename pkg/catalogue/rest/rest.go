// Package rest is a catalogue that reads assets from the REST API of a DAM.
//
// What an API is like is declared (API): its paths, how it pages, how one logs
// in, what says that an asset is gone, and how an asset is found in an answer.
// Requests and answers are described by programs in jq
// (https://jqlang.org/manual/), which are compiled once. Presets are such
// declarations for well-known DAMs.
//
// It guarantees:
//
//   - Every call ends: each try within Config.Timeout, after at most four tries.
//     What a DAM asks for with Retry-After is kept to, by all calls together; if
//     that is more than 30 s, they fail at once with ErrNotNow.
//   - No answer longer than Config.MaxAnswer is read, and no more than one answer
//     for each of Config.Concurrency requests is held.
//   - An asset counts as gone only if the API says so in the declared way. A web
//     page where an answer was due, a redirect, and an asset that is missing in
//     an answer to many ids but is there when asked for alone say nothing of the
//     kind.
//   - No error's text holds a password, a token or a request's query.
//   - A user's view is never read with other rights: where an API declares no
//     impersonation, it is refused.
//
// Its limits: an asset's data is written anew, with the names of its members
// sorted. Where an API pages by number or offset, assets that are deleted while
// it is listed may push others over the edge of a page, so that they are not
// seen; paging by key has no such gap. It keeps nothing but tokens.
package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// What a Config has where it does not say.
const (
	DefaultTimeout     = 30 * time.Second
	DefaultConcurrency = 4
	DefaultMaxAnswer   = 16 << 20
)

// Config says whose API is read, and how.
type Config struct {
	// URL is where the API's paths begin: http or https, without user
	// information, query and fragment.
	URL string
	API API

	Username, Password string // for basic and login
	Token              string // for bearer, header and query
	Variables          map[string]string
	Language           string // of views that name none; "" is the API's own

	Timeout     time.Duration // of one try, up to the answer's last byte
	Concurrency int           // requests at a time
	Rate        float64       // requests a second; 0 is unlimited
	MaxAnswer   int64         // bytes of one answer

	UserAgent string
	Transport http.RoundTripper // required: it decides which addresses may be reached
	Now       func() time.Time  // required: the clock by which tokens expire
}

// Catalogue reads from an API. Its methods may be called by several goroutines
// at a time.
type Catalogue struct {
	config   Config
	base     *url.URL
	api      *api
	client   *http.Client
	slots    chan struct{}
	limiter  *rate.Limiter
	hold     hold
	sessions sessions
}

var (
	_ catalogue.Reader = (*Catalogue)(nil)
	_ catalogue.Viewer = (*Catalogue)(nil)
)

// New makes a catalogue; it sends nothing yet. The error says what of the
// configuration is wrong, or which program can't be compiled.
func New(config Config) (*Catalogue, error) {
	if config.Transport == nil || config.Now == nil {
		return nil, errors.New("a REST catalogue needs a transport and a clock")
	}
	base, err := parseBase(config.URL)
	if err != nil {
		return nil, err
	}
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Concurrency <= 0 {
		config.Concurrency = DefaultConcurrency
	}
	if config.MaxAnswer <= 0 {
		config.MaxAnswer = DefaultMaxAnswer
	}
	compiled, err := config.API.compile(config.Variables)
	if err != nil {
		return nil, err
	}
	if err := config.checkCredentials(); err != nil {
		return nil, err
	}
	c := &Catalogue{
		config: config, base: base, api: compiled,
		client: &http.Client{
			Transport:     config.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots:   make(chan struct{}, config.Concurrency),
		limiter: rate.NewLimiter(rate.Inf, 1),
	}
	if config.Rate > 0 {
		c.limiter = rate.NewLimiter(rate.Limit(config.Rate), 1)
	}
	if err := c.Supports(catalogue.View{}); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes the connections that are idle.
func (c *Catalogue) Close() { c.client.CloseIdleConnections() }

// parseBase does not repeat the URL in its errors: what is wrong with it may be
// that it holds a password.
func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("a REST catalogue needs a URL")
	case err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "":
		return nil, errors.New(`the URL can't be used: write "https://dam.example.com"`)
	case base.User != nil:
		return nil, errors.New("the URL has user information: name the user and the file of the password instead")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the URL has a query or a fragment: write where the API's paths begin")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = strings.TrimRight(base.RawPath, "/")
	return base, nil
}

// checkCredentials wants what the API's authentication is made of.
func (c *Config) checkCredentials() error {
	need := func(what, value string) error {
		if value == "" {
			return fmt.Errorf("authentication by %s needs a %s", c.API.Auth.Type, what)
		}
		return nil
	}
	switch c.API.Auth.Type {
	case Basic, Login:
		return errors.Join(need("user name", c.Username), need("password", c.Password))
	case Bearer, Header, Query:
		return need("token", c.Token)
	case Headers:
		return errors.Join(need("user name", c.Username), need("token", c.Token))
	default:
		return nil
	}
}
