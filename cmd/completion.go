package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newCompletionCommand stands in for cobra's own, whose errors are not ours.
func newCompletionCommand(a *app) *cobra.Command {
	shell := func(name, load string, write func(*cobra.Command) error) *cobra.Command {
		return &cobra.Command{
			Use:     name,
			Short:   "Print the completions for " + name,
			Example: load,
			Args:    exactly(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := write(cmd.Root()); err != nil {
					return fmt.Errorf("write completions: %w", err)
				}
				return nil
			},
			ValidArgsFunction: cobra.NoFileCompletions,
		}
	}
	group := newGroup(
		&cobra.Command{
			Use:   "completion SHELL",
			Short: "Print what makes a shell complete commands, flags and names",
			Example: `  source <(dz completion bash)
  dz completion fish > ~/.config/fish/completions/dz.fish`,
		},
		shell("bash", "  source <(dz completion bash)",
			func(root *cobra.Command) error { return root.GenBashCompletionV2(a.env.Stdout, true) }),
		shell("zsh", `  dz completion zsh > "${fpath[1]}/_dz"`,
			func(root *cobra.Command) error { return root.GenZshCompletion(a.env.Stdout) }),
		shell("fish", "  dz completion fish > ~/.config/fish/completions/dz.fish",
			func(root *cobra.Command) error { return root.GenFishCompletion(a.env.Stdout, true) }),
		shell("powershell", "  dz completion powershell | Out-String | Invoke-Expression",
			func(root *cobra.Command) error { return root.GenPowerShellCompletionWithDesc(a.env.Stdout) }),
	)
	group.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var shells []string
		for _, sub := range cmd.Commands() {
			shells = append(shells, sub.Name())
		}
		return usageError{fmt.Errorf("there are no completions for %q", args[0]), "there are some for " + strings.Join(shells, ", ")}
	}
	return group
}

// unquoteFlags takes the marks off what flags are for: help names a flag's value
// by them, and completions would show them.
func unquoteFlags(cmd *cobra.Command) {
	unquote := func(flag *pflag.Flag) { flag.Usage = strings.ReplaceAll(flag.Usage, "`", "") }
	cmd.Flags().VisitAll(unquote)
	cmd.PersistentFlags().VisitAll(unquote)
	for _, sub := range cmd.Commands() {
		unquoteFlags(sub)
	}
}
