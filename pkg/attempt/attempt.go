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
	// Skipped: what happened does not matter to this endpoint, which is not told.
	Skipped
	// Held: it is a deletion, one of too many at a time, and waits for a person.
	Held
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
	case Skipped:
		return "skipped"
	case Held:
		return "held"
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
	NoItem           Reason = "no-item-in-answer" // the answer does not acknowledge this object
)

// The reasons for which an endpoint is not told.
const (
	Unchanged  Reason = "unchanged"   // nothing that it is shown differs from what it has acknowledged
	Irrelevant Reason = "irrelevant"  // the fields and formats that changed are none that it asked for
	Filtered   Reason = "filter"      // its filter leaves the asset out, and it was never told of it
	Untracked  Reason = "not-tracked" // the asset is gone, and it was never told of it
	// TooManyDeletions holds deletions: see Held.
	TooManyDeletions Reason = "too-many-deletions"
)

// SkipReasons returns the reasons of Skipped.
func SkipReasons() []Reason { return []Reason{Unchanged, Irrelevant, Filtered, Untracked} }

// Reasons returns every reason but OK.
func Reasons() []Reason {
	return []Reason{
		DNS, Denied, Refusal, Unreachable, ConnectTimeout, TLS, Timeout, ConnectionClosed, BadAnswer,
		AnswerTooLarge, Redirect, RateLimited, EndpointGone, ClientError, ServerError, UnexpectedStatus,
		Compose, Shutdown, NoItem,
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

// IsUnclear reports whether the attempt failed and the receiver may have taken
// what was sent all the same. It is clear that it did not where nothing was sent.
func (o Outcome) IsUnclear() bool {
	switch o.Verdict {
	case Refused, Unavailable, Gone:
	case Delivered, Aborted, Skipped, Held:
		return false
	}
	switch o.Reason {
	case Compose, DNS, Denied, Refusal, Unreachable, ConnectTimeout:
		return false
	default:
		return true // also TLS: a receiver may end it where the answer was due
	}
}

// Ended is when the attempt was over.
func (o Outcome) Ended() time.Time { return o.Started.Add(o.Duration) }
