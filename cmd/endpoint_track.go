package cmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointResetCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset NAME",
		Short: "Forget what an endpoint has acknowledged",
		Long: `Forget all that an endpoint has acknowledged, with the integration states that it
gave, and deletions that are held. From then on every asset is new to it: for a
receiver that has lost its own memory, or begins anew. Nothing is sent by this;
'dz resync NAME' sends everything.`,
		Example: `  dz endpoint reset shop
  dz endpoint reset shop --yes && dz resync shop --yes`,
		Args:    exactly("NAME"),
		PreRunE: a.mustAsk(&yes),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			name := args[0]
			if !yes {
				// That there is no such endpoint, or it tracks nothing, is said first.
				if _, err := s.client.Tracked(ctx, name, false, pageOf(1)); err != nil {
					return err
				}
				health, err := healthOf(ctx, s.client, name)
				if err != nil {
					return err
				}
				var tracked uint64
				if health != nil {
					tracked = health.Tracked
				}
				question := fmt.Sprintf("forget what %s has acknowledged of %s, with its integration states?",
					name, render.Count(tracked, "asset"))
				if err := s.confirm(ctx, question); err != nil {
					return err
				}
			}
			result, err := s.client.ResetTracked(ctx, name)
			if err != nil {
				return err
			}
			return s.out.Result(result, strconv.FormatUint(result.Forgotten, 10),
				fmt.Sprintf("%s forgotten: 'dz resync %s' sends everything", render.Count(result.Forgotten, "asset"), name))
		}),
		ValidArgsFunction: a.endpointNames,
	}
	yesFlag(cmd, &yes)
	return cmd
}
