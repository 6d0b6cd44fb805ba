package attempt

import "net/http"

// Request is what a style wants sent: the message, not yet the way to the
// receiver.
type Request struct {
	// ID is the webhook-id: the same for every attempt at one generation that tells
	// the same.
	ID          string
	ContentType string
	Body        []byte
	// Recycle, if not nil, is called when the request has been sent, and nobody looks at
	// Body any more: once, or never where that can't be known. It must be quick.
	Recycle func()
	// Header holds what the style adds; the endpoint's own headers and those of
	// Standard Webhooks are added by the sender.
	Header http.Header
	// Shown is the body with its secrets masked, for people; nil: Body is shown, with
	// Secrets masked.
	Shown []byte
	// Secrets are texts in the message that must not be shown, beside those of
	// the endpoint.
	Secrets []Secret
}

// Secret is a text that must not be shown, for receivers repeat what they were sent.
type Secret struct {
	Text string
	// Shown is what stands for it; "" for the usual mask. A text without one is
	// left as it is if it is so short that it is found by chance in any answer.
	Shown string
}

// Answer is what came back, as far as it was read.
type Answer struct {
	Status    int
	Header    http.Header
	Body      []byte
	Truncated bool // the answer was longer than was read
}
