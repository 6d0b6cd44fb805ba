package cmd

import (
	"errors"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// checkNew reports what is wrong with a new endpoint.
func (s *settings) checkNew(name string) error {
	draft := s.draft
	draft.Name = name
	if draft.Style == "" {
		draft.Style = endpoint.DefaultStyle
	}
	for header, value := range draft.Headers {
		if value == "" {
			return usagef("--header: %s has no value: write '%s: VALUE'", header, header)
		}
	}
	if err := errors.Join(draft.Validate(), s.styles.Validate(&draft)); err != nil {
		return usageError{err, s.changeTypesHint(&draft)}
	}
	return nil
}

// changeTypesHint names the flag for what every endpoint must have.
func (s *settings) changeTypesHint(draft *endpoint.Endpoint) string {
	if draft.Subscription.ChangeTypes&event.AllChanges != 0 {
		return ""
	}
	return "give them with --change-types, separated by commas"
}

// checkChange reports what is wrong with the given settings of an endpoint
// whose other settings are not known.
func (s *settings) checkChange(name string) error {
	draft := s.draft
	draft.Name = name
	if s.update.URL.IsZero() {
		draft.URL = "https://unchanged.invalid"
	}
	if s.update.ChangeTypes.IsZero() {
		draft.Subscription.ChangeTypes = event.AllChanges
	}
	if s.update.ClientCert.IsZero() != s.update.ClientKey.IsZero() {
		draft.ClientCert, draft.ClientKey = "unchanged", "unchanged"
	}
	err := draft.Validate()
	if draft.Style != "" {
		_, styleErr := s.styles.Get(draft.Style)
		err = errors.Join(err, styleErr)
	}
	if err != nil {
		return usageError{err, s.changeTypesHint(&draft)}
	}
	return nil
}
