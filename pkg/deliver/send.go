package deliver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
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
// A request is sent once. The one exception: it is sent again, on another
// connection, if the receiver is known not to have seen it or not to have begun
// on it (no byte was written; HTTP/2 refused the stream). An endpoint that has a
// header Idempotency-Key or X-Idempotency-Key set asks to do so also where that
// can't be known, because a kept connection closed without an answer.
func (s *Sender) Send(ctx context.Context, ep *endpoint.Endpoint, r attempt.Request, limits Limits) (attempt.Answer, attempt.Outcome) {
	e := &exchange{sender: s, ep: ep, timeout: ep.RequestTimeout(limits.Timeout), limit: max(limits.Answer, 0), secrets: r.Secrets}
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
	secrets []attempt.Secret // of the message
	// connected says that there was a connection for the request, with its TLS
	// handshake done. net/http may set it from another goroutine.
	connected atomic.Bool
	// sent says of a request that may be sent again that net/http has sent it.
	sent atomic.Bool
}

func (e *exchange) run(ctx context.Context, r attempt.Request, started, deadline time.Time) (attempt.Answer, attempt.Outcome) {
	line, err := e.sender.pool.get(e.ep, e.sender.guard.Load())
	if err != nil {
		return attempt.Answer{}, e.failed(ctx, err)
	}
	defer line.shared.letGo()
	if line.direct != nil {
		response, err := e.post(ctx, line, r, started, deadline)
		if !errors.Is(err, errNotCarriable) {
			recycle(&r)
			return e.take(ctx, response, err)
		}
	}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	c, response, err := e.roundTrip(limited, line, r, started)
	answer, outcome := e.take(ctx, response, err)
	if err == nil && c.isWritten(response) {
		recycle(&r)
	}
	return answer, outcome
}

func recycle(r *attempt.Request) {
	if r.Recycle != nil {
		r.Recycle()
	}
}

// take reads the answer, if there is one.
func (e *exchange) take(ctx context.Context, response *http.Response, err error) (attempt.Answer, attempt.Outcome) {
	if err != nil {
		return attempt.Answer{}, e.failed(ctx, err)
	}
	defer response.Body.Close()
	return e.read(ctx, response)
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
	secrets := secretsOf(e.ep, e.secrets)
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
	var read bytes.Buffer
	if announced := min(response.ContentLength, limit, maxAnnounced); announced > 0 {
		read.Grow(int(announced) + bytes.MinRead) // so that the end of it is seen without more room
	}
	_, err = read.ReadFrom(io.LimitReader(response.Body, limit+1))
	if body = read.Bytes(); int64(len(body)) > limit {
		return body[:limit], true, nil
	}
	return body, false, err
}

// maxAnnounced is how much room is made for an answer because its receiver says that it
// is so long, in bytes.
const maxAnnounced = 256 << 10
