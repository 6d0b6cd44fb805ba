package admin

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/textproto"
	"slices"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// patch is a JSON merge patch (RFC 7396) of an endpoint, as api.EndpointUpdate
// describes it.
type patch map[string]json.RawMessage

// apply changes ep. It replaces maps and slices and never writes into them, so
// that it may be applied to a shallow copy, and more than once.
func (p patch) apply(ep *endpoint.Endpoint, styleOf func(name string) (Style, bool)) error {
	// The style comes first: it says which options there are.
	if raw, ok := p["style"]; ok {
		if err := set(raw, "style", &ep.Style); err != nil {
			return err
		}
	}
	if ep.Style == "" {
		ep.Style = endpoint.DefaultStyle
	}
	style, known := styleOf(ep.Style)
	options := maps.Clone(ep.Options)
	if known {
		// What only the former style knew goes with it.
		maps.DeleteFunc(options, func(name string, _ json.RawMessage) bool { return !style.has(name) })
	}
	if options == nil {
		options = make(map[string]json.RawMessage)
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		isMember, err := setMember(ep, name, p[name])
		if err != nil {
			return err
		}
		if isMember || name == changesMember {
			continue
		}
		if known && !style.has(name) {
			return style.hasNo(name, ep.Style)
		}
		option, _ := style.option(name)
		option.Name = name
		if err := setOption(options, option, p[name]); err != nil {
			return err
		}
	}
	// Behind the options: they may hold another configuration as a whole.
	if raw, ok := p[changesMember]; ok && !isNull(raw) {
		if err := changeConfiguration(options, ep, style, raw); err != nil {
			return err
		}
	}
	ep.Options = nil
	if len(options) > 0 {
		ep.Options = options
	}
	return nil
}

// setMember sets a member that every endpoint has, or reports false if it is
// none.
func setMember(ep *endpoint.Endpoint, name string, raw json.RawMessage) (bool, error) {
	sub := &ep.Subscription
	var err error
	switch name {
	case "style", "state", "window", "created", "updated", "lastResync", "held", "skips", "defaults":
		// The style is set already; the others are the daemon's, and let pass
		// so that what is shown can be sent back.
	case "name":
		err = checkSameName(ep, raw)
	case "group":
		err = checkSameGroup(ep, raw)
	case "url":
		err = setURL(ep, raw)
	case "headers":
		err = setHeaders(ep, raw)
	case "signing":
		err = setSigning(ep, raw)
	case "description":
		err = set(raw, name, &ep.Description)
	case "enabled":
		ep.Enabled = true
		if !isNull(raw) {
			err = set(raw, name, &ep.Enabled)
		}
	case "temporary":
		err = set(raw, name, &ep.Temporary)
	case "changeTypes":
		err = set(raw, name, &sub.ChangeTypes)
	case "events":
		err = set(raw, name, &sub.Events)
	case "fields":
		err = set(raw, name, &sub.Fields)
	case "excludeFields":
		err = set(raw, name, &sub.ExcludeFields)
	case "formats":
		err = set(raw, name, &sub.Formats)
	case "channels":
		err = set(raw, name, &sub.Channels)
	case "reasons":
		err = set(raw, name, &sub.Reasons)
	case "filter":
		err = set(raw, name, &sub.Filter)
	case "debounce":
		err = set(raw, name, &ep.Debounce)
	case "maxWait":
		err = set(raw, name, &ep.MaxWait)
	case "retry":
		err = set(raw, name, &ep.Retry)
	case "timeout":
		err = set(raw, name, &ep.Timeout)
	case "connectTimeout":
		err = set(raw, name, &ep.ConnectTimeout)
	case "concurrency":
		err = set(raw, name, &ep.Concurrency)
	case "rate":
		err = set(raw, name, &ep.Rate)
	case "caFile":
		err = set(raw, name, &ep.CAFile)
	case "clientCert":
		err = set(raw, name, &ep.ClientCert)
	case "clientKey":
		err = set(raw, name, &ep.ClientKey)
	default:
		return false, nil
	}
	return true, err
}

