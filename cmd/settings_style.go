package cmd

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/suggest"
)

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
	if option.Secret {
		var err error
		if text, err = s.app.secret(text); err != nil {
			return err
		}
	}
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
