package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/render"
)

// watchInterval is how often a watched status is shown anew.
const watchInterval = time.Second

// clearScreen moves to the upper left and clears to the end (ECMA-48 CUP, ED).
const clearScreen = "\x1b[H\x1b[2J"

func newStatusCommand(a *app) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the daemon is doing",
		Long: `Show what the daemon is doing: what came in, what is owed, and how sources and
endpoints are.

It is idle when every source is read to its end and no debt is waiting, due, in
flight or retrying.`,
		Example: `  dz status
  dz status --watch
  dz status -o json | jq .idle`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, args []string) error {
			show := a.ask(func(ctx context.Context, s session, _ []string) error {
				status, err := s.client.Status(ctx)
				if err != nil {
					return err
				}
				if watch && a.env.Terminal && s.out.Format == render.Table {
					fmt.Fprint(a.env.Stdout, clearScreen)
				}
				return s.out.Status(status)
			})
			if !watch {
				return show(cmd, args)
			}
			return repeat(cmd.Context(), func() error { return show(cmd, args) })
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it anew every second until interrupted")
	return cmd
}

// repeat calls show until it fails or ctx ends, which is how it is meant to end.
func repeat(ctx context.Context, show func() error) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		if err := show(); err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
