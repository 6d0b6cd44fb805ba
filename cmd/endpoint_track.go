package cmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
			return s.withMembers(ctx, args[0], func(m members) error {
				if !yes {
					if err := m.confirmReset(ctx, s); err != nil {
						return err
					}
				}
				return m.each(ctx, s, func(name string) (memberResult, error) {
					result, err := s.client.ResetTracked(ctx, name)
					sentence := fmt.Sprintf("%s forgotten: 'dz resync %s' sends everything", render.Count(result.Forgotten, "asset"), name)
					return memberResult{value: result, name: strconv.FormatUint(result.Forgotten, 10), sentence: m.about(name, sentence)}, err
				})
			})
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	yesFlag(cmd, &yes)
	return cmd
}

// confirmReset says how much would be forgotten, and asks. That there is no such
// endpoint, or it tracks nothing, is said first.
func (m members) confirmReset(ctx context.Context, s session) error {
	for _, name := range m.names {
		if _, err := s.client.Tracked(ctx, name, false, pageOf(1)); err != nil {
			return err
		}
	}
	status, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	var tracked uint64
	for _, ep := range status.Endpoints {
		if slices.Contains(m.names, ep.Name) {
			tracked += ep.Tracked
		}
	}
	who, its := m.names[0]+" has", "its"
	if m.group {
		who, its = strings.Join(m.names, ", ")+" have", "their"
	}
	return s.confirm(ctx, fmt.Sprintf("forget what %s acknowledged of %s, with %s integration states?",
		who, render.Count(tracked, "asset"), its))
}
