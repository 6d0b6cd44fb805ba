package style

import (
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// Message is what a style makes of debts.
type Message struct {
	// Request is what to send; it tells the debts that are not settled Apart.
	Request attempt.Request
	// Apart holds, if it is not nil, an outcome for each debt: one with a verdict
	// settles its debt without being sent (skipped, held, refused because it
	// can't be told; aborted if the message has no room for it, but it has for some).
	// If all have one, nothing is sent.
	Apart []attempt.Outcome
	// Creates are the debts, by their index, whose objects the endpoint is not known
	// to have, and has if it takes the message. That it may is made durable before
	// the request is sent: a kill leaves no object behind that nobody knows of.
	Creates []int
	// Read says what an answer means; nil: its status alone decides, for all
	// debts alike. sent is what the sender made of the exchange by the rules of
	// HTTP.
	Read func(answer attempt.Answer, sent attempt.Outcome) Reading
	// Passage, if not nil, is told how the message fares.
	Passage Passage
}

// Passage follows a message whose style counts what is under way.
type Passage interface {
	// Settle is called before what came of the message is made durable, each time
	// that this is tried.
	Settle()
	// End is called once: when that is durable, or as soon as it is known that
	// nothing of the message is acknowledged.
	End()
}

// Reading is what an answer means.
type Reading struct {
	// Outcome is that of the request, for the endpoint's health.
	Outcome attempt.Outcome
	// Debts holds one result for each debt of the message; those of debts that
	// are settled apart mean nothing.
	Debts []Result
	// Divide: it failed as a whole, and one of its debts alone may be to blame:
	// parts of it may well be taken.
	Divide bool
}

// Result is what an answer means for one debt.
type Result struct {
	Outcome      attempt.Outcome
	Acknowledged *tracking.Acknowledgement
}

// Told is a message that is one request, judged by its status.
func Told(r attempt.Request) Message { return Message{Request: r} }

// Understand returns what an answer to the message, which tells n debts, means.
func (m *Message) Understand(n int, answer attempt.Answer, sent attempt.Outcome) Reading {
	if m.Read != nil {
		return m.Read(answer, sent)
	}
	reading := Reading{Outcome: sent, Debts: make([]Result, n)}
	for i := range reading.Debts {
		reading.Debts[i].Outcome = sent
	}
	return reading
}
