package cmd

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

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

// span declares a length of time that can't be zero.
func (s *settings) span(flags *pflag.FlagSet, name, usage string, patch *api.Patch[string], draft *timespan.Span) {
	s.flag(flags, name, usage, func(text string) (err error) {
		*draft = 0
		if *patch = orDefault(text); text == "" {
			return nil
		}
		if *draft, err = timespan.Parse(text); err == nil && *draft == 0 {
			return fmt.Errorf("%q leaves no time for it: write 1s or more, or '' for the default", text)
		}
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

// idList reads ids: separated by commas, or given several times. One that has a comma
// in it is given alone, in double quotes.
func idList(texts []string) ([]event.ID, error) {
	var all []event.ID
	for _, text := range texts {
		if whole, err := event.ParseID(text); err == nil && text[0] == '"' {
			all = append(all, whole)
			continue
		}
		parts := split(text)
		if len(parts) == 0 {
			return nil, errors.New("an id is empty")
		}
		ids, err := api.ParseIDs(parts)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return all, nil
}

// each returns what check says of the names, joined.
func each(names []string, check func(string) error) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, check(name))
	}
	return errors.Join(errs...)
}
