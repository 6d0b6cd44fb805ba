package cmd

import "github.com/spf13/cobra"

// The groups of the help page.
const (
	groupDaemon   = "daemon"
	groupDelivery = "delivery"
	groupEvents   = "events"
)

func newRootCommand(a *app) *cobra.Command {
	root := newGroup(&cobra.Command{
		Use:   "dz COMMAND",
		Short: "Deliver every change in a DAM to every system that must know of it",
		Long: `dz delivers every change in a digital asset management system (DAM) to every
system that must know of it: debounced, in order per object, and never lost.

"dz serve" is the daemon; every other command talks to it over its socket.`,
		Example: `  dz serve --dev                 try it out
  dz status                      what the daemon is doing
  dz endpoint add shop --url https://shop.example/hooks/dam --change-types AssetChanged
  dz failures list               what could not be delivered`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       a.env.Build.Info().Version,
	})
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(a.usage)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelpCommand())
	a.flags(root)
	root.AddGroup(
		&cobra.Group{ID: groupDaemon, Title: "Daemon:"},
		&cobra.Group{ID: groupDelivery, Title: "Endpoints and failures:"},
		&cobra.Group{ID: groupEvents, Title: "Events and assets:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add(groupDaemon, newServeCommand(a), newStatusCommand(a), newStoreCommand(a), newConfigCommand(a))
	add(groupDelivery, newEndpointCommand(a), newFailuresCommand(a), newTrackedCommand(a), newResyncCommand(a))
	add(groupEvents, newEventCommand(a), newAssetCommand(a), newTriggerCommand(a), newExplainCommand(a), newListenCommand(a), newVerifyCommand(a))
	root.AddCommand(newVersionCommand(a), newCompletionCommand(a), newManCommand())
	return root
}
