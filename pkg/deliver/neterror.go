package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/deliver/http1"
)

// answerError is what kept an answer from being read to its end.
type answerError struct {
	read int // bytes
	err  error
}

func (e *answerError) Error() string { return fmt.Sprintf("answer after %d bytes: %v", e.read, e.err) }
func (e *answerError) Unwrap() error { return e.err }

// failed says what it means that no (whole) answer came: which reason, in what
// words. ctx is the caller's, without the attempt's own timeout.
func (e *exchange) failed(ctx context.Context, err error) attempt.Outcome {
	if ctx.Err() != nil {
		return attempt.Outcome{Verdict: attempt.Aborted, Reason: attempt.Shutdown, Error: "dz broke the attempt off"}
	}
	reason, text := e.explain(err)
	return attempt.Outcome{Verdict: attempt.Unavailable, Reason: reason, Error: plain(text)}
}

// explain finds the reason by the kind of the error. The words are dz's own
// wherever net/http's would repeat what the receiver sent.
func (e *exchange) explain(err error) (attempt.Reason, string) {
	var (
		dns         *net.DNSError
		refused     *deniedError
		certificate *certificateError
		proxy       *proxyError
	)
	switch {
	case e.sent.Load() && !e.connected.Load():
		// It is not known that the receiver did not take it, so what kept it from
		// being sent again is not the reason.
		return attempt.ConnectionClosed, closedText(io.EOF)
	case errors.As(err, &dns):
		return attempt.DNS, dnsText(dns)
	case errors.As(err, &refused):
		return attempt.Denied, refused.Error()
	case errors.As(err, &certificate):
		return attempt.TLS, certificate.Error()
	case errors.As(err, &proxy):
		return attempt.Unreachable, proxy.Error()
	case isTimeout(err):
		return e.explainTimeout(err)
	case isTLS(err):
		return attempt.TLS, tlsText(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return attempt.Refusal, "connection refused"
	case isClosed(err):
		return attempt.ConnectionClosed, closedText(err)
	case e.connected.Load():
		return attempt.BadAnswer, badAnswerText(err)
	default:
		return attempt.Unreachable, e.unreachableText(err)
	}
}

func dnsText(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return fmt.Sprintf("host %s is unknown: it has no address in DNS", err.Name)
	case err.IsTimeout:
		return fmt.Sprintf("host %s: DNS did not answer in time", err.Name)
	default:
		return fmt.Sprintf("host %s: %s", err.Name, err.Err)
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// explainTimeout says which limit was over, and what it was waited for.
func (e *exchange) explainTimeout(err error) (attempt.Reason, string) {
	var inAnswer *answerError
	switch {
	case errors.As(err, &inAnswer):
		return attempt.Timeout, fmt.Sprintf("the answer was not complete within %s: %d bytes came", e.timeout, inAnswer.read)
	case e.connected.Load():
		return attempt.Timeout, fmt.Sprintf("no answer within %s", e.timeout)
	case strings.Contains(err.Error(), "TLS handshake"): // net/http's error has no type of its own
		return attempt.ConnectTimeout, fmt.Sprintf("no TLS handshake within %s", e.connectTimeout())
	default:
		return attempt.ConnectTimeout, fmt.Sprintf("no connection within %s", e.connectTimeout())
	}
}

func (e *exchange) connectTimeout() time.Duration { return min(e.ep.DialTimeout(), e.timeout) }

// isTLS reports whether the handshake failed, here or there. A TLS 1.3 receiver
// that wants a client certificate says so only after the handshake, in the
// place of an answer.
func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		operation    *net.OpError
	)
	return errors.As(err, &verification) || errors.As(err, &record) ||
		errors.As(err, &operation) && (operation.Op == "remote error" || operation.Op == "local error") ||
		strings.HasPrefix(err.Error(), "tls: ")
}

func tlsText(err error) string {
	var (
		record    tls.RecordHeaderError
		operation *net.OpError
	)
	if errors.As(err, &record) {
		return "TLS: the receiver does not speak TLS on this port (http:// instead of https://?)"
	}
	if errors.As(err, &operation) && operation.Op == "remote error" {
		return "TLS: the receiver refuses: " + strings.TrimPrefix(operation.Err.Error(), "tls: ")
	}
	text := strings.TrimPrefix(err.Error(), "tls: ")
	return "TLS: " + strings.TrimPrefix(text, "failed to verify certificate: ")
}

// http2ResetError has the fields of net/http's unexported error for a stream that
// was reset, which As copies into any struct that has them.
type http2ResetError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (http2ResetError) Error() string { return "the HTTP/2 stream was reset" }

// isClosed reports whether the connection ended where an answer was due.
func isClosed(err error) bool {
	var reset http2ResetError
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	if errors.As(err, &reset) {
		return true
	}
	// These have neither type nor value to compare with.
	text := err.Error()
	return strings.Contains(text, "server closed idle connection") ||
		strings.HasPrefix(text, "http2: server sent GOAWAY") ||
		strings.HasPrefix(text, "http2: client conn")
}

func closedText(err error) string {
	var inAnswer *answerError
	if errors.As(err, &inAnswer) {
		return fmt.Sprintf("the connection was closed within the answer, after %d bytes", inAnswer.read)
	}
	return "the connection was closed before an answer"
}

// badAnswerText does not repeat the error: net/http quotes in it what came.
func badAnswerText(err error) string {
	var tooLong *http1.HeaderError
	if errors.As(err, &tooLong) || strings.Contains(err.Error(), "response headers exceeded") ||
		strings.Contains(err.Error(), "header list larger") {
		return fmt.Sprintf("the header of the answer is longer than %d bytes", maxAnswerHeader)
	}
	var inAnswer *answerError
	if errors.As(err, &inAnswer) {
		return fmt.Sprintf("the answer is not valid HTTP after %d bytes", inAnswer.read)
	}
	return "the answer is not valid HTTP"
}

// unreachableText leaves out net.OpError's addresses, which the endpoint's URL
// shows as well.
func (e *exchange) unreachableText(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return "can't connect: " + errno.Error()
	}
	return "can't connect: " + secretsOf(e.ep, e.secrets).mask(err.Error())
}
