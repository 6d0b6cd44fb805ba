package dztest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxBody bounds what a receiver reads of a request, in bytes.
const maxBody = 16 << 20

// Request is what a receiver got.
type Request struct {
	At     time.Time
	Path   string
	Header http.Header
	Body   string
	N      int // 1 for the first
}

// Answer is what a receiver does: it waits, then answers or hangs up.
type Answer struct {
	Status int // 0: 200
	Header map[string]string
	Body   string
	Delay  time.Duration
	HangUp bool
}

// Receiver records every request, and answers as it is told to. Its zero value
// answers 200 to all.
type Receiver struct {
	mu       sync.Mutex
	requests []Request
	answer   func(Request) Answer
	busy     map[string]bool
	now, max int
	overlaps []string
}

// AnswerWith makes the receiver answer so from now on.
func (r *Receiver) AnswerWith(answer func(Request) Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// AnswerStatus makes the receiver answer every request with a status.
func (r *Receiver) AnswerStatus(status int) {
	r.AnswerWith(func(Request) Answer { return Answer{Status: status} })
}

// ServeHTTP records and answers.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		return
	}
	answer, key := r.begin(req, string(body))
	defer r.end(key)
	if answer.Delay > 0 {
		timer := time.NewTimer(answer.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
			return
		}
	}
	if answer.HangUp {
		panic(http.ErrAbortHandler)
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	fmt.Fprint(w, answer.Body)
}

// begin records a request. Two at a time with the same path and body are about
// one object, which must never be.
func (r *Receiver) begin(req *http.Request, body string) (Answer, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	recorded := Request{At: time.Now(), Path: req.URL.Path, Header: req.Header.Clone(), Body: body, N: len(r.requests) + 1}
	r.requests = append(r.requests, recorded)
	key := recorded.Path + " " + body
	if r.busy == nil {
		r.busy = make(map[string]bool)
	}
	if r.busy[key] {
		r.overlaps = append(r.overlaps, key)
	}
	r.busy[key] = true
	r.now++
	r.max = max(r.max, r.now)
	if r.answer == nil {
		return Answer{}, key
	}
	return r.answer(recorded), key
}

func (r *Receiver) end(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, key)
	r.now--
}

// Requests returns what was received so far.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Bodies returns how often each body was received.
func (r *Receiver) Bodies() map[string]int {
	bodies := make(map[string]int)
	for _, request := range r.Requests() {
		bodies[request.Body]++
	}
	return bodies
}

// Overlaps returns what was received while the same was still under way.
func (r *Receiver) Overlaps() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.overlaps)
}

// Peak returns how many requests were under way at most, and begins to count
// anew.
func (r *Receiver) Peak() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	peak := r.max
	r.max = r.now
	return peak
}
