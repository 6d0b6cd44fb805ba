package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newAssetCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:     "asset COMMAND",
			Aliases: []string{"assets"},
			Short:   "Look at what is known of assets, import it",
			Long: `dz keeps the latest snapshot of an asset that an event carried, and that it was
deleted. Endpoints whose style sends an asset's data get it from there.`,
		},
		newAssetImportCommand(a),
		newAssetListCommand(a),
		newAssetShowCommand(a),
	)
}

func newAssetListCommand(a *app) *cobra.Command {
	limit := api.DefaultLimit
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the assets of which something is known, by id",
		Long: `List the assets of which events and imports have told, by id. What dz reads from a
DAM over REST (catalogue in the configuration) is not kept, and is not listed:
'dz asset show ID' asks the DAM.`,
		Example: `  dz asset list
  dz asset list --limit 0 -o json | jq -r '.[] | select(.deleted) | .id'`,
		Args: exactly(),
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			list, more, err := take(s.client.EachAsset(ctx, api.Page{Limit: pageSize(limit)}), limit)
			if err != nil {
				return err
			}
			if len(list) == 0 && s.out.Format == render.Table {
				a.note("no assets are kept here; 'dz asset show ID' asks a catalogue of type rest")
				return s.out.Assets(list)
			}
			a.noteList(s, len(list), "assets", limit, more)
			return s.out.Assets(list)
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "show at most this `NUMBER`; 0 shows all")
	return cmd
}

func newAssetShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Aliases: []string{"get", "inspect"},
		Short:   "Show what is known of an asset",
		Long: `Show what is known of an asset: its latest snapshot, or the last one before it was
deleted. ID is its base id.`,
		Example: `  dz asset show 1234
  dz asset show 1234 -o json | jq .data`,
		Args: exactly("ID"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			asset, err := s.client.Asset(ctx, args[0])
			if err != nil {
				return err
			}
			return s.out.Asset(asset)
		}),
		ValidArgsFunction: a.assetIDs,
	}
}
