package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// integration is what a request says of a managed integration, by member.
type integration map[string]json.RawMessage

// integrationMember is a setting by its name as a member of an integration, and
// of an endpoint.
type integrationMember struct{ name, of string }

// integrationMembers returns the settings of an integration; its id is none.
func integrationMembers() []integrationMember {
	return []integrationMember{
		{"name", "name"},
		{"enabled", "enabled"},
		{"endpointUrl", "url"},
		{"additionalMetadataFields", "additionalFields"},
		{"triggerOnFormatChange", "triggerFormats"},
		{"alwaysTrigger", "alwaysTrigger"},
		{"assetFilter", "filter"},
		{"customHeaders", "headers"},
		{"language", "language"},
		{"maxBatchSize", "maxBatchSize"},
		{"requestTimeout", "timeout"},
		{"apiUser", "apiUser"},
		{"integrationConfigurationSchema", "configurationSchema"},
		{"integrationConfiguration", "configuration"},
	}
}

// decodeIntegration reads the members of a request. It refuses unknown ones.
func decodeIntegration(raw []byte) (integration, error) {
	members, err := decodeMembers(raw)
	if err != nil {
		return nil, err
	}
	names := []string{"id"}
	for _, m := range integrationMembers() {
		names = append(names, m.name)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if slices.Contains(names, name) {
			continue
		}
		for _, m := range integrationMembers() {
			if m.of == name {
				return nil, invalid("", "unknown member %q; did you mean %s?", name, m.name)
			}
		}
		return nil, unknownMember(name, names)
	}
	return members, nil
}

// patch says the same of an endpoint.
func (i integration) patch() (patch, error) {
	p := patch{}
	for _, m := range integrationMembers() {
		if raw, given := i[m.name]; given {
			p[m.of] = raw
		}
	}
	if raw, given := i["id"]; given && !isNull(raw) {
		if _, named := p["name"]; !named {
			p["name"] = raw
		}
		if string(raw) != string(p["name"]) {
			return nil, invalid("leave id out", "an integration's id is its name")
		}
	}
	if raw, given := p["timeout"]; given && !isNull(raw) {
		var seconds float64
		if err := json.Unmarshal(raw, &seconds); err != nil {
			return nil, invalid("", "%s", describeJSON("requestTimeout", err))
		}
		if seconds <= 0 || seconds > endpoint.MaxTimeout.Std().Seconds() {
			return nil, invalid("", "requestTimeout is not a number of seconds above 0, at most %g", endpoint.MaxTimeout.Std().Seconds())
		}
		var err error
		if p["timeout"], err = json.Marshal(timespan.Span(seconds * float64(time.Second))); err != nil {
			return nil, fmt.Errorf("write timeout: %w", err)
		}
	}
	return p, nil
}

// whole makes null of members that are not sent, and of stored headers.
func whole(ep *endpoint.Endpoint, sent integration) integration {
	members := maps.Clone(sent)
	for _, m := range integrationMembers() {
		if _, given := members[m.name]; !given && m.name != "name" {
			members[m.name] = json.RawMessage("null")
		}
	}
	var headers map[string]*string
	if err := json.Unmarshal(members["customHeaders"], &headers); err != nil || headers == nil {
		return members // null takes all of them away; what is wrong is told by who sets them
	}
	for name := range ep.Headers {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(sent string) bool {
			return textproto.CanonicalMIMEHeaderKey(sent) == name
		}) {
			headers[name] = nil
		}
	}
	if raw, err := json.Marshal(headers); err == nil {
		members["customHeaders"] = raw
	}
	return members
}

// inItsWords names in an error the members of an integration instead of an
// endpoint's.
func inItsWords(err error) error {
	var told *api.Error
	if !errors.As(err, &told) || told.Code != api.CodeInvalid {
		return err
	}
	lines := strings.Split(told.Message, "\n") // one for each thing that is wrong
	for i := range lines {
		for _, m := range integrationMembers() {
			for _, end := range []string{" ", ":", "."} {
				for _, noun := range []string{"member ", "option "} {
					lines[i] = strings.ReplaceAll(lines[i], noun+m.of+end, "member "+m.name+end)
				}
				if rest, found := strings.CutPrefix(lines[i], m.of+end); found {
					lines[i] = m.name + end + rest
					break
				}
			}
		}
	}
	return &api.Error{Code: told.Code, Message: strings.Join(lines, "\n"), Hint: told.Hint}
}

// showIntegration makes the view of an endpoint of style managed.
func (s *Server) showIntegration(state EndpointState, reveal bool) (api.Integration, error) {
	ep, err := s.show(state, reveal)
	if err != nil {
		return api.Integration{}, err
	}
	shown := api.Integration{
		ID: ep.Name, Name: ep.Name, Enabled: ep.Enabled, EndpointURL: ep.URL, AssetFilter: ep.Filter,
		CustomHeaders: ep.Headers, RequestTimeout: ep.Timeout.Std().Seconds(),
		IntegrationConfigurationSchema: ep.Options["configurationSchema"],
		IntegrationConfiguration:       ep.Options["configuration"],
	}
	for name, target := range map[string]any{
		"additionalFields": &shown.AdditionalMetadataFields, "triggerFormats": &shown.TriggerOnFormatChange,
		"alwaysTrigger": &shown.AlwaysTrigger, "language": &shown.Language, "maxBatchSize": &shown.MaxBatchSize, "apiUser": &shown.APIUser,
	} {
		raw, stored := ep.Options[name]
		if !stored {
			continue
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return api.Integration{}, fmt.Errorf("show endpoint %s: option %s: %w", ep.Name, name, err)
		}
	}
	shown.AdditionalMetadataFields = orEmpty(shown.AdditionalMetadataFields)
	shown.TriggerOnFormatChange = orEmpty[event.ID](shown.TriggerOnFormatChange)
	if shown.CustomHeaders == nil {
		shown.CustomHeaders = map[string]string{}
	}
	return shown, nil
}
