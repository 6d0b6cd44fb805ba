package rest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

const (
	// maxText bounds what a DAM or a program says in an error, in bytes.
	maxText = 300
	// minSecret is the shortest text that is taken for a secret, in bytes:
	// shorter ones are found by chance anywhere.
	minSecret = 4
	masked    = "***"
)

func notNow(format string, args ...any) error {
	return &catalogue.ReadError{Kind: catalogue.ErrNotNow, Text: fmt.Sprintf(format, args...)}
}

func (c *Catalogue) refused(format string, args ...any) error {
	return &catalogue.ReadError{Kind: catalogue.ErrRefused, Text: c.masked(fmt.Sprintf(format, args...))}
}

func (c *Catalogue) unreadable(id event.ID, format string, args ...any) error {
	return &catalogue.ReadError{Kind: catalogue.ErrUnreadable, Asset: id, Text: c.masked(fmt.Sprintf(format, args...))}
}

// readFailure tells the end of ctx from a program that could not read an answer.
func (c *Catalogue) readFailure(ctx context.Context, id event.ID, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.unreadable(id, "%s", err)
}

// explain says why no answer came.
func (c *Catalogue) explain(name string, err error) error {
	var long *tooLongError
	var denied interface{ Denied() bool } // by the dial guard
	switch {
	case errors.As(err, &long):
		return c.unreadable(event.ID{}, "%s: %s", name, err)
	case errors.As(err, &denied) && denied.Denied():
		return c.refused("%s: %s", name, err)
	default:
		return notNow("%s: %s", name, c.masked(err.Error()))
	}
}

// statusText says what a DAM answered, with the beginning of its own words.
func (c *Catalogue) statusText(a answer) string {
	text := fmt.Sprintf("HTTP %d %s", a.status, http.StatusText(a.status))
	if words := strings.TrimSpace(string(a.body[:min(len(a.body), 4*maxText)])); words != "" && !a.page {
		text += ": " + words
	}
	return c.masked(text, a.sent...)
}

// masked makes a text fit to be shown: without secrets and what was sent with
// them, on one line, not long.
func (c *Catalogue) masked(text string, sent ...string) string {
	secrets := append([]string{c.config.Password, c.config.Token}, sent...)
	if c.config.Password != "" {
		pair := c.config.Username + ":" + c.config.Password
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	secrets = append(secrets, c.sessions.tokens()...)
	for _, secret := range slices.Clone(secrets) {
		secrets = append(secrets, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`))
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	// The longest first: a Replacer takes the first that fits.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, masked)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
