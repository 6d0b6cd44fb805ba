// Package deliver owns the attempt: one request to one endpoint, and what it
// came to by the rules of HTTP.
//
// It guarantees:
//
//   - every attempt leaves an outcome, also a refused dial, a half-read answer
//     and a redirect;
//   - an attempt ends within the endpoint's timeout, and reads no more of the
//     answer than it was told to;
//   - no connection is made to an address that the dial guard refuses, however
//     the name resolved;
//   - an outcome's texts hold no header value, user information or query string
//     of the endpoint, not even where a receiver sends them back.
//
// A short request for plain HTTP that no proxy is in the way of goes over
// pkg/deliver/http1, any other over net/http; an outcome does not tell which. The
// first way costs half of the processor's time that a post with a bare
// http.Client does, the receiver's part in both included (BenchmarkSend), the
// second up to a tenth more. With its connection an attempt holds some 14 KiB,
// most of them stacks, over net/http some 40; an idle connection holds 1 KiB,
// over net/http some 32, for a minute. So ten thousand attempts at a time take
// 140 or 400 MB, and who makes them must bound them.
//
// It must not know stores, schedules and styles: whether and when to try again,
// and what an answer means to a style, is decided elsewhere.
package deliver

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"
)

// Config says how attempts leave this machine.
type Config struct {
	// UserAgent is sent with every request: "dz/<version>".
	UserAgent string
	// Deny adds networks to those that are refused by default; Allow makes
	// exceptions from both. See guard.go.
	Deny, Allow []netip.Prefix
	// Now is the clock that outcomes, Webhook-Timestamp and the dates in
	// Retry-After are told by; nil means the system's. How long an attempt
	// takes is measured by a clock that can't be set.
	Now func() time.Time
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	// Proxy returns the proxy for a request; nil means http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial connects in the place of net.Dialer, for tests and for ways other
	// than TCP. The guard checks what address it can see: the one asked for, if
	// it is not a name, and the one connected to, if it is a TCP address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Limits bound one attempt.
type Limits struct {
	// Answer is how much of the answer is read, in bytes. A 2xx answer that is
	// longer is a success all the same, marked as truncated.
	Answer int64
	// Timeout is of the whole request, where the endpoint has none of its own.
	Timeout time.Duration
}

// Sender makes attempts. Its methods may be called by many goroutines at a
// time.
type Sender struct {
	config Config
	guard  atomic.Pointer[guard]
	pool   pool
}

// New makes a sender.
func New(config Config) *Sender {
	if config.Proxy == nil {
		config.Proxy = http.ProxyFromEnvironment
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Sender{config: config}
	s.guard.Store(newGuard(config.Deny, config.Allow))
	s.pool.open, s.pool.openHost, s.pool.goesDirect = s.newTransport, s.newHost, s.goesDirect
	s.pool.userAgent = config.UserAgent
	return s
}

// Reload replaces the lists of networks, gives up every connection, and has
// certificates read anew. Attempts under way end as they began, and the old
// connections are closed after them.
func (s *Sender) Reload(deny, allow []netip.Prefix) {
	s.guard.Store(newGuard(deny, allow))
	s.pool.clear()
}

// Forget lets go of what is kept for an endpoint. It is due when the endpoint
// is removed, and does no harm at other times: a changed endpoint is noticed
// by its Updated time and its settings.
func (s *Sender) Forget(endpointID uint64) { s.pool.forget(endpointID) }

// Close closes every connection. It is called after the last Send.
func (s *Sender) Close() { s.pool.clear() }
