package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/suggest"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// settings are the flags that describe an endpoint. Each flag that is given is
// noted twice: in update as it is sent, in draft as it is checked here, so that
// what can be seen to be wrong is said before the daemon is asked. An empty
// value takes a setting back to its default.
type settings struct {
	app    *app
	styles *style.Set
	update api.EndpointUpdate
	draft  endpoint.Endpoint
	off    bool // --disabled
	given  bool // any flag
}

// setting is a flag of one setting.
type setting struct {
	kind string // of the value, for the help page
	set  func(text string) error
	s    *settings
}

func (f *setting) String() string { return "" }
func (f *setting) Type() string   { return f.kind }
func (f *setting) Set(text string) error {
	f.s.given = true
	return f.set(text)
}

// declare adds the flags to a command.
func (s *settings) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	s.text(flags, "url", "`URL` that notifications are sent to", &s.update.URL, &s.draft.URL)
	s.text(flags, "style", "delivery `STYLE`: "+strings.Join(s.styles.Names(), ", ")+" (default "+endpoint.DefaultStyle+")",
		&s.update.Style, &s.draft.Style)
	s.text(flags, "description", "`TEXT` for people", &s.update.Description, &s.draft.Description)
	flags.BoolVar(&s.off, "disabled", false, "collect what is owed, but send nothing")
	s.subscription(flags)
	s.delivery(flags)
	s.options(cmd)

	complete(cmd, "style", s.styles.Names())
	completeList(cmd, "change-types", event.AllChanges.Names())
	completeList(cmd, "events", event.TypeNames(event.AllChanges))
	completeList(cmd, "reasons", event.Reasons())
	for _, name := range []string{"ca-file", "client-cert", "client-key"} {
		_ = cmd.MarkFlagFilename(name) // the flags are declared above
	}
	cmd.Flags().SortFlags = false
}

// subscription declares which changes are wanted.
func (s *settings) subscription(flags *pflag.FlagSet) {
	sub := &s.draft.Subscription
	s.list(flags, "change-types", "`TYPES` of changes: "+event.AllChanges.String(), &s.update.ChangeTypes,
		func(names []string) error {
			sub.ChangeTypes = 0
			for _, name := range names {
				bit, err := event.ParseChangeType(name)
				if err != nil {
					return err
				}
				sub.ChangeTypes |= bit
			}
			return nil
		})
	s.list(flags, "events", "only these `EVENTS`, such as AssetMetadataUpdated", &s.update.Events,
		func(names []string) error {
			sub.Events = names
			return each(names, func(name string) error { _, _, err := event.ParseType(name); return err })
		})
	s.list(flags, "reasons", "only these `REASONS`, such as metadata,delete", &s.update.Reasons,
		func(names []string) error {
			sub.Reasons = names
			return each(names, func(name string) error { _, err := event.ParseReason(name); return err })
		})
	s.list(flags, "fields", "only metadata changes of one of these `FIELDS`", &s.update.Fields,
		func(names []string) error { sub.Fields = names; return nil })
	s.list(flags, "exclude-fields", "no metadata changes of these `FIELDS` alone", &s.update.ExcludeFields,
		func(names []string) error { sub.ExcludeFields = names; return nil })
	s.ids(flags, "formats", "only published profiles of these format `IDS`", &s.update.Formats, &sub.Formats)
	s.ids(flags, "channels", "only publishing to, and withdrawing from, these channel folder `IDS`",
		&s.update.Channels, &sub.Channels)
	s.text(flags, "filter", "`EXPRESSION` over event and asset, such as 'event.streamtype == \"video\"'",
		&s.update.Filter, &sub.Filter)
}

