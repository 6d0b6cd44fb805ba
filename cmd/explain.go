package cmd

import (
	"context"

	"github.com/spf13/cobra"
)

func newExplainCommand(a *app) *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:   "explain {EVENT-ID|OBJECT}",
		Short: "Say why each endpoint was told of an event, or not",
		Long: `Say why each endpoint was told of an event, or of an object's latest one, or not,
step by step: whether it was there when the event came in, what its subscription
and its style say of it, whether anything is sent to it; and what it is owed now,
and what that waits for.

The event must still be among the recent ones. What is owed because of an object is
found also later, if an attempt has failed.`,
		Example: `  dz explain 01M80E2JMB7HBC5XGHXP7BXMX2
  dz explain asset/1234 --endpoint shop
  dz explain 1234 -o json | jq '.endpoints[] | {endpoint, verdict, text}'`,
		Args: exactly("EVENT-ID|OBJECT"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			explanation, err := s.client.Explain(ctx, args[0], endpoint)
			if err != nil {
				return err
			}
			return s.out.Explanation(explanation)
		}),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&endpoint, "endpoint", "", "only of this `ENDPOINT`, or group")
	register(cmd, "endpoint", a.endpointFlag)
	return cmd
}
