package endpoint

import (
	"encoding/json"
	"maps"
)

// Secrets are what others must not read of an endpoint. Which options are secret
// only the style knows, so all of them are among it.
type Secrets struct {
	URL     string                     `json:"url,omitempty"` // all of it, if something in it is secret
	Headers map[string]string          `json:"headers,omitempty"`
	Signing []SigningSecret            `json:"signing,omitempty"`
	Options map[string]json.RawMessage `json:"options,omitempty"`
}

// IsZero reports whether there are none.
func (s *Secrets) IsZero() bool {
	return s.URL == "" && len(s.Headers) == 0 && len(s.Signing) == 0 && len(s.Options) == 0
}

// Split returns the endpoint without its secrets, masked where one was, and the
// secrets, so that they can be kept apart. Join puts them together again.
func (e *Endpoint) Split() (open Endpoint, secrets Secrets) {
	open = e.Redacted()
	open.Options = nil
	secrets = Secrets{Headers: e.Headers, Signing: e.Signing, Options: e.Options}
	if open.URL != e.URL {
		secrets.URL = e.URL
	}
	return open, secrets
}

// Join returns the endpoint with its secrets.
func (e *Endpoint) Join(secrets Secrets) Endpoint {
	whole := *e
	if secrets.URL != "" {
		whole.URL = secrets.URL
	}
	whole.Headers, whole.Signing, whole.Options = maps.Clone(secrets.Headers), secrets.Signing, secrets.Options
	return whole
}
