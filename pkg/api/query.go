package api

import (
	"net/url"
	"strconv"
	"time"
)

// Bounds of a page. A page may hold fewer than its limit and still have a next
// one, because it is bounded in bytes too.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Page says which part of a list is meant.
type Page struct {
	// Cursor is the Next of the page before; "" begins at the list's start.
	Cursor string
	// Limit is how many at most, 1 to MaxLimit; 0 is DefaultLimit.
	Limit int
}

// FailureQuery says which failures to list. Nothing selected means all.
type FailureQuery struct {
	FailureSelection
	Page
}

// FailurePage is a part of the failures, in the order of their ids, which is
// that of their making.
type FailurePage struct {
	Failures []Failure `json:"failures"`
	Next     string    `json:"next" doc:"cursor of the next page; empty on the last"`
}

// EventQuery says which recent events to list. Members given together must all
// hold.
type EventQuery struct {
	Since    time.Time // received at or after; zero for any
	Until    time.Time // received before; zero for any
	Type     string    // an event type
	Object   string    // kind/id, or an id
	Endpoint string    // only what this endpoint subscribes to
	Source   string    // of dz, that it came through
	Page
}

// EventPage is a part of the recent events, newest first.
type EventPage struct {
	Events []Event `json:"events"`
	Next   string  `json:"next" doc:"cursor of the next page; empty on the last"`
}

// RejectedQuery says which rejected input to list.
type RejectedQuery struct {
	Source string // only of this one
	Page
}

// RejectedPage is a part of the rejected input, newest first.
type RejectedPage struct {
	Rejected []Rejected `json:"rejected"`
	Next     string     `json:"next" doc:"cursor of the next page; empty on the last"`
}

// EndpointList holds the endpoints, by name.
type EndpointList struct {
	Endpoints []Endpoint `json:"endpoints"`
}

func (p Page) values() url.Values {
	v := url.Values{}
	setString(v, "cursor", p.Cursor)
	if p.Limit > 0 {
		v.Set("limit", strconv.Itoa(p.Limit))
	}
	return v
}

func (q FailureQuery) values() url.Values {
	v := q.Page.values()
	setString(v, "endpoint", q.Endpoint)
	setString(v, "object", q.Object)
	for _, id := range q.IDs {
		v.Add("id", id)
	}
	for _, reason := range q.Reasons {
		v.Add("reason", string(reason))
	}
	for _, status := range q.Statuses {
		v.Add("status", strconv.Itoa(status))
	}
	if q.Since != nil {
		setTime(v, "since", *q.Since)
	}
	if q.Until != nil {
		setTime(v, "until", *q.Until)
	}
	setBool(v, "retrying", q.Retrying)
	return v
}

func (q EventQuery) values() url.Values {
	v := q.Page.values()
	setTime(v, "since", q.Since)
	setTime(v, "until", q.Until)
	setString(v, "type", q.Type)
	setString(v, "object", q.Object)
	setString(v, "endpoint", q.Endpoint)
	setString(v, "source", q.Source)
	return v
}

func (q RejectedQuery) values() url.Values {
	v := q.Page.values()
	setString(v, "source", q.Source)
	return v
}

func revealValues(reveal bool) url.Values {
	v := url.Values{}
	setBool(v, "reveal", reveal)
	return v
}

func setString(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setTime(v url.Values, name string, value time.Time) {
	if !value.IsZero() {
		v.Set(name, value.Format(time.RFC3339Nano))
	}
}

func setBool(v url.Values, name string, value bool) {
	if value {
		v.Set(name, "true")
	}
}
