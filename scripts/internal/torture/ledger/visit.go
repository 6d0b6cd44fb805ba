package ledger

import (
	"time"
)

// Notification is a request as it came in.
type Notification struct {
	Event

	Message string // webhook-id
}

// Visit is a request under way.
type Visit struct {
	account *Account
	seen    *seen
	number  uint64
	begunAt time.Time
	ended   bool
}

// Begin notes that a request has come in.
func (a *Account) Begin(n Notification) *Visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
	a.counts.Requests++
	if !a.closedAt.IsZero() && time.Since(a.closedAt) > lateAfter {
		a.fault(&a.counts.Strange, "a request %v after the endpoint was removed", time.Since(a.closedAt))
	}
	message, err := parseMessage(n.Message, a.terms.Reasons)
	if err != nil {
		a.fault(&a.counts.Strange, "%v", err)
	}
	s, known := a.seen[n.Key]
	if !known {
		s = &seen{}
		a.seen[n.Key] = s
	}
	if s.open > 0 {
		a.fault(&a.counts.Overlaps, "%v: two requests at a time (%d and %d)", n.Key, s.number, n.Number)
	}
	again := known && !s.forgotten && a.isToldAgain(s, n, message)
	switch {
	case again:
		a.toldAgain++
	case known && !s.forgotten:
		a.compare(s, n, message)
	}
	a.judgeDebounce(s, known, n)
	s.forgotten = false
	s.open++
	now := time.Now()
	if n.Number >= s.number || again {
		s.number, s.message, s.epoch, s.answer = n.Number, message, len(a.ends), none
		s.begunAt, s.goneAt = now, time.Time{}
	}
	return &Visit{account: a, seen: s, number: n.Number, begunAt: now}
}

// Take notes that the request is about to be answered with success.
func (v *Visit) Take() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts.Delivered++
	v.seen.got, v.seen.tookAt = max(v.seen.got, v.number), v.begunAt
	if v.number == v.seen.number {
		v.seen.answer, v.seen.takenAt = taken, time.Now()
	}
}

// Refuse notes that the request is about to be answered otherwise.
func (v *Visit) Refuse() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.number == v.seen.number {
		v.seen.answer = refused
	}
}

// End notes that the request is over; if it was neither taken nor refused, its
// sender has gone. It is called before the last byte of the answer is sent, so that
// the next request can't come before.
func (v *Visit) End() {
	a := v.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.ended {
		return
	}
	v.ended = true
	v.seen.open--
	a.open--
	if v.number == v.seen.number && v.seen.answer == none {
		v.seen.goneAt = time.Now()
	}
}
