package cmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the endpoints",
		Example: `  dz endpoint list
  dz endpoint list -o name
  dz endpoint list -o json | jq '.[] | select(.state == "sick") | .name'`,
		Args: exactly(),
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			list, err := s.client.Endpoints(ctx, false)
			if err != nil {
				return err
			}
			if len(list) == 0 && s.out.Format == render.Table {
				a.note("no endpoints: register one with 'dz endpoint add'")
			}
			return s.out.Endpoints(list)
		}),
	}
}

func newEndpointShowCommand(a *app) *cobra.Command {
	var reveal bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Aliases: []string{"get", "inspect"},
		Short:   "Show the settings of an endpoint, and how it is doing",
		Example: `  dz endpoint show shop
  dz endpoint show shop --reveal -o json`,
		Args: exactly("NAME"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			ep, err := s.client.Endpoint(ctx, args[0], reveal)
			if err != nil {
				return err
			}
			if s.out.Format != render.Table {
				return s.out.Endpoint(ep, nil)
			}
			health, err := healthOf(ctx, s.client, ep.Name)
			if err != nil {
				return err
			}
			return s.out.Endpoint(ep, health)
		}),
		ValidArgsFunction: a.endpointNames,
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show secrets; needs the right to write")
	return cmd
}

// healthOf returns how an endpoint is doing, nil if it is gone meanwhile.
func healthOf(ctx context.Context, client *api.Client, name string) (*api.EndpointStatus, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(status.Endpoints, func(ep api.EndpointStatus) bool { return ep.Name == name })
	if at < 0 {
		return nil, nil //nolint:nilnil // there is no health of what is not there
	}
	return &status.Endpoints[at], nil
}
