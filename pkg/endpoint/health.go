package endpoint

import (
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// An endpoint is sick after sickAfter failures in a row, or at once when it
// asks to be left alone (Retry-After). A sick endpoint is probed by one request
// at a time, first after firstProbe, then at doubling distances up to lastProbe,
// until it answers (half-open circuit).
const (
	sickAfter  = 5
	firstProbe = time.Second
	lastProbe  = time.Minute
)

// State is what an endpoint is fit for.
type State string

// The states.
const (
	Healthy  State = "healthy"  // attempts up to its concurrency
	Sick     State = "sick"     // one probe at a time
	Paused   State = "gone"     // answered 410: no attempts until it is enabled again
	Disabled State = "disabled" // switched off by a person: no attempts
)

// Health is what the outcomes of its attempts say about an endpoint. The zero
// value is that of a new endpoint.
type Health struct {
	// Revision rises with every change, so that of two the newer one is known.
	Revision uint64 `json:"revision,omitempty"`

	Gone      bool      `json:"gone,omitempty"`
	Failures  int       `json:"failures,omitempty"` // in a row
	Probes    int       `json:"probes,omitempty"`   // failed, since SickSince
	SickSince time.Time `json:"sickSince,omitzero"` // zero while healthy
	NotBefore time.Time `json:"notBefore,omitzero"` // no attempt before it

	LastAttempt time.Time      `json:"lastAttempt,omitzero"`
	LastSuccess time.Time      `json:"lastSuccess,omitzero"`
	LastFailure time.Time      `json:"lastFailure,omitzero"`
	LastError   string         `json:"lastError,omitempty"` // cleared by a success
	LastReason  attempt.Reason `json:"lastReason,omitempty"`
	LastStatus  int            `json:"lastStatus,omitempty"`
}

// State returns the endpoint's state; enabled is its switch.
func (h Health) State(enabled bool) State {
	switch {
	case !enabled:
		return Disabled
	case h.Gone:
		return Paused
	case !h.SickSince.IsZero():
		return Sick
	default:
		return Healthy
	}
}

// After returns the health after one more outcome.
func (h Health) After(o attempt.Outcome) Health {
	if o.Verdict == attempt.Aborted {
		return h
	}
	h.Revision++
	if o.Ended().After(h.LastAttempt) {
		h.LastAttempt = o.Ended()
	}
	if o.Verdict == attempt.Delivered {
		h.LastSuccess = o.Ended()
		h.LastError, h.LastReason, h.LastStatus = "", "", o.Status
		return h.recovered()
	}
	h.LastFailure = o.Ended()
	h.LastError, h.LastReason, h.LastStatus = o.Error, o.Reason, o.Status
	switch o.Verdict {
	case attempt.Refused:
		// It answered, and only about this object: the receiver works.
		return h.recovered()
	case attempt.Gone:
		h.Gone = true
		return h
	case attempt.Delivered, attempt.Unavailable, attempt.Aborted:
	}
	h.Failures++
	if h.SickSince.IsZero() {
		if h.Failures >= sickAfter || o.NotBefore.After(o.Ended()) {
			h.SickSince, h.Probes = o.Ended(), 0
			h.NotBefore = o.Ended().Add(firstProbe)
		}
	} else if !o.Started.Before(h.SickSince) {
		// Attempts that were under way when it fell sick are no probes.
		h.Probes++
		h.NotBefore = o.Ended().Add(probeDelay(h.Probes))
	}
	if o.NotBefore.After(h.NotBefore) {
		h.NotBefore = o.NotBefore
	}
	return h
}

func (h Health) recovered() Health {
	h.Failures, h.Probes = 0, 0
	h.SickSince, h.NotBefore = time.Time{}, time.Time{}
	return h
}

// Reset returns the health after a person has switched the endpoint on, or
// changed its target: the past no longer holds it back.
func (h Health) Reset() Health {
	h = h.recovered()
	h.Gone = false
	h.Revision++
	return h
}

func probeDelay(failedProbes int) time.Duration {
	delay := firstProbe
	for range failedProbes {
		delay *= 2
		if delay >= lastProbe {
			return lastProbe
		}
	}
	return delay
}

// Permit is how many attempts may be under way, and when to ask again.
type Permit struct {
	Slots int       // attempts that may be under way in all
	Until time.Time // with no slots: when there may be some; zero if only a person can tell
}

// Permit returns what health allows at now, out of the given slots.
func (h Health) Permit(now time.Time, enabled bool, slots int) Permit {
	switch h.State(enabled) {
	case Healthy:
		return Permit{Slots: slots}
	case Sick:
		// A clock set back must not hold an endpoint longer than it asked for.
		if now.Before(h.NotBefore) {
			return Permit{Until: h.NotBefore}
		}
		return Permit{Slots: 1}
	default:
		return Permit{}
	}
}
