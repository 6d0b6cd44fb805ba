package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

const (
	// maxTries is how often a request is sent if the answers are such that
	// another may be better.
	maxTries = 4
	// firstWait is how long the second try waits; each later one waits twice as
	// long as the one before.
	firstWait = 500 * time.Millisecond
)

// order is one request to be made: what is asked, in whose name.
type order struct {
	*request
	values scope
	view   catalogue.View
	link   *url.URL // of paging by link: in the place of path and query
}

// call makes a request, once more with a new token if the one that was used is
// refused. It returns any answer that no further try is worth.
func (c *Catalogue) call(ctx context.Context, o order) (answer, error) {
	for renewed := false; ; renewed = true {
		var token string
		if !o.unauthenticated {
			var err error
			if token, err = c.token(ctx, o.view); err != nil {
				return answer{}, err
			}
		}
		a, err := c.try(ctx, o, token)
		if err != nil {
			return answer{}, err
		}
		if a.status == http.StatusUnauthorized && !o.unauthenticated && !renewed && c.dropToken(o.view, token) {
			continue
		}
		return a, nil
	}
}

// try makes a request until its answer is worth no further try.
func (c *Catalogue) try(ctx context.Context, o order, token string) (answer, error) {
	wait := firstWait
	for tries := 1; ; tries++ {
		a, failed := c.once(ctx, o, token)
		if failed == nil {
			return a, nil
		}
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		var why *catalogue.ReadError
		if !errors.As(failed, &why) || !errors.Is(failed, catalogue.ErrNotNow) || why.After > maxHold || tries == maxTries {
			return answer{}, failed
		}
		if err := sleep(ctx, wait); err != nil {
			return answer{}, err
		}
		wait *= 2
	}
}

// once makes one try.
func (c *Catalogue) once(ctx context.Context, o order, token string) (answer, error) {
	if err := c.hold.wait(ctx, c.config.Now); err != nil {
		return answer{}, err
	}
	if err := c.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return answer{}, ctx.Err()
		}
		return answer{}, notNow("%s: the rate that is configured leaves no room before the deadline", o.name)
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	// All tries get the same time, the last one too.
	tryCtx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	req, err := c.newRequest(tryCtx, o, token)
	if err != nil {
		return answer{}, err
	}
	a, err := c.exchange(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return answer{}, ctx.Err()
	case err != nil && tryCtx.Err() != nil:
		return answer{}, notNow("%s: no whole answer within %s", o.name, c.config.Timeout)
	case err != nil:
		return answer{}, c.explain(o.name, err)
	}
	if isTransient(a.status) {
		after := retryAfter(a.header.Get("Retry-After"), c.config.Now())
		c.hold.extend(c.config.Now().Add(after))
		return answer{}, &catalogue.ReadError{
			Kind: catalogue.ErrNotNow, After: after, Text: o.name + ": " + c.statusText(a),
		}
	}
	return a, nil
}

// isTransient reports whether a status says that later the answer may differ.
func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return status >= 500
	}
}

// tooLongError is an answer above Config.MaxAnswer.
type tooLongError struct{ limit int64 }

func (e *tooLongError) Error() string {
	return fmt.Sprintf("the answer is longer than %d bytes", e.limit)
}

func (c *Catalogue) exchange(req *http.Request) (answer, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		var inURL *url.Error
		if errors.As(err, &inURL) {
			err = inURL.Err // without the URL, whose query may hold a token
		}
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.config.MaxAnswer+1))
	if err != nil {
		return answer{}, err
	}
	if int64(len(body)) > c.config.MaxAnswer {
		return answer{}, &tooLongError{c.config.MaxAnswer}
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	page := err == nil && (media == "text/html" || media == "application/xhtml+xml")
	a := answer{status: resp.StatusCode, header: resp.Header, body: body, page: page, url: req.URL}
	for name, values := range req.Header {
		if name != "Accept" && name != "User-Agent" && name != "Content-Type" {
			a.sent = append(a.sent, values...)
		}
	}
	return a, nil
}

// maxRetryAfter bounds what a DAM may ask for: a slip must not silence it for
// years.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3); 0 if it asks for
// nothing or can't be read.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
