package cmd

import (
	"errors"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// checkNew reports what is wrong with a new endpoint, or with those of a new
// group if there are several URLs.
func (s *settings) checkNew(name string) error {
	for header, value := range s.draft.Headers {
		if value == "" {
			return usagef("--header: %s has no value: write '%s: VALUE'", header, header)
		}
	}
	if !s.makesGroup() {
		return s.checkDraft(name, s.draft.URL)
	}
	if err := endpoint.CheckGroup(name, s.urls); err != nil {
		return usageError{err: err}
	}
	for i, url := range s.urls {
		if err := s.checkDraft(endpoint.MemberName(name, i+1), url); err != nil {
			return err
		}
	}
	return nil
}

// makesGroup reports whether there are several URLs.
func (s *settings) makesGroup() bool { return len(s.urls) > 1 }

// checkDraft reports what is wrong with a new endpoint of that name and URL.
func (s *settings) checkDraft(name, url string) error {
	draft := s.draft
	draft.Name, draft.URL = name, url
	if draft.Style == "" {
		draft.Style = endpoint.DefaultStyle
	}
	if _, err := s.styles.Get(draft.Style); err != nil {
		return usageError{err: err} // what else there must be, the style says
	}
	s.styles.Complete(&draft)
	if err := s.styles.Validate(&draft); err != nil {
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
	if s.makesGroup() {
		return usagef("--url is given %d times: an endpoint has one URL", len(s.urls))
	}
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
	if draft.Style == "" {
		draft.Subscription.Filter = "" // what it is over, the style says
	}
	draft = s.styles.Routed(&draft)
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
