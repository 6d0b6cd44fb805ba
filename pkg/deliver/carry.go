package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/deliver/http1"
)

// A request is carried by http1, which costs a third, if it is short, for plain
// HTTP and for the receiver itself; by net/http in any other case.

// messages are buffers for what http1 sends.
var messages = sync.Pool{New: func() any { return new([]byte) }}

// post sends the request over http1. The error is errNotCarriable, with nothing
// sent, if that can't be.
func (e *exchange) post(ctx context.Context, line *line, r attempt.Request, started, deadline time.Time) (*http.Response, error) {
	buf, _ := messages.Get().(*[]byte) // they are nothing else
	defer messages.Put(buf)
	message, err := line.target.append((*buf)[:0], r, started)
	if err != nil {
		return nil, err
	}
	*buf = message
	response, err := line.direct.Do(ctx, http1.Request{
		Message: message, About: line.target.blank, Deadline: deadline,
		Again: line.target.again || mayRepeat(r.Header),
	})
	var dial *http1.DialError
	e.connected.Store(!errors.As(err, &dial))
	return response, err
}

// carried is a request that net/http has.
type carried struct {
	message []byte
	unsent  bytes.Reader
	trace   httptrace.ClientTrace
	opened  atomic.Int32 // how often net/http was given the message
	written atomic.Int32 // how often it has written it
}

func (c *carried) wrote(how httptrace.WroteRequestInfo) {
	if how.Err == nil {
		c.written.Add(1)
	}
}

// isWritten reports whether net/http has nothing more to read of the message. It may go on
// writing after the answer has come, and says of each time when it has ended; over HTTP/2
// not so exactly.
func (c *carried) isWritten(response *http.Response) bool {
	return response.ProtoMajor == 1 && c.written.Load() == c.opened.Load()
}

// roundTrip sends the request over net/http.
func (e *exchange) roundTrip(ctx context.Context, line *line, r attempt.Request, started time.Time) (*carried, *http.Response, error) {
	c := &carried{message: r.Body}
	c.trace.GotConn = func(httptrace.GotConnInfo) { e.connected.Store(true) }
	c.opened.Store(1)
	c.trace.WroteRequest = c.wrote
	if line.target.again || mayRepeat(r.Header) {
		c.trace.GetConn = func(string) { e.connected.Store(false) }
		c.trace.WroteRequest = func(how httptrace.WroteRequestInfo) {
			c.wrote(how)
			e.sent.Store(true)
		}
	}
	request := line.target.blank.WithContext(httptrace.WithClientTrace(ctx, &c.trace))
	request.Header = line.target.header(r, started)
	if len(c.message) > 0 {
		c.unsent.Reset(c.message)
		request.Body = io.NopCloser(&c.unsent) // net/http looks for a bytes.Reader in it, and writes it with the header
		request.ContentLength = int64(len(c.message))
		request.GetBody = c.again
	}
	// The transport itself rather than an http.Client: nothing is redirected,
	// and no error repeats the URL.
	response, err := line.shared.transport.RoundTrip(request)
	return c, response, err
}

// again is the request's GetBody, for what net/http sends twice.
func (c *carried) again() (io.ReadCloser, error) {
	c.opened.Add(1)
	return io.NopCloser(bytes.NewReader(c.message)), nil
}
