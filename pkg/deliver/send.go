package deliver

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
)

// maxFailedAnswer is how much of an answer that is no success is read, in bytes,
// if the limits allow as much.
const maxFailedAnswer = 64 << 10

// Send makes one attempt. It returns when the answer has been read as far as
// the limits allow, when the endpoint's timeout is over, or when ctx is.
//
// A request is sent once. The one exception is net/http's: it sends again, on
// another connection, what it knows the receiver not to have seen or not to
// have begun on (no byte was written; HTTP/2 refused the stream). An endpoint
// that has a header Idempotency-Key or X-Idempotency-Key set asks net/http to
// do so also where it can't know.
func (s *Sender) Send(ctx context.Context, ep *endpoint.Endpoint, r attempt.Request, limits Limits) (attempt.Answer, attempt.Outcome) {
	e := &exchange{sender: s, ep: ep, timeout: ep.RequestTimeout(limits.Timeout), limit: max(limits.Answer, 0), message: r.Body}
	started, begun := s.config.Now(), time.Now()
	answer, outcome := e.run(ctx, r, started, begun.Add(e.timeout))
	outcome.Started, outcome.Duration = started, time.Since(begun)
	return answer, outcome
}

// exchange is one attempt under way. net/http may look at it after the attempt
// is over, so it is not used again.
type exchange struct {
	sender  *Sender
	ep      *endpoint.Endpoint
	timeout time.Duration
	limit   int64
	message []byte // the body of the request
	unsent  bytes.Reader
	trace   httptrace.ClientTrace
	// connected says that there was a connection for the request, with its TLS
	// handshake done. net/http may set it from another goroutine.
	connected atomic.Bool
}

func (e *exchange) run(ctx context.Context, r attempt.Request, started, deadline time.Time) (attempt.Answer, attempt.Outcome) {
	line, err := e.sender.pool.get(e.ep, e.sender.guard.Load())
	if err != nil {
		return attempt.Answer{}, e.failed(ctx, err)
	}
	defer line.shared.letGo()
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	e.trace.GotConn = e.gotConn
	request := line.target.blank.WithContext(httptrace.WithClientTrace(limited, &e.trace))
	request.Header = line.target.header(r, started)
	if len(e.message) > 0 {
		e.unsent.Reset(e.message)
		request.Body = io.NopCloser(&e.unsent) // net/http looks for a bytes.Reader in it, and writes it with the header
		request.ContentLength = int64(len(e.message))
		request.GetBody = e.messageAgain
	}
	// The transport itself rather than an http.Client: nothing is redirected,
	// and no error repeats the URL.
	response, err := line.shared.transport.RoundTrip(request)
	if err != nil {
		return attempt.Answer{}, e.failed(ctx, err)
	}
	defer response.Body.Close()
	return e.read(ctx, response)
}

func (e *exchange) gotConn(httptrace.GotConnInfo) { e.connected.Store(true) }

// messageAgain is the request's GetBody, for what net/http sends twice.
func (e *exchange) messageAgain() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(e.message)), nil
}

// read reads the answer and judges it. The status decides, save that a success
// counts only once its body has been read to the end or the limit: one that
// breaks off may not have been meant, and is better told twice.
func (e *exchange) read(ctx context.Context, response *http.Response) (attempt.Answer, attempt.Outcome) {
	outcome := judge(response.StatusCode)
	if honoursRetryAfter(response.StatusCode) {
		outcome.NotBefore = retryAfter(response.Header.Get("Retry-After"), e.sender.config.Now())
	}
	limit := e.limit
	if outcome.Verdict != attempt.Delivered {
		limit = min(limit, maxFailedAnswer)
	}
	answer := attempt.Answer{Status: response.StatusCode, Header: response.Header}
	var err error
	answer.Body, answer.Truncated, err = readBody(response, limit)
	if err != nil && outcome.Verdict == attempt.Delivered {
		outcome = e.failed(ctx, &answerError{read: len(answer.Body), err: err})
		outcome.Status = response.StatusCode
	}
	if outcome.Verdict == attempt.Delivered {
		return answer, outcome
	}
	secrets := secretsOf(e.ep)
	if outcome.Reason == attempt.Redirect {
		outcome.Error = plain(outcome.Error + secrets.mask(redirectHint(response)))
	}
	outcome.Response = secrets.beginning(answer.Body)
	return answer, outcome
}

// readBody reads at most limit bytes, and reports whether there were more. Read
// to its end, the body leaves its connection to the next request.
func readBody(response *http.Response, limit int64) (body []byte, truncated bool, err error) {
	if response.Body == http.NoBody || response.StatusCode == http.StatusSwitchingProtocols {
		return nil, false, nil // nobody will speak the other protocol
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if int64(len(body)) > limit {
		return body[:limit], true, nil
	}
	return body, false, err
}
