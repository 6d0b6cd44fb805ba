package deliver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
)

func TestEachStatusHasItsVerdict(t *testing.T) {
	t.Parallel()
	type want struct {
		verdict attempt.Verdict
		reason  attempt.Reason
	}
	cases := map[int]want{
		200: {attempt.Delivered, attempt.OK},
		201: {attempt.Delivered, attempt.OK},
		202: {attempt.Delivered, attempt.OK},
		204: {attempt.Delivered, attempt.OK},
		299: {attempt.Delivered, attempt.OK},

		300: {attempt.Unavailable, attempt.Redirect},
		301: {attempt.Unavailable, attempt.Redirect},
		302: {attempt.Unavailable, attempt.Redirect},
		304: {attempt.Unavailable, attempt.Redirect},
		307: {attempt.Unavailable, attempt.Redirect},
		308: {attempt.Unavailable, attempt.Redirect},

		410: {attempt.Gone, attempt.EndpointGone},
		429: {attempt.Unavailable, attempt.RateLimited},

		600: {attempt.Unavailable, attempt.UnexpectedStatus},
		999: {attempt.Unavailable, attempt.UnexpectedStatus},
	}
	for _, status := range []int{400, 409, 411, 412, 413, 415, 416, 417, 418, 422, 423, 424, 428, 444, 499} {
		cases[status] = want{attempt.Refused, attempt.ClientError}
	}
	for _, status := range []int{401, 402, 403, 404, 405, 406, 407, 408, 414, 421, 425, 426, 431, 451} {
		cases[status] = want{attempt.Unavailable, attempt.ClientError}
	}
	for _, status := range []int{500, 501, 502, 503, 504, 507, 511, 520, 599} {
		cases[status] = want{attempt.Unavailable, attempt.ServerError}
	}
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	})
	sender := newTestSender(t, Config{})
	for status, want := range cases {
		answer, got := sender.Send(t.Context(), endpointAt(target+"/"+strconv.Itoa(status)), testRequest(), testLimits())
		if got.Verdict != want.verdict || got.Reason != want.reason || got.Status != status || answer.Status != status {
			t.Errorf("%d: %s, %s, status %d; want %s, %s", status, got.Verdict, got.Reason, got.Status, want.verdict, want.reason)
		}
		delivered := want.verdict == attempt.Delivered
		if delivered != (got.Error == "") || !delivered && !strings.HasPrefix(got.Error, "answered "+strconv.Itoa(status)) {
			t.Errorf("%d: error %q", status, got.Error)
		}
		if !got.NotBefore.IsZero() {
			t.Errorf("%d: NotBefore %s without Retry-After", status, got.NotBefore)
		}
	}
}

func TestRetryAfterIsHonouredFor429And503Alone(t *testing.T) {
	t.Parallel()
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.URL.Query().Get("after"))
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	})
	sender := newTestSender(t, Config{})
	date := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, status := range []int{429, 503} {
		_, got := sender.Send(t.Context(), endpointAt(fmt.Sprintf("%s/%d?after=120", target, status)), testRequest(), testLimits())
		if wait := got.NotBefore.Sub(got.Ended()).Round(time.Second); wait != 2*time.Minute {
			t.Errorf("%d: wait %s, want 2m", status, wait)
		}
		after := url.QueryEscape(date.Format(http.TimeFormat))
		_, got = sender.Send(t.Context(), endpointAt(fmt.Sprintf("%s/%d?after=%s", target, status, after)), testRequest(), testLimits())
		if !got.NotBefore.Equal(date) {
			t.Errorf("%d: not before %s, want %s", status, got.NotBefore, date)
		}
	}
	for _, status := range []int{200, 301, 404, 410, 500, 502} {
		_, got := sender.Send(t.Context(), endpointAt(fmt.Sprintf("%s/%d?after=120", target, status)), testRequest(), testLimits())
		if !got.NotBefore.IsZero() {
			t.Errorf("%d: not before %s, want none", status, got.NotBefore)
		}
	}
}

func TestARedirectIsNamedAndNotFollowed(t *testing.T) {
	t.Parallel()
	followed := false
	other := serve(t, func(http.ResponseWriter, *http.Request) { followed = true })
	for location, want := range map[string]string{
		"http://169.254.169.254/latest/meta-data?a=b": "answered 307 Temporary Redirect, a redirect to http://169.254.169.254/latest/meta-data, which is not followed",
		other + "/x":                     "answered 307 Temporary Redirect, a redirect to " + other + "/x, which is not followed",
		"https://u:p@shop.example/a?t=1": "answered 307 Temporary Redirect, a redirect to https://shop.example/a, which is not followed",
		"":                               "answered 307 Temporary Redirect, and redirects are not followed",
	} {
		target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		_, got := send(t, target)
		if got.Reason != attempt.Redirect || got.Verdict != attempt.Unavailable || got.Error != want {
			t.Errorf("%s: %s, %s, %q", location, got.Verdict, got.Reason, got.Error)
		}
	}
	if followed {
		t.Error("the redirect was followed")
	}
}

