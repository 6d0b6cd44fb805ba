package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEndpointEnableCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "enable NAME",
		Short: "Send to an endpoint, or a group, again",
		Long: `Send to an endpoint again that was disabled, or that answered 410 (gone). What it
was owed meanwhile is sent.`,
		Example: `  dz endpoint enable shop`,
		Args:    exactly("NAME"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			enabled, err := byName(
				func() (api.Endpoint, error) { return s.client.EnableEndpoint(ctx, args[0]) },
				func() ([]api.Endpoint, error) { return s.client.EnableGroup(ctx, args[0]) },
			)
			if err != nil {
				return err
			}
			return enabled.done(s.out, endpointName, "enabled")
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
}

func newEndpointDisableCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "disable NAME",
		Short: "Send nothing to an endpoint, or a group, for a while",
		Long: `Send nothing to an endpoint for a while. It goes on collecting what it is owed;
'dz endpoint enable' sends it.`,
		Example: `  dz endpoint disable shop`,
		Args:    exactly("NAME"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			disabled, err := byName(
				func() (api.Endpoint, error) { return s.client.DisableEndpoint(ctx, args[0]) },
				func() ([]api.Endpoint, error) { return s.client.DisableGroup(ctx, args[0]) },
			)
			if err != nil {
				return err
			}
			return disabled.done(s.out, endpointName, "disabled: what is owed goes on being collected")
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
}

func newEndpointRemoveCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm", "delete"},
		Short:   "Forget an endpoint, or a group, and what it is owed",
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
			removed, err := byName(
				func() (api.Removed, error) { return s.client.RemoveEndpoint(ctx, args[0]) },
				func() ([]api.Removed, error) { return s.client.RemoveGroup(ctx, args[0]) },
			)
			if err != nil {
				return err
			}
			var debts, failures uint64
			for _, r := range removed.list {
				debts, failures = debts+r.Debts, failures+r.Failures
			}
			return removed.done(s.out, func(r api.Removed) string { return r.Name },
				fmt.Sprintf("removed, with %s and %s", render.Count(debts, "debt"), render.Count(failures, "failure")))
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	yesFlag(cmd, &yes)
	return cmd
}

// removalQuestion says what goes with an endpoint, or with those of a group.
func removalQuestion(ctx context.Context, client *api.Client, name string) (string, error) {
	meant, err := byName(
		func() (api.Endpoint, error) { return client.Endpoint(ctx, name, false) },
		func() ([]api.Endpoint, error) { return client.Group(ctx, name, false) },
	)
	if err != nil {
		return "", err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return "", err
	}
	names := meant.names(endpointName)
	var debts, failures, tracked uint64
	for _, ep := range status.Endpoints {
		if slices.Contains(names, ep.Name) {
			debts, failures, tracked = debts+ep.Debts+ep.Held, failures+ep.Failures, tracked+ep.Tracked
		}
	}
	question, them := "remove endpoint "+name+"?", "it"
	if meant.group {
		question, them = "remove endpoints "+strings.Join(names, ", ")+"?", "them"
	}
	if debts+failures+tracked > 0 {
		question += fmt.Sprintf(" %s and %s go with %s", render.Count(debts, "debt"), render.Count(failures, "failure"), them)
	}
	if tracked > 0 {
		question += ", and what was acknowledged of " + render.Count(tracked, "asset")
	}
	return question, nil
}

func newEndpointTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "test NAME",
		Aliases: []string{"ping"},
		Short:   "Send one marked notification now and show the exchange",
		Long: `Send one notification now, marked with the header Dz-Test, and show what was sent
and what came back. It owes and settles nothing; but if it is delivered, a sick
endpoint is probed now with something that it is owed, unless its receiver has asked
to be left alone for longer (Retry-After). Exits with 1 if it was not delivered.

Of a group, each endpoint is tried.`,
		Example: `  dz endpoint test shop`,
		Args:    exactly("NAME"),
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
			return s.withMembers(ctx, args[0], func(m members) error { return testMembers(ctx, s, m) })
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
}

func testMembers(ctx context.Context, s session, m members) error {
	exchanges, errs := collect(ctx, s, m.names, func(name string) (api.Exchange, error) { return s.client.TestEndpoint(ctx, name) })
	if len(exchanges) == 0 {
		return together(errs)
	}
	show := s.out.Exchanges
	if !m.group {
		show = func(list []api.Exchange) error { return s.out.Exchange(list[0]) }
	}
	if err := show(exchanges); err != nil {
		return err
	}
	if len(errs) == 0 && slices.ContainsFunc(exchanges, func(e api.Exchange) bool { return !e.Delivered }) {
		return errSilent
	}
	return together(errs)
}
