// Package http1 makes exchanges of HTTP/1.1, a request out and its answer in, on
// the goroutine that wants them.
//
// net/http gives a connection two goroutines of its own and hands every exchange
// to and fro between the three, for a request may be so long that its answer
// comes first. A short one fits into what the system buffers: it is written at
// once and its answer read at once, for a third of the processor's time, and an
// idle connection holds nothing but its socket.
//
// It owns the connections to an address, under way and idle. It guarantees:
//
//   - a request is sent once, save what Request.Again says;
//   - an exchange is over at its deadline and when its context is;
//   - an answer is read by net/http's own parser, so that it means what it would
//     mean there, within the same limits;
//   - a connection is used again only after an answer that ended as it said,
//     with nothing behind it, and if the receiver has not closed it since.
//
// It must not know what a request says, who may be called, and what an answer
// means. Proxies, TLS and requests that wait for a "100 Continue" are
// net/http's.
package http1

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxMessage bounds a request, in bytes. Systems buffer more than that for a
// connection on which nothing is under way, so writing it does not wait for the
// receiver, which may answer before it has read the request to its end.
const MaxMessage = 32 << 10

// Settings are what a host is made of.
type Settings struct {
	// Dial connects to the host, and ends with its context.
	Dial func(ctx context.Context) (net.Conn, error)
	// MaxIdle bounds the idle connections that are kept, and IdleTimeout how
	// long each of them is.
	MaxIdle     int
	IdleTimeout time.Duration
	// MaxHeader bounds the header of an answer with all that comes before it,
	// in bytes; what else came with its end counts, too.
	MaxHeader int64
}

// Host is one address, and the connections to it. Its methods may be called by
// many goroutines at a time.
type Host struct {
	settings Settings

	mu     sync.Mutex
	idle   []*conn     // the one that is idle for the longest time first
	expiry *time.Timer // ends the first one; nil while there was none to end
	closed bool
}

// NewHost makes a host without connections.
func NewHost(settings Settings) *Host { return &Host{settings: settings} }

// Request is a request and how it is sent.
type Request struct {
	// Message is its header and body as they go over the connection, at most
	// MaxMessage bytes. It is not looked at after Do.
	Message []byte
	// About has the request's method and URL; nothing else of it is looked at.
	About *http.Request
	// Deadline is when the whole exchange is over, its answer read.
	Deadline time.Time
	// Again says that the message may be sent again, over another connection,
	// if one that was kept closes without an answer. Otherwise it is sent again
	// only if the first connection took not one byte of it.
	Again bool
}

// DialError is a connection that did not come about.
type DialError struct{ Err error }

func (e *DialError) Error() string { return fmt.Sprintf("dial: %v", e.Err) }

// Unwrap returns what Dial returned.
func (e *DialError) Unwrap() error { return e.Err }

// HeaderError is an answer whose header is longer than it may be.
type HeaderError struct{ Limit int64 }

func (e *HeaderError) Error() string {
	return fmt.Sprintf("the header of the answer is longer than %d bytes", e.Limit)
}

// Do makes one exchange, over an idle connection or a new one. It returns when
// the header of the answer is there; the body is read within the deadline and
// the context as well, and must be closed. Answers of 1xx before it are passed
// over, 101 is an answer without a body. Errors are a DialError, a HeaderError
// and those of net and of http.ReadResponse.
func (h *Host) Do(ctx context.Context, r Request) (*http.Response, error) {
	var unanswered error // of a connection that may have taken the message
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, kept, err := h.connect(ctx, r.Deadline)
		switch {
		case err != nil && unanswered != nil:
			return nil, unanswered // it was sent, whatever kept it from being sent again
		case err != nil:
			return nil, &DialError{err}
		}
		response, progress, err := c.exchange(ctx, r, kept)
		if err == nil {
			return response, nil
		}
		if again := progress == nothingSent || progress == nothingCame && r.Again; !again || !kept || over(ctx, err) {
			return nil, err
		}
		if progress == nothingCame {
			unanswered = err
		}
	}
}

// connect returns a connection for one exchange, and whether it was kept from
// one before.
func (h *Host) connect(ctx context.Context, deadline time.Time) (c *conn, kept bool, err error) {
	for c := h.take(); c != nil; c = h.take() {
		// The deadline comes first: a socket is not looked at after its last one.
		if c.wire.SetDeadline(deadline) == nil && c.alive(time.Now()) {
			return c, true, nil
		}
		c.close()
	}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	wire, err := h.settings.Dial(limited)
	if err != nil {
		return nil, false, err
	}
	if err := wire.SetDeadline(deadline); err != nil {
		_ = wire.Close() // nothing was written to it
		return nil, false, err
	}
	return newConn(h, wire), false, nil
}
