package style

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// Explainer is a style that does not tell all that its endpoints are owed, and can
// say why. It judges by what is known now, as it does when it tells.
type Explainer interface {
	Style
	// Explain says whether a change, which came in at received, is one that the
	// endpoint is told. The error is the catalogue's, or the store's.
	Explain(ctx context.Context, ep *endpoint.Endpoint, e *event.Event, received time.Time) (Explanation, error)
}

// Explanation says why a change is told, or not.
type Explanation struct {
	Steps []Step // in the order in which they are asked
	// Skipped is why it is not told; "" if it is.
	Skipped attempt.Reason
	// Acknowledged is when the endpoint last acknowledged the object; zero if it
	// does not know of it.
	Acknowledged time.Time
	Text         string // all of it in one sentence, without a verb in front
}

// Step is one thing that decides.
type Step struct {
	Name  string // a word
	OK    bool   // it does not stand against telling
	Wants string // what the endpoint's settings say; "" if they say nothing
	Text  string // what the change, or the object, says
}
