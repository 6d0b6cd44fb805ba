package api

import (
	"encoding/json"

	"github.com/dam-delivery/dz/pkg/event"
)

// Patch is what a request says of one member: nothing at all (its zero value:
// leave it as it is), null (back to the default), or a value. It is the member
// of a JSON merge patch (RFC 7396).
type Patch[T any] struct {
	value *T
	given bool
}

// Set gives a member a value.
func Set[T any](value T) Patch[T] { return Patch[T]{value: &value, given: true} }

// Default takes a member back to its default.
func Default[T any]() Patch[T] { return Patch[T]{given: true} }

// IsZero reports whether nothing is said; omitzero then leaves the member out.
func (p Patch[T]) IsZero() bool { return !p.given }

// MarshalJSON writes the value, or null for the default.
func (p Patch[T]) MarshalJSON() ([]byte, error) {
	if p.value == nil {
		return []byte("null"), nil
	}
	return json.Marshal(*p.value)
}

// EndpointUpdate changes an endpoint: a JSON merge patch in which an absent
// member stays as it is and null means the default.
//
// Durations, schedules, change types, events and reasons are sent as people
// write them; the daemon reads them and names the nearest right one.
//
// A secret that is sent back as it is shown, "***", stays as it is stored: as
// the value of a header, as the user information of the URL
// ("https://***@host/"), as a signing secret, and as a secret option of the
// style. So what "show" prints can be edited and sent back.
type EndpointUpdate struct {
	Style          Patch[string]     `json:"style,omitzero"`
	URL            Patch[string]     `json:"url,omitzero"`
	Description    Patch[string]     `json:"description,omitzero"`
	Enabled        Patch[bool]       `json:"enabled,omitzero"`
	Temporary      Patch[bool]       `json:"temporary,omitzero" doc:"remove it when nobody has watched its attempts for a minute or two"`
	ChangeTypes    Patch[[]string]   `json:"changeTypes,omitzero"`
	Events         Patch[[]string]   `json:"events,omitzero"`
	Fields         Patch[[]string]   `json:"fields,omitzero"`
	ExcludeFields  Patch[[]string]   `json:"excludeFields,omitzero"`
	Formats        Patch[[]event.ID] `json:"formats,omitzero"`
	Channels       Patch[[]event.ID] `json:"channels,omitzero"`
	Reasons        Patch[[]string]   `json:"reasons,omitzero"`
	Filter         Patch[string]     `json:"filter,omitzero"`
	Debounce       Patch[string]     `json:"debounce,omitzero" doc:"such as 5s or 00:00:05"`
	MaxWait        Patch[string]     `json:"maxWait,omitzero" doc:"such as 60s or 00:01:00"`
	Retry          Patch[string]     `json:"retry,omitzero" doc:"such as 5s,5m,30m; or an array"`
	Timeout        Patch[string]     `json:"timeout,omitzero"`
	ConnectTimeout Patch[string]     `json:"connectTimeout,omitzero"`
	Concurrency    Patch[int]        `json:"concurrency,omitzero"`
	Rate           Patch[float64]    `json:"rate,omitzero" doc:"requests a second"`
	CAFile         Patch[string]     `json:"caFile,omitzero"`
	ClientCert     Patch[string]     `json:"clientCert,omitzero"`
	ClientKey      Patch[string]     `json:"clientKey,omitzero"`

	// Signing replaces the list. A masked secret in it stands for the stored one
	// that expires at the same time.
	Signing Patch[[]SigningSecret] `json:"signing,omitzero"`

	// Headers merge by name: a value sets a header, Default deletes it, and
	// headers that are not named stay. A nil map says nothing.
	Headers map[string]Patch[string] `json:"headers,omitempty"`

	// ConfigurationChanges change single values of the style's option
	// "configuration", in their order, and leave the others as they are.
	ConfigurationChanges []ConfigurationChange `json:"configurationChanges,omitempty" doc:"changes of single values of the option configuration"`

	// Options are those of the endpoint's style, written beside the other
	// members. A nil value takes an option back to its default.
	Options map[string]any `json:"-"`
}

// ConfigurationChange sets or removes one value of an endpoint's configuration.
type ConfigurationChange struct {
	Path   string          `json:"path" doc:"JSON pointer (RFC 6901) of the value, such as /apiKey; objects on the way to it are made"`
	Value  json.RawMessage `json:"value,omitempty" doc:"any JSON"`
	Remove bool            `json:"remove,omitempty" doc:"remove the member, instead of a value"`
}

// EndpointCreate registers an endpoint. What is not given has its default; a
// new endpoint is enabled.
type EndpointCreate struct {
	Name string
	EndpointUpdate
}

// MarshalJSON writes the options beside the other members.
func (u EndpointUpdate) MarshalJSON() ([]byte, error) {
	type plain EndpointUpdate // without MarshalJSON
	return marshalFlat(plain(u), u.Options)
}

// MarshalJSON writes the name and the options beside the other members.
func (c EndpointCreate) MarshalJSON() ([]byte, error) {
	type update EndpointUpdate
	return marshalFlat(struct {
		Name string `json:"name"`
		update
	}{c.Name, update(c.EndpointUpdate)}, c.Options)
}

// ParseIDs reads ids as people type them: digits make a number, anything else a
// string; a string of digits is typed in double quotes.
func ParseIDs(texts []string) ([]event.ID, error) {
	ids := make([]event.ID, 0, len(texts))
	for _, text := range texts {
		id, err := event.ParseID(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
