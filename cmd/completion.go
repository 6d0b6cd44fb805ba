package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
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
	return newGroup(
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
}
