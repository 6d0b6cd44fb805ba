package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// plainWidth is how wide help is where there is no terminal to say.
const plainWidth = 100

// usage prints how a command is called: what help adds to its long text.
func (a *app) usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", usageLine(cmd))
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAliases:\n  %s\n", strings.Join(cmd.Aliases, ", "))
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, group := range cmd.Groups() {
		writeCommands(&b, group.Title, cmd, group.ID)
	}
	title := "Commands:"
	if len(cmd.Groups()) > 0 {
		title = "More:"
	}
	writeCommands(&b, title, cmd, "")
	a.writeLocalFlags(&b, cmd)
	a.writeFlags(&b, "Flags of every command:", cmd.InheritedFlags())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n'%s COMMAND --help' says more about a command.\n", cmd.CommandPath())
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), b.String())
	return err
}

func usageLine(cmd *cobra.Command) string {
	line := cmd.UseLine()
	if cmd.HasSubCommands() {
		return strings.TrimSuffix(line, " [flags]")
	}
	return line
}

func writeCommands(b *strings.Builder, title string, cmd *cobra.Command, group string) {
	var lines strings.Builder
	for _, sub := range cmd.Commands() {
		if sub.GroupID == group && sub.IsAvailableCommand() {
			fmt.Fprintf(&lines, "  %-*s  %s\n", sub.NamePadding(), sub.Name(), sub.Short)
		}
	}
	if lines.Len() > 0 {
		fmt.Fprintf(b, "\n%s\n%s", title, lines.String())
	}
}

// writeLocalFlags writes the command's own flags: at first those that always mean
// something, then what belongs to a style.
func (a *app) writeLocalFlags(b *strings.Builder, cmd *cobra.Command) {
	var titles []string
	parts := make(map[string]*pflag.FlagSet)
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		title := "Flags:"
		if style := flag.Annotations[ofStyle]; len(style) > 0 {
			title = "Flags of style " + style[0] + ":"
		}
		if parts[title] == nil {
			titles = append(titles, title)
			parts[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
			parts[title].SortFlags = cmd.Flags().SortFlags
		}
		parts[title].AddFlag(flag)
	})
	for _, title := range titles {
		a.writeFlags(b, title, parts[title])
	}
}

func (a *app) writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	width := a.env.Width()
	if width == 0 {
		width = plainWidth
	}
	if text := flags.FlagUsagesWrapped(width); text != "" {
		fmt.Fprintf(b, "\n%s\n%s", title, text)
	}
}

// newHelpCommand stands in for cobra's own, which does not fail on commands
// that do not exist.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			target := cmd.Root()
			for _, word := range args {
				next, _, err := target.Find([]string{word})
				if err != nil || next == target {
					return unknownCommand(target, word)
				}
				target = next
			}
			return target.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			target, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, sub := range target.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
