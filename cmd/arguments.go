package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exactly wants one argument for each name; one in brackets may be left out. None
// may be empty, as a variable of a script is that was never set.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := helpHint(cmd)
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return usageError{fmt.Errorf("%s needs %s", cmd.CommandPath(), names[len(args)]), hint}
		}
		if len(args) > len(names) {
			return usageError{fmt.Errorf("%s takes no %q", cmd.CommandPath(), args[len(names)]), hint}
		}
		for i, arg := range args {
			if arg == "" {
				return usageError{fmt.Errorf("%s: %s is empty", cmd.CommandPath(), strings.Trim(names[i], "[]")), hint}
			}
		}
		return nil
	}
}

// newGroup makes a command that only has commands beneath it.
func newGroup(cmd *cobra.Command, subs ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	cmd.AddCommand(subs...)
	return cmd
}
