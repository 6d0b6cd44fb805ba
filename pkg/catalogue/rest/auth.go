package rest

import (
	"context"
	"net/http"
)

// authenticate puts the credentials into a request. token is that of the order's
// view.
func (c *Catalogue) authenticate(ctx context.Context, req *http.Request, o order, token string) error {
	auth := &c.api.auth
	switch {
	case auth.Type == Basic && o.view.User == "":
		req.SetBasicAuth(c.config.Username, c.config.Password)
	case auth.Type == Headers && o.view.User == "":
		return c.setHeaders(ctx, req, o)
	case token == "":
	case auth.In == Query:
		query := req.URL.Query()
		query.Set(auth.Name, token)
		req.URL.RawQuery = query.Encode()
	case auth.Scheme != "":
		req.Header.Set(auth.Name, auth.Scheme+" "+token)
	default:
		req.Header.Set(auth.Name, token)
	}
	return nil
}

// setHeaders sets the header fields that the declared program makes. Its words
// are not repeated in errors: they may quote what it made.
func (c *Catalogue) setHeaders(ctx context.Context, req *http.Request, o order) error {
	program := c.api.auth.headers
	values := c.values(o)
	values["username"], values["password"], values["token"] = c.config.Username, c.config.Password, c.config.Token
	values["operation"] = o.operation
	made, err := program.run(ctx, nil, values)
	if err != nil {
		return c.refused("%s failed", program.name)
	}
	fields, ok := made.(map[string]any)
	if !ok {
		return c.refused("%s yields no object", program.name)
	}
	for name, value := range fields {
		if value == nil {
			continue
		}
		text, ok := scalar(value)
		if !ok {
			return c.refused("%s: field %s is no text", program.name, name)
		}
		req.Header.Set(name, text)
	}
	return nil
}
