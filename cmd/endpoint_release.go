package cmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointReleaseCommand(a *app) *cobra.Command {
	var yes, dryRun bool
	limit := api.DefaultLimit
	cmd := &cobra.Command{
		Use:   "release NAME",
		Short: "Send the deletions that are held",
		Long: `Send the deletions that are held because they were too many at a time, as after an
export of the DAM that lost half of its assets. Those whose asset has come back
cancel themselves.

It says how many they are, and asks first; --dry-run lists them, and sends nothing.
With --yes it also sends those that were held, and are owed anew, if they would be
held again.`,
		Example: `  dz endpoint release shop --dry-run
  dz endpoint release shop
  dz endpoint release shop --dry-run --limit 0 -o json | jq '.deletions[].assetId'
  dz endpoint release shop --yes`,
		Args: exactly("NAME"),
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("limit") && !dryRun {
				return usagef("--limit goes with --dry-run: all that is held is released")
			}
			if err := checkLimit(limit); err != nil {
				return err
			}
			return a.mustAsk(&yes, &dryRun)(cmd, args)
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			name := args[0]
			if dryRun {
				return listHeld(ctx, s, name, limit)
			}
			result := api.Released{Endpoint: name}
			if !yes {
				held, err := confirmRelease(ctx, s, name)
				if err != nil {
					return err
				}
				yes = held > 0
			}
			if yes {
				var err error
				if result, err = s.client.ReleaseDeletions(ctx, name); err != nil {
					return err
				}
			}
			sentence := "no deletions are held"
			if result.Released > 0 {
				sentence = render.Count(result.Released, "deletion") + " released"
			}
			return s.out.Result(result, strconv.FormatUint(result.Released, 10), sentence)
		}),
		ValidArgsFunction: a.endpointNames,
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only list what would be sent")
	cmd.Flags().IntVar(&limit, "limit", limit, "list at most this `NUMBER`; 0 lists all")
	yesFlag(cmd, &yes)
	return cmd
}

// confirmRelease says how many deletions would be sent, and asks. Without any there is
// nothing to ask, and nothing must be sent: those that are judged anew may be many.
func confirmRelease(ctx context.Context, s session, name string) (held uint64, err error) {
	page, err := s.client.HeldDeletions(ctx, name, pageOf(1))
	if err != nil || page.Held == 0 {
		return 0, err
	}
	return page.Held, s.confirm(ctx, fmt.Sprintf("send %s to %s?", render.Count(page.Held, "deletion"), name))
}

// listHeld says which deletions would be sent.
func listHeld(ctx context.Context, s session, name string, limit int) error {
	held, err := s.client.HeldDeletions(ctx, name, pageOf(1))
	if err != nil {
		return err
	}
	var more bool
	if held.Deletions, more, err = take(s.client.EachHeld(ctx, name, pageOf(pageSize(limit))), limit); err != nil {
		return err
	}
	held.Next = ""
	if err := s.out.HeldDeletions(held); err != nil {
		return err
	}
	if more {
		s.app.note("there are more than %d: --limit 0 lists them all", limit)
	}
	return nil
}
