package rest

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// List yields the assets that the view shows, page by page. A page that is the
// same as the one before it ends the list with an error: the API does not page
// as it was declared to.
func (c *Catalogue) List(ctx context.Context, v catalogue.View, cursor *string) iter.Seq2[catalogue.Asset, error] {
	if cursor == nil {
		cursor = new(string)
	}
	return func(yield func(catalogue.Asset, error) bool) {
		if err := c.listAll(ctx, c.view(v), cursor, yield); err != nil {
			yield(catalogue.Asset{}, err)
		}
	}
}

// listAll returns nil at the end of the list, and if its consumer breaks it off.
func (c *Catalogue) listAll(ctx context.Context, v catalogue.View, cursor *string, yield func(catalogue.Asset, error) bool) error {
	if c.api.list == nil {
		return c.refused("the API declares no list")
	}
	if err := c.supports(v); err != nil {
		return err
	}
	var before [sha256.Size]byte
	for {
		page, err := c.listPage(ctx, v, *cursor)
		if err != nil {
			return err
		}
		if len(page.items) > 0 && page.digest == before {
			return c.unreadable(event.ID{}, "list: the API answers with the page before once more")
		}
		before = page.digest
		for _, item := range page.items {
			a, err := c.asset(ctx, item, v)
			if err != nil && ctx.Err() != nil {
				return ctx.Err()
			}
			if !yield(a, err) {
				return nil
			}
		}
		if page.next == "" {
			return nil
		}
		*cursor = page.next
	}
}

// page is a page of a list.
type page struct {
	items  []any
	digest [sha256.Size]byte // of the first and the last
	next   string            // cursor; "" at the end
}

func (c *Catalogue) listPage(ctx context.Context, v catalogue.View, cursor string) (page, error) {
	l := c.api.list
	o := order{request: l.request, view: v}
	var err error
	if l.paging == Link {
		o.link, err = c.follow(cursor)
	} else {
		o.values, err = l.position(cursor)
	}
	if err != nil {
		return page{}, c.refused("list: the cursor is none of this catalogue's: %s", err)
	}
	a, err := c.call(ctx, o)
	if err != nil {
		return page{}, err
	}
	if cursor != "" && slices.Contains(l.end, a.status) && !a.page {
		return page{}, nil
	}
	items, err := c.items(ctx, o, a)
	if err != nil {
		return page{}, err
	}
	p := page{items: items}
	if len(items) > 0 {
		ends, err := gojq.Marshal([]any{items[0], items[len(items)-1]})
		if err != nil {
			return page{}, c.unreadable(event.ID{}, "list: %s", err)
		}
		p.digest = sha256.Sum256(ends)
	}
	if p.next, err = c.after(ctx, o, cursor, a, items); err != nil {
		return page{}, err
	}
	if p.next != "" && p.next == cursor {
		return page{}, c.unreadable(event.ID{}, "list: the page after is this one once more")
	}
	return p, nil
}

// position reads a cursor as the variables of the request; "" is the beginning.
func (l *list) position(cursor string) (scope, error) {
	switch l.paging {
	case Page:
		number, err := wholeNumber(cursor, l.first)
		return scope{"page": number}, err
	case Offset:
		number, err := wholeNumber(cursor, 0)
		return scope{"offset": number}, err
	default:
		name := "after"
		if l.paging == Cursor {
			name = "cursor"
		}
		if cursor == "" {
			return scope{name: nil}, nil
		}
		value, err := parse([]byte(cursor))
		return scope{name: value}, err
	}
}

func wholeNumber(cursor string, first int) (int, error) {
	if cursor == "" {
		return first, nil
	}
	number, err := strconv.Atoi(cursor)
	if err != nil || number < first {
		return 0, errors.New("it is no number of a page or an asset")
	}
	return number, nil
}

// after returns the cursor of the page after the one that was answered.
func (c *Catalogue) after(ctx context.Context, o order, cursor string, a answer, items []any) (string, error) {
	l := c.api.list
	switch {
	case l.paging == Link:
		return c.nextLink(a)
	case l.paging == Cursor:
		content, err := parse(a.body)
		if err != nil {
			return "", c.unreadable(event.ID{}, "list: the answer is no JSON: %s", err)
		}
		return c.cursorOf(ctx, l.next, content, o.view)
	case len(items) == 0:
		return "", nil
	case l.paging == Keyset:
		next, err := c.cursorOf(ctx, l.key, items[len(items)-1], o.view)
		if err == nil && next == "" {
			err = c.unreadable(event.ID{}, "list.key finds no key in the last asset of a page")
		}
		return next, err
	case l.paging == Offset:
		position, err := wholeNumber(cursor, 0)
		return strconv.Itoa(position + len(items)), err
	default:
		position, err := wholeNumber(cursor, l.first)
		return strconv.Itoa(position + 1), err
	}
}

// cursorOf makes a cursor of what a program yields: "" of null, false and "".
func (c *Catalogue) cursorOf(ctx context.Context, p *program, input any, v catalogue.View) (string, error) {
	value, err := p.run(ctx, input, c.viewValues(v))
	if err != nil {
		return "", c.readFailure(ctx, event.ID{}, err)
	}
	if value == nil || value == false || value == "" {
		return "", nil
	}
	text, err := gojq.Marshal(value)
	if err != nil {
		return "", c.unreadable(event.ID{}, "%s: %s", p.name, err)
	}
	return string(text), nil
}

// follow reads a cursor of paging by link: a path and a query; nil for "".
func (c *Catalogue) follow(cursor string) (*url.URL, error) {
	if cursor == "" {
		return nil, nil
	}
	link, err := url.Parse(cursor)
	if err != nil || link.IsAbs() || link.Host != "" || !strings.HasPrefix(cursor, "/") {
		return nil, errors.New("it is no path with a query")
	}
	return c.base.ResolveReference(link), nil
}

// nextLink finds the next page in the Link header. It leads nowhere but to the
// API's own host, where the credentials belong, and the cursor has no token.
func (c *Catalogue) nextLink(a answer) (string, error) {
	target, ok := relNext(a.header)
	if !ok {
		return "", nil
	}
	reference, err := url.Parse(target)
	if err != nil {
		return "", c.unreadable(event.ID{}, "list: the Link header's next page is no URL")
	}
	link := a.url.ResolveReference(reference)
	if link.Scheme != c.base.Scheme || link.Host != c.base.Host {
		return "", c.refused("list: the next page lies elsewhere, on %s://%s", link.Scheme, link.Host)
	}
	if auth := &c.api.auth; auth.In == Query {
		query := link.Query()
		query.Del(auth.Name)
		link.RawQuery = query.Encode()
	}
	return (&url.URL{Path: link.Path, RawPath: link.RawPath, RawQuery: link.RawQuery}).String(), nil
}

// relNext finds the target of rel="next" in Link headers (RFC 8288).
func relNext(header http.Header) (string, bool) {
	for _, value := range header.Values("Link") {
		for {
			_, rest, found := strings.Cut(value, "<")
			target, parameters, closed := strings.Cut(rest, ">")
			if !found || !closed {
				break
			}
			// The parameters go up to the next link's "<".
			own, _, _ := strings.Cut(parameters, "<")
			if isNext(own) {
				return target, true
			}
			value = parameters
		}
	}
	return "", false
}

func isNext(parameters string) bool {
	for parameter := range strings.FieldsFuncSeq(parameters, func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, relation := range strings.Fields(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(relation, "next") {
				return true
			}
		}
	}
	return false
}
