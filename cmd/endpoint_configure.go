package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/style"
)

func newEndpointConfigureCommand(a *app) *cobra.Command {
	var changes configurationChanges
	changes.app = a
	cmd := &cobra.Command{
		Use:   "configure NAME --set KEY=VALUE",
		Short: "Change single values of the configuration of a managed integration",
		Long: `Change single values of the configuration that an endpoint hands to its receiver.
The other values stay, also what somebody else changes meanwhile. The result must
keep to the endpoint's configuration schema, if it has one; else nothing changes.

A KEY has dots between names (auth.token), or is a JSON pointer (/auth/token). A
VALUE is JSON, and what is no JSON is a text; @FILE reads it from a file, @- from
stdin. Values are secrets: they are masked wherever endpoints are shown, unless
--reveal is given there.`,
		Example: `  dz endpoint configure pim --set apiKey=@/run/secrets/pim --set retries=3
  dz endpoint configure pim --set auth.scopes='["read","write"]' --unset auth.user
  dz endpoint configure pim --set-string version=1.10`,
		Args: exactly("NAME"),
		PreRunE: func(*cobra.Command, []string) error {
			if len(changes.list) == 0 {
				return usageError{errors.New("nothing to change"), "give --set KEY=VALUE or --unset KEY"}
			}
			return nil
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			update := api.EndpointUpdate{ConfigurationChanges: changes.list}
			configured, err := byName(
				func() (api.Endpoint, error) { return s.client.UpdateEndpoint(ctx, args[0], update) },
				func() ([]api.Endpoint, error) { return s.client.UpdateGroup(ctx, args[0], update) },
			)
			if err != nil {
				return changes.hint(err)
			}
			return configured.done(s.out, endpointName, "configured")
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	flags := cmd.Flags()
	changes.flag(flags, "set", "`KEY=VALUE` to set, repeatable; VALUE is JSON or a text, or is in @FILE", changes.set)
	changes.flag(flags, "set-string", "`KEY=TEXT` to set, repeatable; TEXT is a text, also where it is JSON", changes.setString)
	changes.flag(flags, "unset", "`KEY` to remove, repeatable", changes.unset)
	flags.SortFlags = false
	return cmd
}

// configurationChanges are the changes that flags ask for, in their order. No
// error repeats a value.
type configurationChanges struct {
	app  *app
	list []api.ConfigurationChange
}

// changeFlag is a flag of one kind of change.
type changeFlag func(text string) error

func (changeFlag) String() string          { return "" }
func (changeFlag) Type() string            { return "stringArray" }
func (f changeFlag) Set(text string) error { return f(text) }

func (*configurationChanges) flag(flags *pflag.FlagSet, name, usage string, set changeFlag) {
	flags.Var(set, name, usage)
}

func (c *configurationChanges) set(text string) error {
	return c.add(text, func(value string) (json.RawMessage, error) {
		if value, err := endpoint.DecodeJSON([]byte(value)); err == nil {
			return endpoint.EncodeJSON(value)
		}
		return endpoint.EncodeJSON(value)
	})
}

func (c *configurationChanges) setString(text string) error {
	return c.add(text, func(value string) (json.RawMessage, error) { return endpoint.EncodeJSON(value) })
}

func (c *configurationChanges) unset(key string) error {
	path, err := configurationPath(key)
	if err != nil {
		return err
	}
	c.list = append(c.list, api.ConfigurationChange{Path: path, Remove: true})
	return nil
}

// add notes a change of KEY=VALUE.
func (c *configurationChanges) add(text string, read func(value string) (json.RawMessage, error)) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return errors.New("it has no value: write KEY=VALUE")
	}
	path, err := configurationPath(key)
	if err != nil {
		return err
	}
	if value, err = c.app.value(value, style.MaxOption); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	raw, err := read(value)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	c.list = append(c.list, api.ConfigurationChange{Path: path, Value: raw})
	return nil
}

// hint adds to what a schema rejects how a text is set that could be JSON.
func (c *configurationChanges) hint(err error) error {
	var told *api.Error
	if !errors.As(err, &told) || told.Hint != "" {
		return err
	}
	for _, change := range c.list {
		_, violation, found := strings.Cut(told.Message, change.Path+": got ")
		violation, _, _ = strings.Cut(violation, ";")
		if found && strings.HasSuffix(violation, ", want string") && !change.Remove && change.Value[0] != '"' {
			hinted := *told
			hinted.Hint = "--set-string KEY=TEXT sets a text also where it could be JSON"
			return &hinted
		}
	}
	return err
}

// configurationPath makes a JSON pointer of a key as people write it.
func configurationPath(key string) (string, error) {
	switch {
	case key == "":
		return "", errors.New("it has no key: write KEY=VALUE")
	case strings.HasPrefix(key, "/"):
		return key, nil
	}
	path := ""
	for name := range strings.SplitSeq(key, ".") {
		if name == "" {
			return "", fmt.Errorf("key %s has a name that is empty: a name with a dot in it takes a JSON pointer, such as /a.b", key)
		}
		path += "/" + endpoint.EscapePointer(name)
	}
	return path, nil
}