// set decodes a member into a fresh value; null is its zero value, which means
// the default.
func set[T any](raw json.RawMessage, name string, target *T) error {
	var value T
	if !isNull(raw) {
		if err := json.Unmarshal(raw, &value); err != nil {
			return invalid("", "%s", describeJSON(name, err))
		}
	}
	*target = value
	return nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func checkSameName(ep *endpoint.Endpoint, raw json.RawMessage) error {
	var name string
	if err := set(raw, "name", &name); err != nil {
		return err
	}
	if name != ep.Name {
		return invalid("add one of the new name and remove this one", "endpoint %s can't be renamed", ep.Name)
	}
	return nil
}

func checkSameGroup(ep *endpoint.Endpoint, raw json.RawMessage) error {
	var group string
	if err := set(raw, "group", &group); err != nil {
		return err
	}
	if group != ep.Group {
		return invalid("several URLs given at once make a group", "endpoint %s can't be put into another group", ep.Name)
	}
	return nil
}

// setURL takes what is masked from what is stored.
func setURL(ep *endpoint.Endpoint, raw json.RawMessage) error {
	var text string
	if err := set(raw, "url", &text); err != nil {
		return err
	}
	unmasked, err := endpoint.UnmaskURL(text, ep.URL)
	if err != nil {
		return invalid("write it out, or leave it out", "%s", err)
	}
	ep.URL = unmasked
	return nil
}

// setHeaders merges by name. Names are compared as HTTP does.
func setHeaders(ep *endpoint.Endpoint, raw json.RawMessage) error {
	if isNull(raw) {
		ep.Headers = nil
		return nil
	}
	var changes map[string]*string
	if err := json.Unmarshal(raw, &changes); err != nil {
		return invalid("", "%s", describeJSON("headers", err))
	}
	headers := maps.Clone(ep.Headers)
	if headers == nil {
		headers = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, sent := range slices.Sorted(maps.Keys(changes)) {
		name, value := textproto.CanonicalMIMEHeaderKey(sent), changes[sent]
		if seen[name] {
			return invalid("", "header %.80s is given twice", name)
		}
		seen[name] = true
		stored, isStored := ep.Headers[name]
		switch {
		case value == nil:
			delete(headers, name)
		case *value != endpoint.Masked:
			headers[name] = *value
		case isStored:
			headers[name] = stored
		default:
			return invalid("write its value", "header %.80s has the value %s, which stands for a stored one, and none is stored",
				name, endpoint.Masked)
		}
	}
	ep.Headers = headers
	return nil
}

// setOption sets an option of the style; what it may be is the style's to say.
func setOption(options map[string]json.RawMessage, option Option, raw json.RawMessage) error {
	stored, isStored := options[option.Name]
	switch {
	case isNull(raw):
		delete(options, option.Name)
	case string(raw) == maskedJSON && isStored:
	case string(raw) == maskedJSON:
		return invalid("write its value", "option %.80s has the value %s, which stands for a stored one, and none is stored",
			option.Name, endpoint.Masked)
	case option.Secret && option.JSON:
		unmasked, err := endpoint.UnmaskJSON(raw, stored)
		if err != nil {
			return invalid("write its value, or leave the option out", "option %.80s: %s", option.Name, err)
		}
		options[option.Name] = unmasked
	default:
		options[option.Name] = bytes.Clone(raw)
	}
	return nil
}

// maskedJSON is the mask as a JSON string.
const maskedJSON = `"` + endpoint.Masked + `"`

func (s Style) names() []string {
	names := make([]string, len(s.Options))
	for i, option := range s.Options {
		names[i] = option.Name
	}
	return names
}

// hasNo refuses a member that neither every endpoint has nor those of the style. One that
// is like no other may well be an option of another style.
func (s Style) hasNo(name, style string) *api.Error {
	known := append(api.EndpointMembers(), s.names()...)
	if suggest.Clause(name, known) == "" {
		return invalid("", "style %s has no option %.80q", style, name)
	}
	return unknownMember(name, known)
}

func (s Style) has(name string) bool {
	_, known := s.option(name)
	return known
}

// option returns the option of that name.
func (s Style) option(name string) (Option, bool) {
	at := slices.IndexFunc(s.Options, func(o Option) bool { return o.Name == name })
	if at < 0 {
		return Option{}, false
	}
	return s.Options[at], true
}

// create makes a new endpoint of a request.
func (p patch) create(styleOf func(name string) (Style, bool)) (endpoint.Endpoint, error) {
	ep := endpoint.Endpoint{Style: endpoint.DefaultStyle, Enabled: true}
	if raw, ok := p["name"]; ok {
		if err := set(raw, "name", &ep.Name); err != nil {
			return ep, err
		}
	}
	if err := endpoint.CheckName(ep.Name); err != nil {
		return ep, invalid("", "%s", err)
	}
	err := p.apply(&ep, styleOf)
	return ep, err
}
