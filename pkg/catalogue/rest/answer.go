package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/dam-delivery/dz/pkg/event"
)

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
	page   bool     // it is a web page, not an API's answer
	url    *url.URL // that was asked
	sent   []string // values of header fields, which the answer may repeat
}

// decode reads a JSON answer of a 2xx status; everything else is an error.
func (c *Catalogue) decode(ctx context.Context, o order, a answer) (any, error) {
	if err := c.checkStatus(o.name, a); err != nil {
		return nil, err
	}
	content, err := parse(a.body)
	if err != nil {
		return nil, c.unreadable(event.ID{}, "%s: the answer is no JSON: %s", o.name, err)
	}
	values := c.viewValues(o.view)
	if c.api.failure != nil && !o.unauthenticated {
		failure, err := c.api.failure.run(ctx, content, values)
		if err != nil {
			return nil, c.readFailure(ctx, event.ID{}, err)
		}
		if text, ok := failure.(string); ok {
			return nil, notNow("%s: the DAM reports: %s", o.name, c.masked(text, a.sent...))
		}
	}
	if o.take == nil {
		return content, nil
	}
	taken, err := o.take.run(ctx, content, values)
	if err != nil {
		return nil, c.readFailure(ctx, event.ID{}, err)
	}
	return taken, nil
}

// checkStatus returns nil for an answer of a 2xx status that is no web page.
func (c *Catalogue) checkStatus(name string, a answer) error {
	switch {
	case a.page && a.status < 500:
		return c.refused("%s: HTTP %d with a web page, where the answer of an API was due: is the URL right?", name, a.status)
	case a.status >= 300 && a.status < 400:
		return c.refused("%s: HTTP %d, a redirect, which is not followed: write the URL that it leads to", name, a.status)
	case a.status < 200 || a.status >= 300:
		return c.refused("%s: %s", name, c.statusText(a))
	default:
		return nil
	}
}

// parse reads one JSON value, with its numbers as they are written. Nothing is
// none.
func parse(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New("it is empty")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var content any
	if err := decoder.Decode(&content); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more follows after the value")
	}
	return content, nil
}

// isGone reports whether an answer to a request for one asset says that there is
// none.
func (c *Catalogue) isGone(ctx context.Context, o order, a answer) (bool, error) {
	if !slices.Contains(c.api.gone, a.status) || a.page {
		return false, nil
	}
	if c.api.goneWhen == nil {
		return true, nil
	}
	content, err := parse(a.body)
	if err != nil {
		content = nil
	}
	gone, err := c.api.goneWhen.run(ctx, content, c.viewValues(o.view))
	if err != nil {
		return false, c.readFailure(ctx, event.ID{}, err)
	}
	return gone == true, nil
}