// delivery declares how is sent.
func (s *settings) delivery(flags *pflag.FlagSet) {
	flags.VarP(&setting{"stringArray", s.header, s}, "header", "H",
		"`'NAME: VALUE'` of a header to send, repeatable; 'NAME: @FILE' reads the value from a file, 'NAME:' removes the header")
	s.optionalSpan(flags, "debounce", "quiet `TIME` before a change is told, such as 5s or 00:00:05", &s.update.Debounce, &s.draft.Debounce)
	s.optionalSpan(flags, "max-wait", "longest `TIME` that debouncing may hold a change back", &s.update.MaxWait, &s.draft.MaxWait)
	s.flag(flags, "retry", "`TIMES` between attempts, such as 5s,5m,30m", func(text string) error {
		s.draft.Retry = nil
		if s.update.Retry = orDefault(text); text == "" {
			return nil
		}
		var err error
		s.draft.Retry, err = endpoint.ParseSchedule(text)
		return err
	})
	s.span(flags, "timeout", "longest `TIME` of a whole request (default 30s)", &s.update.Timeout, &s.draft.Timeout)
	s.span(flags, "connect-timeout", "longest `TIME` of connecting (default 5s)", &s.update.ConnectTimeout, &s.draft.ConnectTimeout)
	s.flag(flags, "concurrency", fmt.Sprintf("`NUMBER` of requests at a time (default %d)", endpoint.DefaultConcurrency),
		func(text string) (err error) {
			s.draft.Concurrency, s.update.Concurrency = 0, api.Default[int]()
			if text == "" {
				return nil
			}
			if s.draft.Concurrency, err = strconv.Atoi(text); err != nil || s.draft.Concurrency < 1 {
				return fmt.Errorf("%q is not a whole number from 1 to %d", text, endpoint.MaxConcurrency)
			}
			s.update.Concurrency = api.Set(s.draft.Concurrency)
			return nil
		})
	s.flag(flags, "rate", "`NUMBER` of requests a second at most (default unlimited)", func(text string) (err error) {
		s.draft.Rate, s.update.Rate = 0, api.Default[float64]()
		if text == "" {
			return nil
		}
		if s.draft.Rate, err = strconv.ParseFloat(text, 64); err != nil {
			return fmt.Errorf("%q is not a number of requests a second", text)
		}
		s.update.Rate = api.Set(s.draft.Rate)
		return nil
	})
	s.path(flags, "ca-file", "PEM `FILE` of authorities to trust instead of the system's", &s.update.CAFile, &s.draft.CAFile)
	s.path(flags, "client-cert", "PEM `FILE` of the certificate to show", &s.update.ClientCert, &s.draft.ClientCert)
	s.path(flags, "client-key", "PEM `FILE` of its key", &s.update.ClientKey, &s.draft.ClientKey)
}

// options declares what the styles add.
func (s *settings) options(cmd *cobra.Command) {
	for _, name := range s.styles.Names() {
		st, err := s.styles.Get(name)
		if err != nil {
			continue // Names has only what Get knows
		}
		for _, option := range st.Options() {
			if cmd.Flags().Lookup(option.Flag) != nil {
				continue // two styles may have the same
			}
			usage := option.Usage
			if option.Default != nil {
				usage += fmt.Sprintf(" (default %v)", option.Default)
			}
			kind := string(option.Type)
			if len(option.Values) > 0 {
				kind = strings.Join(option.Values, "|")
			}
			flag := &setting{kind, func(text string) error { return s.option(option, text) }, s}
			cmd.Flags().Var(flag, option.Flag, usage)
			if option.Type == style.Bool {
				cmd.Flags().Lookup(option.Flag).NoOptDefVal = "true"
			}
			if len(option.Values) > 0 {
				complete(cmd, option.Flag, option.Values)
			}
		}
	}
}

// option notes the value of a style's option.
func (s *settings) option(option style.Option, text string) error {
	value, err := optionValue(option, text)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if s.update.Options == nil {
		s.update.Options, s.draft.Options = map[string]any{}, map[string]json.RawMessage{}
	}
	s.update.Options[option.Name] = value
	if value == nil {
		delete(s.draft.Options, option.Name)
	} else {
		s.draft.Options[option.Name] = raw
	}
	return nil
}

