package cmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointFilterCommand(a *app) *cobra.Command {
	var filter, asset string
	var count bool
	cmd := &cobra.Command{
		Use:   "filter NAME {--asset ID | --count}",
		Short: "Try the filter of a managed integration on assets",
		Long: `Try an endpoint's filter over assets, or another one before it is set, on one
asset, or count how many assets it matches. Nothing is sent by this, and nothing
is changed.

An expression sees the asset's data as asset, and is true or false; with
inChannel(ID), inTree(PLACE) and meta(FIELD) it asks what DAMs write in different
ways. What an asset does not have is nil.`,
		Example: `  dz endpoint filter shop --asset 1234
  dz endpoint filter shop --count
  dz endpoint filter shop --count --filter 'inChannel(42) and asset.fileExtension in ["jpg", "png"]'`,
		Args: exactly("NAME"),
		PreRunE: func(*cobra.Command, []string) error {
			if count == (asset != "") {
				return usagef("say what to try it on: --asset ID, or --count for all")
			}
			return nil
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			if !count {
				trial, err := s.client.TryFilter(ctx, args[0], filter, asset)
				if err != nil {
					return err
				}
				return s.out.FilterTrial(trial)
			}
			counted, err := countFilter(ctx, s, args[0], filter)
			if err != nil {
				return err
			}
			return s.out.Result(counted, strconv.FormatUint(counted.Matched, 10), render.FilterCount(counted))
		}),
		ValidArgsFunction: a.endpointNames,
	}
	flags := cmd.Flags()
	flags.StringVar(&filter, "filter", "", "try this `EXPR` in place of the endpoint's own")
	flags.StringVar(&asset, "asset", "", "try it on the asset with this base `ID`")
	flags.BoolVar(&count, "count", false, "count the assets that it matches")
	return cmd
}

// countFilter shows how far it is. Who counts for long is not cut off: each part of
// it has the usual time.
func countFilter(ctx context.Context, s session, name, filter string) (api.FilterCount, error) {
	meter := s.app.newCounter()
	defer meter.finish()
	return s.client.CountFilter(ctx, name, filter, func(c api.FilterCount) {
		meter.set(c.Total, 0, fmt.Sprintf("assets looked at, %d match", c.Matched))
		s.resume()
	})
}