func TestAFailureKeepsTheBeginningOfTheAnswer(t *testing.T) {
	t.Parallel()
	page := strings.Repeat("0123456789abcdef", 1<<10)
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ok" {
			io.WriteString(w, page)
			return
		}
		http.Error(w, page, http.StatusInternalServerError)
	})
	sender := newTestSender(t, Config{})
	_, got := sender.Send(t.Context(), endpointAt(target), testRequest(), testLimits())
	if string(got.Response) != page[:attempt.MaxResponse] {
		t.Errorf("response of %d bytes, want the first %d of the answer", len(got.Response), attempt.MaxResponse)
	}
	answer, got := sender.Send(t.Context(), endpointAt(target+"/ok"), testRequest(), testLimits())
	if got.Response != nil || string(answer.Body) != page || answer.Truncated {
		t.Errorf("delivered: response %d bytes, answer %d bytes, truncated %v", len(got.Response), len(answer.Body), answer.Truncated)
	}
}

func TestAnAnswerIsReadUpToTheLimit(t *testing.T) {
	t.Parallel()
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "0123456789") })
	sender := newTestSender(t, Config{})
	for limit, want := range map[int64]struct {
		body      string
		truncated bool
	}{
		11: {"0123456789", false}, 10: {"0123456789", false}, 9: {"012345678", true}, 0: {"", true}, -1: {"", true},
	} {
		answer, got := sender.Send(t.Context(), endpointAt(target), testRequest(), Limits{Answer: limit, Timeout: 10 * time.Second})
		if got.Verdict != attempt.Delivered || string(answer.Body) != want.body || answer.Truncated != want.truncated {
			t.Errorf("limit %d: %s, %q, truncated %v", limit, got.Verdict, answer.Body, answer.Truncated)
		}
	}
}

func TestAnEndlessAnswerTakesNoMemory(t *testing.T) {
	t.Parallel()
	chunk := make([]byte, 64<<10)
	sent := make(chan int, 1)
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for range 16 << 10 { // 1 GiB, if nobody hangs up
			k, err := w.Write(chunk)
			n += k
			if err != nil {
				break
			}
		}
		sent <- n
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer, got := send(t, target)
	runtime.ReadMemStats(&after)
	if got.Verdict != attempt.Delivered || !answer.Truncated || len(answer.Body) != 64<<10 {
		t.Errorf("%s, %d bytes, truncated %v", got.Verdict, len(answer.Body), answer.Truncated)
	}
	if n := <-sent; n > 256<<20 {
		t.Errorf("the receiver got rid of %d bytes", n)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	ports := make(map[string]bool)
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ports[r.RemoteAddr] = true
		if r.URL.Path == "/fails" {
			http.Error(w, strings.Repeat("no ", 1000), http.StatusInternalServerError)
			return
		}
		io.WriteString(w, strings.Repeat("ok ", 1000))
	})
	sender := newTestSender(t, Config{})
	for range 5 {
		sender.Send(t.Context(), endpointAt(target), testRequest(), testLimits())
		sender.Send(t.Context(), endpointAt(target+"/fails"), testRequest(), testLimits())
	}
	if len(ports) != 1 {
		t.Errorf("%d connections for ten requests in a row, want 1", len(ports))
	}
}

func TestOutcomeSaysWhenAndHowLong(t *testing.T) {
	t.Parallel()
	const delay = 20 * time.Millisecond
	target := serve(t, func(http.ResponseWriter, *http.Request) { <-time.After(delay) })
	before := time.Now()
	_, got := send(t, target)
	if got.Started.Before(before) || got.Duration < delay || got.Ended().After(time.Now()) {
		t.Errorf("started %s, took %s", got.Started, got.Duration)
	}
}

func TestHTTP2IsSpoken(t *testing.T) {
	t.Parallel()
	var proto string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		switch r.URL.Path {
		case "/reset":
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, "begin")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/abort":
			panic(http.ErrAbortHandler)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	ep := endpointAt(server.URL)
	ep.CAFile = writePEM(t, "CERTIFICATE", server.Certificate().Raw)
	sender := newTestSender(t, Config{})
	if _, got := sender.Send(t.Context(), ep, testRequest(), testLimits()); got.Verdict != attempt.Delivered || proto != "HTTP/2.0" {
		t.Errorf("%s over %s: %s", got.Verdict, proto, got.Error)
	}
	for path, want := range map[string]string{
		"/reset": "the connection was closed within the answer, after 5 bytes",
		"/abort": "the connection was closed before an answer",
	} {
		ep.URL = server.URL + path
		_, got := sender.Send(t.Context(), ep, testRequest(), testLimits())
		if got.Reason != attempt.ConnectionClosed || got.Error != want {
			t.Errorf("%s: %s, %q", path, got.Reason, got.Error)
		}
	}
}
