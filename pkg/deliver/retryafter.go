package deliver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds how long a receiver may ask to be left alone: a slip in
// its header must not silence it for years.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3): whole seconds, or a
// date in one of the three forms of HTTP. It returns a time after now, at most
// maxRetryAfter later, or zero if the header asks for nothing or can't be read.
func retryAfter(value string, now time.Time) time.Time {
	value = strings.TrimSpace(value)
	latest := now.Add(maxRetryAfter)
	if isDigits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil || seconds > int64(maxRetryAfter/time.Second): // err: out of range
			return latest
		case seconds == 0:
			return time.Time{}
		default:
			return now.Add(time.Duration(seconds) * time.Second)
		}
	}
	date, err := http.ParseTime(value)
	switch {
	case err != nil || !date.After(now):
		return time.Time{}
	case date.After(latest):
		return latest
	default:
		return date
	}
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
