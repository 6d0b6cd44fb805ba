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

// clockSlack is how far the clock may be behind the last failure before it is
// taken to have been set back, and what was to be waited for, to be over.
const clockSlack = time.Minute

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
// value is that of a new endpoint. Its times are times of day alone, as they are
// once they were stored: beside Go's monotonic reading a clock that was set back
// would not be noticed.
type Health struct {
	// Revision rises with every change, so that of two the newer one is known.
	Revision uint64 `json:"revision,omitempty"`
	// Since is when a person last switched the endpoint on or changed its
	// target: attempts that began before say nothing about it.
	Since time.Time `json:"since,omitzero"`

	Gone      bool      `json:"gone,omitempty"`
	Failures  int       `json:"failures,omitempty"` // in a row
	Probes    int       `json:"probes,omitempty"`   // failed, since SickSince
	SickSince time.Time `json:"sickSince,omitzero"` // zero while healthy
	NotBefore time.Time `json:"notBefore,omitzero"` // no attempt before it
	// RetryAfter is what the receiver asked for. It holds also if an attempt
	// that was under way at the time succeeds; NotBefore is never earlier.
	RetryAfter time.Time `json:"retryAfter,omitzero"`
	// Hasten: it works again, and the retries that wait for that are yet to be
	// brought forward. It is part of the state, so that a process that ends in
	// between leaves the next one to do it.
	Hasten bool `json:"hasten,omitempty"`

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
	o.Started, o.NotBefore = o.Started.Round(0), o.NotBefore.Round(0)
	if saysNothing(o.Verdict) || h.beforeMyTime(o) {
		return h
	}
	h.Revision++
	if h.clockSetBack(o.Ended()) {
		h.NotBefore, h.RetryAfter = time.Time{}, time.Time{}
		if !h.SickSince.IsZero() {
			h.SickSince = o.Started
		}
	}
	if o.Ended().After(h.LastAttempt) {
		h.LastAttempt = o.Ended()
	}
	if o.Verdict == attempt.Delivered {
		h.LastSuccess = o.Ended()
		h.LastError, h.LastReason, h.LastStatus = "", "", o.Status
		return h.recovered(o.Ended())
	}
	h.LastFailure = o.Ended()
	h.LastError, h.LastReason, h.LastStatus = o.Error, o.Reason, o.Status
	switch o.Verdict {
	case attempt.Refused:
		// It answered, and only about this object: the receiver works.
		return h.recovered(o.Ended())
	case attempt.Gone:
		h.Gone = true
		return h
	case attempt.Delivered, attempt.Unavailable, attempt.Aborted, attempt.Skipped, attempt.Held:
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
	h.RetryAfter = later(h.RetryAfter, o.NotBefore)
	h.NotBefore = later(h.NotBefore, h.RetryAfter)
	return h
}

// saysNothing reports whether there was no exchange with the receiver.
func saysNothing(v attempt.Verdict) bool {
	return v == attempt.Aborted || v == attempt.Skipped || v == attempt.Held
}

// clockSetBack reports whether the clock has gone back since the last failure.
func (h Health) clockSetBack(now time.Time) bool {
	return now.Before(h.LastFailure.Add(-clockSlack))
}

// recovered is the health of a receiver that works, at now.
func (h Health) recovered(now time.Time) Health {
	h.Hasten = h.Hasten || !h.SickSince.IsZero()
	h.Failures, h.Probes = 0, 0
	h.SickSince, h.NotBefore = time.Time{}, time.Time{}
	if h.RetryAfter.After(now) {
		h.NotBefore = h.RetryAfter
	} else {
		h.RetryAfter = time.Time{}
	}
	return h
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// beforeMyTime reports whether an attempt began before a person began the
// endpoint's health anew. One that seems to have begun longer ago than any
// attempt can last did not: the clock was set back since.
func (h Health) beforeMyTime(o attempt.Outcome) bool {
	age := h.Since.Sub(o.Started)
	return !h.Since.IsZero() && age > 0 && age <= MaxTimeout.Std()
}

// Reset returns the health after a person has switched the endpoint on, or
// changed its target, at now: the past no longer holds it back.
func (h Health) Reset(now time.Time) Health {
	h.Since = now.Round(0)
	h.RetryAfter = time.Time{}
	h = h.recovered(time.Time{})
	h.Gone, h.Hasten = false, true
	h.Revision++
	return h
}

// Hastened returns the health after retries have been brought forward.
func (h Health) Hastened() Health {
	if h.Hasten {
		h.Hasten = false
		h.Revision++
	}
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
	state := h.State(enabled)
	switch {
	case state != Healthy && state != Sick:
		return Permit{}
	case now.Before(h.NotBefore) && !h.clockSetBack(now):
		return Permit{Until: h.NotBefore}
	case state == Sick:
		return Permit{Slots: 1}
	default:
		return Permit{Slots: slots}
	}
}
