package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/itchyny/gojq"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// newRequest builds a request with its authentication.
func (c *Catalogue) newRequest(ctx context.Context, o order, token string) (*http.Request, error) {
	values := c.values(o)
	target, err := c.target(ctx, o, values)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if o.body != nil {
		content, err := o.body.run(ctx, nil, values)
		if err != nil {
			return nil, c.refused("%s", err)
		}
		encoded, err := gojq.Marshal(content)
		if err != nil {
			return nil, c.refused("%s: %s", o.body.name, err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, o.method, target.String(), body)
	if err != nil {
		return nil, c.refused("%s: %s", o.name, err)
	}
	req.Header.Set("Accept", "application/json")
	if c.config.UserAgent != "" {
		req.Header.Set("User-Agent", c.config.UserAgent)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !o.unauthenticated {
		if err := c.authenticate(ctx, req, o, token); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// values are the variables of a request's programs.
func (c *Catalogue) values(o order) scope {
	values := c.viewValues(o.view)
	maps.Copy(values, o.values)
	values["size"] = o.size
	return values
}

// viewValues are the variables of every program.
func (c *Catalogue) viewValues(v catalogue.View) scope {
	fields := make([]any, len(v.Fields))
	for i, field := range v.Fields {
		fields[i] = field
	}
	values := scope{"language": v.Language, "user": v.User, "fields": fields}
	maps.Copy(values, c.api.variables)
	return values
}

// target makes a request's URL.
func (c *Catalogue) target(ctx context.Context, o order, values scope) (*url.URL, error) {
	if o.link != nil {
		return o.link, nil
	}
	escaped, err := expand(o.path, func(name string) (string, bool) {
		text, ok := scalar(values[name])
		// A path's segment of dots is a step, escaped or not.
		return url.PathEscape(text), ok && text != "" && text != "." && text != ".."
	})
	if err != nil {
		return nil, c.refused("%s: what is asked for can't stand in a path: %s", o.name, err)
	}
	target := *c.base
	if target.Path, err = url.PathUnescape(c.base.EscapedPath() + escaped); err != nil {
		return nil, c.refused("%s: %s", o.name, err)
	}
	target.RawPath = c.base.EscapedPath() + escaped
	if o.query == nil {
		return &target, nil
	}
	parameters, err := o.query.run(ctx, nil, values)
	if err != nil {
		return nil, c.refused("%s", err)
	}
	target.RawQuery, err = encodeQuery(parameters)
	if err != nil {
		return nil, c.refused("%s: %s", o.query.name, err)
	}
	return &target, nil
}

// encodeQuery makes a query of an object, in the order of its names.
func encodeQuery(parameters any) (string, error) {
	object, ok := parameters.(map[string]any)
	if !ok {
		return "", errors.New("it yields no object")
	}
	query := make(url.Values)
	for name, value := range object {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, item := range list {
			if item == nil {
				continue
			}
			text, ok := scalar(item)
			if !ok {
				return "", fmt.Errorf("parameter %s is neither a text, a number, a truth value nor a list of them", name)
			}
			query.Add(name, text)
		}
	}
	return query.Encode(), nil
}

// scalar writes a value of jq that has no parts.
func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case nil, []any, map[string]any:
		return "", false
	default:
		text, err := gojq.Marshal(value)
		return string(text), err == nil
	}
}
