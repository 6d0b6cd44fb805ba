package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newTrackedCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:   "tracked COMMAND",
			Short: "Look at what endpoints have acknowledged, asset by asset",
			Long: `An endpoint whose style acknowledges assets one by one, such as managed, gives an
integration state for each: a text of its own, which is handed back with the asset's
next change. dz keeps it, with a digest of what was acknowledged.

What could not be delivered is listed by 'dz failures list --endpoint NAME'.`,
		},
		newTrackedListCommand(a),
		newTrackedShowCommand(a),
		newTrackedExportCommand(a),
	)
}

// pageOf is a list's beginning.
func pageOf(limit int) api.Page { return api.Page{Limit: limit} }

func newTrackedListCommand(a *app) *cobra.Command {
	limit := api.DefaultLimit
	cmd := &cobra.Command{
		Use:     "list ENDPOINT",
		Aliases: []string{"ls"},
		Short:   "List the assets that an endpoint has acknowledged, by id",
		Example: `  dz tracked list shop
  dz tracked list shop --limit 0 -o json | jq -r '.[] | select(.syncs > 10) | .assetId'`,
		Args: exactly("ENDPOINT"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			list, more, err := take(s.client.EachTracked(ctx, args[0], false, pageOf(pageSize(limit))), limit)
			if err != nil {
				return err
			}
			a.noteList(s, len(list), "assets", limit, more)
			return s.out.Tracked(list)
		}),
		ValidArgsFunction: a.endpointNames,
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "show at most this `NUMBER`; 0 shows all")
	return cmd
}

func newTrackedShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ENDPOINT ASSET",
		Aliases: []string{"get", "inspect"},
		Short:   "Show what an endpoint has acknowledged of an asset, and is owed",
		Long: `Show what an endpoint has acknowledged of an asset, with its integration state, and
what it is owed of it now. ASSET is its base id.`,
		Example: `  dz tracked show shop 1234
  dz tracked show shop 1234 -o json | jq -r .tracked.state`,
		Args: exactly("ENDPOINT", "ASSET"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			detail, err := s.client.TrackedAsset(ctx, args[0], args[1])
			if err != nil {
				return err
			}
			return s.out.TrackedAsset(detail)
		}),
		ValidArgsFunction: a.trackedIDs,
	}
}

func newTrackedExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "export ENDPOINT",
		Short: "Write all that an endpoint has acknowledged, with its states",
		Long: `Write all that an endpoint has acknowledged to stdout, one JSON object a line, with
its integration states.`,
		Example: `  dz tracked export shop | gzip > shop.ndjson.gz
  dz tracked export shop | jq -r 'select(.stateHash == null) | .assetId'`,
		Args: exactly("ENDPOINT"),
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			if f := s.out.Format; f != render.Table && f != render.JSON {
				return usagef("tracked assets are exported as JSON, one a line, not as %s", f)
			}
			out := bufio.NewWriter(a.env.Stdout)
			lines := json.NewEncoder(out)
			lines.SetEscapeHTML(false)
			for asset, err := range s.client.EachTracked(ctx, args[0], true, pageOf(api.MaxLimit)) {
				if err != nil {
					return err
				}
				if err := lines.Encode(asset); err != nil {
					return fmt.Errorf("write tracked assets: %w", err)
				}
			}
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write tracked assets: %w", err)
			}
			return nil
		}),
		ValidArgsFunction: a.endpointNames,
	}
}

// trackedIDs completes an endpoint's name, and then the id of an asset that it has
// acknowledged.
func (a *app) trackedIDs(cmd *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return a.endpointNames(cmd, args, text)
	}
	client, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(completionContext(cmd), completionDeadline)
	defer cancel()
	page, err := client.Tracked(ctx, args[0], false, api.Page{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ids := make([]string, len(page.Assets))
	for i, asset := range page.Assets {
		ids[i] = asset.AssetID.String()
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
