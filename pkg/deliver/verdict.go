package deliver

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// judge says what a status means, by RFC 9110: for the object that was sent, or
// for the endpoint as a whole.
func judge(status int) attempt.Outcome {
	if status >= 200 && status < 300 {
		return attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: status}
	}
	outcome := attempt.Outcome{
		Verdict: attempt.Unavailable, Reason: attempt.UnexpectedStatus,
		Status: status, Error: "answered " + statusLine(status),
	}
	switch {
	case status >= 300 && status < 400:
		outcome.Reason = attempt.Redirect
	case status == http.StatusGone:
		outcome.Verdict, outcome.Reason = attempt.Gone, attempt.EndpointGone
	case status == http.StatusTooManyRequests:
		outcome.Reason = attempt.RateLimited
	case status >= 400 && status < 500:
		outcome.Reason = attempt.ClientError
		if !concernsEndpoint(status) {
			outcome.Verdict = attempt.Refused
		}
	case status >= 500 && status < 600:
		outcome.Reason = attempt.ServerError
	}
	return outcome
}

// honoursRetryAfter reports whether an answer of this status may ask to wait.
func honoursRetryAfter(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// concernsEndpoint reports whether a 4xx status says that the endpoint is set
// up wrongly, or does not work at present, whatever is sent to it.
func concernsEndpoint(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusProxyAuthRequired,
		http.StatusRequestTimeout, http.StatusRequestURITooLong, http.StatusMisdirectedRequest,
		http.StatusTooEarly, http.StatusUpgradeRequired, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusUnavailableForLegalReasons:
		return true
	default:
		return false
	}
}

// statusLine is the status with its standard name; the receiver's own words for
// it are not repeated.
func statusLine(status int) string {
	if name := http.StatusText(status); name != "" {
		return fmt.Sprintf("%d %s", status, name)
	}
	return fmt.Sprintf("%d", status)
}

// redirectHint names the place that the answer points to, without the parts in
// which tokens travel.
func redirectHint(response *http.Response) string {
	location, err := response.Location()
	if err != nil {
		return ", and redirects are not followed"
	}
	place := url.URL{Scheme: location.Scheme, Host: location.Host, Path: location.Path}
	return fmt.Sprintf(", a redirect to %s, which is not followed", place.String())
}
