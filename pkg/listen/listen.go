// Package listen owns a receiver for trying things out: an HTTP handler that
// answers as it was told and hands over every request it got.
//
// It guarantees that a request is handed over before it is answered, so that
// whoever sees the answer finds the request; that one request is handed over at
// a time; and that it never holds more of a body than MaxBody.
//
// It knows nothing of terminals and of the daemon. It is not made to face the
// internet.
package listen

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// MaxBody is how much of a body is read, in bytes; a longer one is answered with
// 413.
const MaxBody = 16 << 20

// Answer says how requests are answered. Its zero value answers 200 to all. A 200
// without a body of its own acknowledges what a request of the style managed tells:
// it has an item for each action, with a state that counts how often its asset was
// told.
type Answer struct {
	Status     int           // of the answer; 0: 200, or 500 for one that is to fail
	FailEvery  int           // only every n-th answer fails; 0: Status, Close and RetryAfter hold for all
	Delay      time.Duration // before answering
	RetryAfter time.Duration // sent with answers that fail, in whole seconds; 0: not sent
	Close      bool          // failing is breaking the connection off
}

// Validate reports what can't be meant.
func (a Answer) Validate() error {
	switch {
	case a.Status != 0 && (a.Status < 200 || a.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", a.Status)
	case a.FailEvery < 0:
		return fmt.Errorf("fail every %d is negative", a.FailEvery)
	case a.FailEvery > 0 && a.Status != 0 && a.Status < 300:
		return fmt.Errorf("status %d is no failure", a.Status)
	case a.RetryAfter > 0 && a.Status != 0 && a.Status < 400:
		return fmt.Errorf("status %d is no failure that Retry-After goes with: write 400 or more, such as 503", a.Status)
	case a.Close && (a.Status != 0 || a.RetryAfter != 0):
		return errors.New("a connection that is broken off has neither a status nor a Retry-After")
	default:
		return nil
	}
}

// reply is how one request is answered.
type reply struct {
	status     int // 0: not at all
	fails      bool
	delay      time.Duration // before it
	retryAfter time.Duration
	retries    bool   // with Retry-After
	body       []byte // nil: what the request's style asks for
}

// to returns the answer to the n-th request, n ≥ 1.
func (a Answer) to(n uint64) reply {
	fails := a.Status >= 300 || a.Close || a.RetryAfter > 0
	if a.FailEvery > 0 {
		fails = n%uint64(a.FailEvery) == 0
	}
	r := reply{status: http.StatusOK, fails: fails, delay: a.Delay}
	switch {
	case !fails && a.FailEvery == 0 && a.Status != 0:
		r.status = a.Status
	case !fails:
	case a.Close:
		r.status = 0
	case a.Status != 0:
		r.status = a.Status
	case a.RetryAfter > 0:
		r.status = http.StatusServiceUnavailable
	default:
		r.status = http.StatusInternalServerError
	}
	r.retryAfter, r.retries = a.RetryAfter, fails && a.RetryAfter > 0
	return r
}

// Request is a request as it was received, and how it is answered.
type Request struct {
	Time    time.Time         `json:"time"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`    // with its query
	Headers map[string]string `json:"headers"` // several of one name are joined with ", "
	Body    string            `json:"body"`    // as it came, at most MaxBody bytes
	// Verified says whether the signature is right; nil if it was not checked.
	Verified *bool `json:"verified"`
	// Problem is why it is not.
	Problem string `json:"problem,omitempty"`

	Status int  `json:"-"` // of the answer; 0: the connection is broken off
	Failed bool `json:"-"` // the answer is one that was told to fail
}

// Counts says what a receiver has done.
type Counts struct {
	Received uint64
	Failed   uint64 // of them, those that were answered with a failure
}

// Receiver is the handler. Its fields must not change once it is in use.
type Receiver struct {
	Answer Answer
	Script *Script // answers in the place of Answer; nil: none
	Now    func() time.Time
	// Verify checks the signature of a request that came at a time; nil: it is
	// not checked. How it is answered does not depend on that.
	Verify func(header http.Header, body []byte, now time.Time) error
	// Received is called with each request, one at a time, before its answer.
	Received func(Request)

	mu     sync.Mutex
	counts Counts
}

// Counts returns what was done so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// ServeHTTP reads a request, hands it over and answers it.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	now := r.Now()
	body, err := io.ReadAll(io.LimitReader(req.Body, MaxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the sender went away within its body
	}
	request := Request{
		Time: now, Method: req.Method, Path: req.URL.RequestURI(), Headers: flatten(req),
		Body: string(body[:min(len(body), MaxBody)]),
	}
	if r.Verify != nil {
		err := r.Verify(req.Header, body, now)
		verified := err == nil
		if request.Verified = &verified; err != nil {
			request.Problem = err.Error()
		}
	}
	answer := r.take(request, len(body) > MaxBody)
	if !wait(req, answer.delay) {
		return
	}
	if answer.status == 0 {
		panic(http.ErrAbortHandler) // net/http's way to close without an answer
	}
	if answer.retries {
		w.Header().Set("Retry-After", strconv.Itoa(int(answer.retryAfter/time.Second)))
	}
	if answer.status == http.StatusOK && answer.body == nil {
		answer.body = acknowledge(request.Body)
	}
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // who does not read the answer is not told again
}

// take counts a request, decides on its answer and hands it over.
func (r *Receiver) take(request Request, tooLarge bool) reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Received++
	answer := r.Answer.to(r.counts.Received)
	if r.Script != nil {
		answer = r.Script.to(r.counts.Received)
	}
	if tooLarge {
		answer = reply{status: http.StatusRequestEntityTooLarge, fails: true}
	}
	if answer.fails {
		r.counts.Failed++
	}
	request.Status, request.Failed = answer.status, answer.fails
	if r.Received != nil {
		r.Received(request)
	}
	return answer
}

// wait reports false if the sender went away meanwhile.
func wait(req *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
		return false
	}
}

// flatten returns the headers, with Host, which net/http keeps apart.
func flatten(req *http.Request) map[string]string {
	headers := make(map[string]string, len(req.Header)+1)
	headers["Host"] = req.Host
	for name, values := range req.Header {
		headers[name] = strings.Join(values, ", ")
	}
	return headers
}
