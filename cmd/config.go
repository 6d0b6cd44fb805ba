package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/upkeep"
)

func newConfigCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{Use: "config COMMAND", Short: "Look at the configuration"},
		newConfigCheckCommand(a),
	)
}

// checkedConfig is the configuration as "dz config check -o json" prints it.
type checkedConfig struct {
	File     string           `json:"file"` // "" without one
	Settings []config.Setting `json:"settings"`
	Warnings []string         `json:"warnings"`
}

func newConfigCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the configuration, and show where each value comes from",
		Long: `Check the configuration as 'dz serve' would read it, and show every setting with
where it comes from: a line of the file, a variable, a flag, or the default. What
is wrong is shown with its file and line; nothing is started. Of other files only
that of the key (secrets.key_file) is looked at.

With -o yaml it prints a configuration file that says all of it.`,
		Example: `  dz config check
  dz config check /etc/dz/dz.yaml
  dz --config dz.yaml config check -o yaml`,
		Args: exactly("[FILE]"),
		RunE: func(_ *cobra.Command, args []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			opts := a.configOptions()
			if len(args) == 1 {
				opts.File = args[0]
			}
			loaded, err := config.Load(opts)
			if err != nil {
				return usageError{err: err}
			}
			if err := checkKeyFile(&loaded); err != nil {
				return err
			}
			for _, warning := range loaded.Warnings {
				a.note("dz: warning: %s", warning)
			}
			if out.Format == render.YAML {
				text, err := loaded.YAML()
				if err != nil {
					return err
				}
				return out.Text(string(text))
			}
			checked := checkedConfig{File: loaded.File, Settings: loaded.Explain(), Warnings: loaded.Warnings}
			if checked.Warnings == nil {
				checked.Warnings = []string{}
			}
			rows := make([][]string, len(checked.Settings))
			for i, setting := range checked.Settings {
				rows[i] = []string{setting.Key, setting.Value, setting.Origin}
			}
			return out.Grid(checked, []string{"KEY", "VALUE", "FROM"}, rows)
		},
	}
}

// checkKeyFile reports a key file that a daemon could not use. That this user may
// not look at it is a warning: it is the daemon's, and not everybody's.
func checkKeyFile(c *config.Config) error {
	err := upkeep.CheckKeyFile(c.Secrets.KeyFile, c.MayMakeKey())
	var told *api.Error
	if errors.As(err, &told) && told.Code == api.CodeForbidden {
		c.Warnings = append(c.Warnings, "the key is not checked: "+told.Message)
		return nil
	}
	if err != nil {
		return usageError{err: fmt.Errorf("secrets.key_file: %w", err)}
	}
	return nil
}