func optionValue(option style.Option, text string) (any, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nil is the value that means the default
	}
	switch option.Type {
	case style.Bool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not true or false", text)
		}
		return value, nil
	case style.Int:
		value, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return value, nil
	case style.Strings:
		return split(text), nil
	case style.String:
	}
	if len(option.Values) > 0 && !slices.Contains(option.Values, text) {
		return nil, fmt.Errorf("unknown value %q%s (values: %s)",
			text, suggest.Clause(text, option.Values), strings.Join(option.Values, ", "))
	}
	return text, nil
}

// finish notes what is only known once all flags are read.
func (s *settings) finish(cmd *cobra.Command) {
	if cmd.Flags().Changed("disabled") {
		s.given = true
		s.update.Enabled = api.Set(!s.off)
	}
}

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
		return usageError{err: err}
	}
	return nil
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
		return usageError{err: err}
	}
	return nil
}

// Flags of each form follow.

func (s *settings) flag(flags *pflag.FlagSet, name, usage string, set func(string) error) {
	flags.Var(&setting{"string", set, s}, name, usage)
}

func (s *settings) text(flags *pflag.FlagSet, name, usage string, patch *api.Patch[string], draft *string) {
	s.flag(flags, name, usage, func(text string) error {
		*patch, *draft = orDefault(text), text
		return nil
	})
}

// path makes a file's name absolute: the daemon has a directory of its own.
func (s *settings) path(flags *pflag.FlagSet, name, usage string, patch *api.Patch[string], draft *string) {
	s.flag(flags, name, usage, func(text string) error {
		if text != "" {
			absolute, err := filepath.Abs(text)
			if err != nil {
				return err
			}
			text = absolute
		}
		*patch, *draft = orDefault(text), text
		return nil
	})
}

func (s *settings) span(flags *pflag.FlagSet, name, usage string, patch *api.Patch[string], draft *timespan.Span) {
	s.flag(flags, name, usage, func(text string) (err error) {
		*draft = 0
		if *patch = orDefault(text); text == "" {
			return nil
		}
		*draft, err = timespan.Parse(text)
		return err
	})
}

func (s *settings) optionalSpan(flags *pflag.FlagSet, name, usage string, patch *api.Patch[string], draft **timespan.Span) {
	s.flag(flags, name, usage, func(text string) error {
		*draft = nil
		if *patch = orDefault(text); text == "" {
			return nil
		}
		span, err := timespan.Parse(text)
		*draft = &span
		return err
	})
}

// list declares a list: separated by commas, or given several times. check is
// given the whole list.
func (s *settings) list(flags *pflag.FlagSet, name, usage string, patch *api.Patch[[]string], check func([]string) error) {
	var all []string
	s.flag(flags, name, usage, func(text string) error {
		if text == "" {
			all, *patch = nil, api.Default[[]string]()
			return check(nil)
		}
		all = append(all, split(text)...)
		*patch = api.Set(all)
		return check(all)
	})
}

func (s *settings) ids(flags *pflag.FlagSet, name, usage string, patch *api.Patch[[]event.ID], draft *[]event.ID) {
	var texts api.Patch[[]string]
	s.list(flags, name, usage, &texts, func(all []string) (err error) {
		if *draft, err = api.ParseIDs(all); err != nil {
			return err
		}
		*patch = api.Set(*draft)
		if len(all) == 0 {
			*patch = api.Default[[]event.ID]()
		}
		return nil
	})
}

func orDefault(text string) api.Patch[string] {
	if text == "" {
		return api.Default[string]()
	}
	return api.Set(text)
}

// split cuts a list at its commas.
func split(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// each returns what check says of the names, joined.
func each(names []string, check func(string) error) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, check(name))
	}
	return errors.Join(errs...)
}
