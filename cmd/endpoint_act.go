package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointEnableCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "enable NAME",
		Short: "Send to an endpoint again",
		Long: `Send to an endpoint again that was disabled, or that answered 410 (gone). What it
was owed meanwhile is sent.`,
		Example: `  dz endpoint enable shop`,
		Args:    exactly("NAME"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			ep, err := s.client.EnableEndpoint(ctx, args[0])
			if err != nil {
				return err
			}
			return s.out.Result(ep, ep.Name, "endpoint "+ep.Name+" enabled")
		}),
		ValidArgsFunction: a.endpointNames,
	}
}

func newEndpointDisableCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "disable NAME",
		Short: "Send nothing to an endpoint for a while",
		Long: `Send nothing to an endpoint for a while. It goes on collecting what it is owed;
'dz endpoint enable' sends it.`,
		Example: `  dz endpoint disable shop`,
		Args:    exactly("NAME"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			ep, err := s.client.DisableEndpoint(ctx, args[0])
			if err != nil {
				return err
			}
			return s.out.Result(ep, ep.Name, "endpoint "+ep.Name+" disabled: it goes on collecting what it is owed")
		}),
		ValidArgsFunction: a.endpointNames,
	}
}

func newEndpointRemoveCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm", "delete"},
		Short:   "Forget an endpoint and what it is owed",
		Long: `Forget an endpoint, and with it all that it is owed. To keep what it is owed,
disable it instead.`,
		Example: `  dz endpoint remove shop
  dz endpoint remove shop --yes`,
		Args:    exactly("NAME"),
		PreRunE: a.mustAsk(&yes),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			if !yes {
				question, err := removalQuestion(ctx, s.client, args[0])
				if err != nil {
					return err
				}
				if err := s.confirm(ctx, question); err != nil {
					return err
				}
			}
			removed, err := s.client.RemoveEndpoint(ctx, args[0])
			if err != nil {
				return err
			}
			return s.out.Result(removed, removed.Name, fmt.Sprintf("endpoint %s removed, with %s and %s",
				removed.Name, render.Count(removed.Debts, "debt"), render.Count(removed.Failures, "failure")))
		}),
		ValidArgsFunction: a.endpointNames,
	}
	yesFlag(cmd, &yes)
	return cmd
}

// removalQuestion says what goes with an endpoint.
func removalQuestion(ctx context.Context, client *api.Client, name string) (string, error) {
	if _, err := client.Endpoint(ctx, name, false); err != nil {
		return "", err
	}
	health, err := healthOf(ctx, client, name)
	if err != nil {
		return "", err
	}
	question := "remove endpoint " + name + "?"
	if health != nil && health.Debts+health.Failures > 0 {
		question = fmt.Sprintf("remove endpoint %s? %s and %s go with it", name,
			render.Count(health.Debts, "debt"), render.Count(health.Failures, "failure"))
	}
	return question, nil
}

func newEndpointTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "test NAME",
		Aliases: []string{"ping"},
		Short:   "Send one marked notification now and show the exchange",
		Long: `Send one notification now, marked with the header Dz-Test, and show what was sent
and what came back. It owes and settles nothing. Exits with 1 if it was not
delivered.`,
		Example: `  dz endpoint test shop`,
		Args:    exactly("NAME"),
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			exchange, err := s.client.TestEndpoint(ctx, args[0])
			if err != nil {
				return err
			}
			if err := s.out.Exchange(exchange); err != nil {
				return err
			}
			if !exchange.Delivered {
				return errSilent
			}
			return nil
		}),
		ValidArgsFunction: a.endpointNames,
	}
}
