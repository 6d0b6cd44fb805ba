package cmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
)

func newEndpointCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:     "endpoint COMMAND",
			Aliases: []string{"endpoints"},
			Short:   "Register and look after the receivers of changes",
		},
		newEndpointAddCommand(a),
		newEndpointListCommand(a),
		newEndpointShowCommand(a),
		newEndpointUpdateCommand(a),
		newEndpointConfigureCommand(a),
		newEndpointEnableCommand(a),
		newEndpointDisableCommand(a),
		newEndpointRotateCommand(a),
		newEndpointRemoveCommand(a),
		newEndpointTestCommand(a),
		newEndpointWatchCommand(a),
		newEndpointFilterCommand(a),
		newEndpointReleaseCommand(a),
		newEndpointResetCommand(a),
	)
}

func newEndpointAddCommand(a *app) *cobra.Command {
	set := &settings{app: a, styles: a.styles}
	cmd := &cobra.Command{
		Use:     "add NAME --url URL [--change-types TYPES]",
		Aliases: []string{"create"},
		Short:   "Register an endpoint",
		Long: `Register an endpoint. From now on it is owed every change that it subscribes to.

Lists are separated by commas; several of them must all hold. A header's value is
a secret: it is masked wherever endpoints are shown.

With several --url, an endpoint is registered for each: NAME-1, NAME-2 and so on,
each with its own debts and health. NAME is their group, and stands for all of
them where endpoints are updated, enabled, disabled, removed, tested, released or
reset, in 'dz resync', and in --endpoint.`,
		Example: `  dz endpoint add shop --url https://shop.example/hooks/dam --change-types AssetChanged
  dz endpoint add search --url https://search.example/in --change-types AssetChanged,MetafieldChanged \
      --events AssetMetadataUpdated,MetafieldMetadataUpdated --fields title,keywords \
      --header 'Authorization: @/run/secrets/search' --debounce 30s --retry 5s,5m,1h
  dz endpoint add pim --url https://pim.example/dam --change-types AssetChanged --sign
  dz endpoint add sites --style gateway --url https://a.example/ping --url https://b.example/ping \
      --reasons metadata,delete
  dz endpoint add pim --style managed --url https://pim.example/dam --additional-fields title,copyright \
      --filter 'inChannel(42)' --configuration @pim.json --resync-every 24h`,
		Args: set.onlyName,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			set.finish(cmd)
			return set.checkNew(args[0])
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			added, err := set.create(ctx, s.client, args[0])
			if err != nil {
				return err
			}
			set.warnOfDeletions(args[0], added.list)
			return set.done(s.out, added, "added: try it with 'dz endpoint test "+args[0]+"'")
		}),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	set.declare(cmd)
	return cmd
}

// create registers an endpoint, or, with several URLs, a group.
func (s *settings) create(ctx context.Context, client *api.Client, name string) (meant[api.Endpoint], error) {
	if s.makesGroup() {
		create := api.GroupCreate{Name: name, URLs: s.urls, EndpointUpdate: s.update}
		create.URL = api.Patch[string]{}
		list, err := client.CreateGroup(ctx, create)
		return meant[api.Endpoint]{list, true}, err
	}
	ep, err := client.CreateEndpoint(ctx, api.EndpointCreate{Name: name, EndpointUpdate: s.update})
	return meant[api.Endpoint]{list: []api.Endpoint{ep}}, err
}

func newEndpointUpdateCommand(a *app) *cobra.Command {
	set := &settings{app: a, styles: a.styles}
	cmd := &cobra.Command{
		Use:     "update NAME",
		Aliases: []string{"edit", "set"},
		Short:   "Change settings of an endpoint, or of a group",
		Long: `Change settings of an endpoint. What is not given stays as it is; an empty value
('') takes a setting back to its default. Headers are changed one by one: a
header without a value is removed.

What the endpoint is owed already stays owed.`,
		Example: `  dz endpoint update shop --url https://shop.example/v2/hooks/dam
  dz endpoint update shop --fields '' --debounce 1m
  dz endpoint update shop --header 'Authorization: @/run/secrets/shop' --header 'X-Old:'`,
		Args: set.onlyName,
		PreRunE: func(cmd *cobra.Command, args []string) error {
			set.finish(cmd)
			if !set.given {
				return usageError{errors.New("nothing to change"), "give a flag, such as --url; see 'dz endpoint update --help'"}
			}
			return set.checkChange(args[0])
		},
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			if err := set.mayBeginToSign(ctx, s.client, args[0]); err != nil {
				return err
			}
			updated, err := byName(
				func() (api.Endpoint, error) { return s.client.UpdateEndpoint(ctx, args[0], set.update) },
				func() ([]api.Endpoint, error) { return s.client.UpdateGroup(ctx, args[0], set.update) },
			)
			if err != nil {
				return err
			}
			stays, err := set.staysHeld(ctx, s.client, updated.list)
			if err != nil {
				return err
			}
			set.warnOfDeletions(args[0], updated.list)
			return set.done(s.out, updated, "updated"+set.tellsAgain(args[0], updated.list)+stays)
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	set.declare(cmd)
	return cmd
}
