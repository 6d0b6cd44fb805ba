// Package attempt owns the outcome of one try to deliver: what was decided
// about it (the verdict), why (the reason), and what the receiver said.
//
// Every attempt leaves an outcome, also one that never left this machine.
package attempt

import "time"

// MaxResponse is how much of an answer is kept with a failed attempt, in bytes.
const MaxResponse = 2 << 10

// Verdict is what an attempt means for the debt and for the endpoint.
type Verdict uint8

// The verdicts.
const (
	// Delivered: the receiver took it.
	Delivered Verdict = iota + 1
	// Refused: the receiver is there, but does not want this object; it says
	// nothing about the receiver's health.
	Refused
	// Unavailable: the receiver, or the way to it, does not work at present.
	Unavailable
	// Gone: the receiver wants nothing any more (410); the endpoint pauses.
	Gone
	// Aborted: dz itself broke the attempt off (shutdown), or never made it;
	// it counts against nobody.
	Aborted
)

// String returns the verdict's word.
func (v Verdict) String() string {
	switch v {
	case Delivered:
		return "delivered"
	case Refused:
		return "refused"
	case Unavailable:
		return "unavailable"
	case Gone:
		return "gone"
	case Aborted:
		return "aborted"
	default:
		return "unknown"
	}
}

// Reason is the cause of an outcome, a word that scripts select by.
type Reason string

// The reasons.
const (
	OK               Reason = "ok"
	DNS              Reason = "dns"    // the host's name has no address
	Denied           Reason = "denied" // the dial guard refuses the address
	Refusal          Reason = "connection-refused"
	Unreachable      Reason = "unreachable" // no route, or another network error
	ConnectTimeout   Reason = "connect-timeout"
	TLS              Reason = "tls"               // certificate or handshake
	Timeout          Reason = "timeout"           // of the whole request
	ConnectionClosed Reason = "connection-closed" // before or within the answer
	BadAnswer        Reason = "bad-answer"        // not HTTP, or not what the style can read
	AnswerTooLarge   Reason = "answer-too-large"
	Redirect         Reason = "redirect"          // 3xx, which is never followed
	RateLimited      Reason = "rate-limited"      // 429
	EndpointGone     Reason = "gone"              // 410
	ClientError      Reason = "client-error"      // other 4xx
	ServerError      Reason = "server-error"      // 5xx
	UnexpectedStatus Reason = "unexpected-status" // anything else
	Compose          Reason = "compose"           // the message could not be made
	Shutdown         Reason = "shutdown"          // broken off by dz
)

// Reasons returns every reason but OK.
func Reasons() []Reason {
	return []Reason{
		DNS, Denied, Refusal, Unreachable, ConnectTimeout, TLS, Timeout, ConnectionClosed, BadAnswer,
		AnswerTooLarge, Redirect, RateLimited, EndpointGone, ClientError, ServerError, UnexpectedStatus,
		Compose, Shutdown,
	}
}

// Outcome is what one attempt left.
type Outcome struct {
	Verdict  Verdict
	Reason   Reason
	Status   int    // HTTP status, 0 if none arrived
	Error    string // for people, without secrets; "" if delivered
	Response []byte // the beginning of the answer, ≤ MaxResponse; nil if delivered
	Started  time.Time
	Duration time.Duration
	// NotBefore is until when the receiver asked to be left alone
	// (Retry-After); zero if it did not ask. It holds for the whole endpoint.
	NotBefore time.Time
}

// Ended is when the attempt was over.
func (o Outcome) Ended() time.Time { return o.Started.Add(o.Duration) }
