package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
)

func newEndpointWatchCommand(a *app) *cobra.Command {
	var opts liveOptions
	cmd := &cobra.Command{
		Use:   "watch NAME",
		Short: "Show attempts at an endpoint while they are made",
		Long: `Show attempts at an endpoint, or at those of a group, while they are made, a line
each: when, what changed, how many changes were told at once, which attempt it
was, how it ended, and when it is tried again. Ctrl-C ends it.`,
		Example: `  dz endpoint watch shop
  dz endpoint watch shop -o json | jq 'select(.verdict != "delivered")'
  dz endpoint watch shop --count 1 --for 30s`,
		Args: exactly("NAME"),
		RunE: a.live(&opts, func(ctx context.Context, s session, args []string) error {
			return show(ctx, a, &opts, s.client.WatchEndpoint(ctx, args[0]), "attempts at "+args[0], func(attempt api.Attempt) error {
				return s.out.AttemptLine(attempt, attempt.Endpoint != args[0])
			})
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	opts.declare(cmd, "attempts")
	cmd.Flags().SortFlags = false
	return cmd
}
