package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// conn is a connection. One goroutine at a time uses it.
type conn struct {
	host   *Host
	wire   net.Conn
	socket *socket // nil if the connection is none that can be looked at
	since  time.Time

	// Of an exchange under way.
	reader    *bufio.Reader
	left      int64 // how many bytes may be read; math.MaxInt64 within the body
	late      error // that there was no more time to read; the parser may take it for the end of a line
	interrupt func()
	released  func() bool // gives the context up; false if interrupt was or is called
}

// readers are shared by connections, so that an idle one holds none.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

func newConn(h *Host, wire net.Conn) *conn {
	c := &conn{host: h, wire: wire, socket: socketOf(wire)}
	c.interrupt = func() { _ = wire.SetDeadline(time.Unix(1, 0)) } // it fails on a closed connection, which is as good
	return c
}

// alive reports whether an idle connection may be used: nothing came on it,
// neither its end nor bytes that nobody asked for, and it did not outlive its
// time while the machine was asleep. Only the wall clock goes on then.
func (c *conn) alive(now time.Time) bool {
	return now.Round(0).Sub(c.since.Round(0)) < c.host.settings.IdleTimeout && (c.socket == nil || c.socket.quiet())
}

func (c *conn) close() { _ = c.wire.Close() } // every byte that counts was written, or its exchange failed

// Read reads from the connection for its reader.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, &HeaderError{c.host.settings.MaxHeader}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.wire.Read(p)
	c.left -= int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.late = err
	}
	return n, err
}

// cause is why the reader has no more to give, if that has nothing to do with
// what came; err otherwise.
func (c *conn) cause(err error) error {
	switch {
	case c.late != nil:
		return c.late
	case c.left <= 0:
		return &HeaderError{c.host.settings.MaxHeader}
	default:
		return err
	}
}

// progress is how far an exchange came that failed.
type progress uint8

const (
	nothingSent progress = iota // the receiver can't have seen a byte
	nothingCame                 // it may have seen the request
	answering
)

// exchange sends the request and reads the answer's header. If it fails, the
// connection is closed.
func (c *conn) exchange(ctx context.Context, r Request, kept bool) (*http.Response, progress, error) {
	c.reader, _ = readers.Get().(*bufio.Reader) // they are nothing else
	c.reader.Reset(c)
	c.left, c.late = c.host.settings.MaxHeader, nil
	c.released = context.AfterFunc(ctx, c.interrupt)
	response, at, err := c.send(ctx, r, kept)
	if err != nil {
		c.end(false)
		return nil, at, err
	}
	reusable := !response.Close && response.StatusCode > 199
	if response.ContentLength == 0 || response.StatusCode == http.StatusSwitchingProtocols {
		c.end(reusable)
		response.Body = http.NoBody
	} else {
		response.Body = &body{conn: c, content: response.Body, reusable: reusable}
	}
	return response, answering, nil
}

func (c *conn) send(ctx context.Context, r Request, kept bool) (*http.Response, progress, error) {
	n, err := c.wire.Write(r.Message)
	if err == nil {
		return c.answer(r.About)
	}
	at := nothingSent
	if n > 0 {
		at = nothingCame
	}
	if over(ctx, err) || at == nothingSent && kept {
		return nil, at, err
	}
	// A receiver that refuses a request may close before it has read all of it;
	// its answer is there all the same.
	response, _, none := c.answer(r.About)
	if none != nil {
		return nil, at, err // of the two, the one that came first
	}
	response.Close = true
	return response, answering, nil
}

// answer reads the header of the answer that is no interim one.
func (c *conn) answer(about *http.Request) (*http.Response, progress, error) {
	if _, err := c.reader.Peek(1); err != nil {
		return nil, nothingCame, err
	}
	for {
		response, err := http.ReadResponse(c.reader, about)
		if err != nil {
			return nil, answering, c.cause(err)
		}
		if code := response.StatusCode; code < 100 || code > 199 || code == http.StatusSwitchingProtocols {
			c.left = math.MaxInt64
			return response, answering, nil
		}
	}
}

// end is the exchange's. The connection is kept if it may be used again.
func (c *conn) end(reusable bool) {
	reusable = c.released() && reusable && c.reader.Buffered() == 0
	c.reader.Reset(nil)
	readers.Put(c.reader)
	c.reader = nil
	if reusable {
		c.host.put(c)
	} else {
		c.close()
	}
}

// over reports whether an error is the end of the exchange's time rather than of
// its connection.
func over(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded)
}

// body is an answer's body. Its end is the exchange's.
type body struct {
	conn     *conn // nil once it is closed
	content  io.Reader
	reusable bool
	whole    bool // it was read to its end
}

func (b *body) Read(p []byte) (int, error) {
	if b.conn == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.content.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.whole = true
	case err != nil:
		err = b.conn.cause(err)
	}
	return n, err
}

// Close ends the exchange. What was not read of the body is not waited for.
func (b *body) Close() error {
	if b.conn != nil {
		b.conn.end(b.whole && b.reusable)
		b.conn = nil
	}
	return nil
}
