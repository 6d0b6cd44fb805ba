// Package endpoint owns what a registered receiver is: its target, its
// subscription (which changes it wants), its delivery settings, and its health
// as a function of the outcomes of its attempts.
//
// It validates, matches and computes; it never sends and never stores. Time
// comes in as data.
package endpoint

import (
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/timespan"
)

// Defaults of an endpoint's delivery settings.
const (
	DefaultStyle          = "notify"
	DefaultConcurrency    = 8
	MaxConcurrency        = 1024
	DefaultTimeout        = timespan.Span(30 * time.Second)
	DefaultConnectTimeout = timespan.Span(5 * time.Second)
	MaxTimeout            = timespan.Span(time.Hour)
	DefaultInterval       = timespan.Span(5 * time.Second)
	DefaultMaxWait        = timespan.Span(60 * time.Second)
)

// Endpoint is a registered receiver. Settings left at their zero value mean the
// default (nil for debounce, which may well be 0).
type Endpoint struct {
	// ID is given by the store and never used again, so that what is owed to a
	// removed endpoint can't be taken for what is owed to its successor.
	ID          uint64 `json:"id"`
	Name        string `json:"name"`
	Group       string `json:"group,omitempty"` // of endpoints that were added together
	Style       string `json:"style"`
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
	Enabled     bool   `json:"enabled"`
	// Temporary: it is there for somebody who watches, and is removed when
	// nobody has watched its attempts for a while.
	Temporary bool `json:"temporary,omitempty"`

	// Headers are sent with every request. Their values are secrets.
	Headers map[string]string `json:"headers,omitempty"`

	// Signing is what requests are signed with, the newest first; none: they are
	// not signed. At least one does not expire.
	Signing []SigningSecret `json:"signing,omitempty"`

	Subscription Subscription `json:"subscription"`

	Debounce       *timespan.Span `json:"debounce,omitempty"` // quiet window
	MaxWait        *timespan.Span `json:"maxWait,omitempty"`  // ceiling of the quiet window
	Retry          Schedule       `json:"retry,omitempty"`
	Timeout        timespan.Span  `json:"timeout,omitempty"`        // of the whole request
	ConnectTimeout timespan.Span  `json:"connectTimeout,omitempty"` // of dialling
	Concurrency    int            `json:"concurrency,omitempty"`    // requests at a time
	Rate           float64        `json:"rate,omitempty"`           // requests a second; 0 is unlimited

	CAFile     string `json:"caFile,omitempty"`     // PEM, instead of the system's roots
	ClientCert string `json:"clientCert,omitempty"` // PEM
	ClientKey  string `json:"clientKey,omitempty"`  // PEM

	// Options are the settings that only its style knows, by their JSON names.
	Options map[string]json.RawMessage `json:"options,omitempty"`

	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Window is how long a change is held back: until Interval has passed without
// another change, but not longer than MaxWait after the first.
type Window struct {
	Interval time.Duration
	MaxWait  time.Duration
}

// DefaultWindow is the debounce used where nothing else is configured.
func DefaultWindow() Window {
	return Window{Interval: DefaultInterval.Std(), MaxWait: DefaultMaxWait.Std()}
}

// Due is when a change first seen at first and last seen at last is to be told.
func (w Window) Due(first, last time.Time) time.Time {
	quiet, ceiling := last.Add(w.Interval), first.Add(w.MaxWait)
	if ceiling.Before(quiet) {
		return ceiling
	}
	return quiet
}

// Window returns the endpoint's debounce, or what it leaves open from defaults.
// A default that contradicts the endpoint's own setting gives way to it: the
// ceiling is never below the quiet window.
func (e *Endpoint) Window(defaults Window) Window {
	w := defaults
	if e.MaxWait != nil {
		w.MaxWait = e.MaxWait.Std()
		w.Interval = min(w.Interval, w.MaxWait)
	}
	if e.Debounce != nil {
		w.Interval = e.Debounce.Std()
	}
	w.MaxWait = max(w.MaxWait, w.Interval)
	return w
}

// Slots is how many requests may be under way at a time.
func (e *Endpoint) Slots() int {
	if e.Concurrency > 0 {
		return e.Concurrency
	}
	return DefaultConcurrency
}

// RequestTimeout is how long one request may take in whole; fallback is the
// style's, used where the endpoint has none of its own.
func (e *Endpoint) RequestTimeout(fallback time.Duration) time.Duration {
	switch {
	case e.Timeout > 0:
		return e.Timeout.Std()
	case fallback > 0:
		return fallback
	default:
		return DefaultTimeout.Std()
	}
}

// DialTimeout is how long connecting may take.
func (e *Endpoint) DialTimeout() time.Duration {
	if e.ConnectTimeout > 0 {
		return e.ConnectTimeout.Std()
	}
	return DefaultConnectTimeout.Std()
}

// Schedule returns the endpoint's retry schedule, or the default.
func (e *Endpoint) Schedule() Schedule {
	if len(e.Retry) > 0 {
		return e.Retry
	}
	return DefaultSchedule()
}

// Masked stands for a secret value wherever one would be shown.
const Masked = "***"

// Redacted returns a copy without secrets: header values, signing secrets and
// what is secret in the URL are masked. Of the options only the style knows
// which are secret; they stay.
func (e *Endpoint) Redacted() Endpoint {
	c := *e
	c.URL = RedactURL(e.URL)
	c.Signing = maskSigning(e.Signing)
	if e.Headers != nil {
		c.Headers = make(map[string]string, len(e.Headers))
		for name := range e.Headers {
			c.Headers[name] = Masked
		}
	}
	return c
}
