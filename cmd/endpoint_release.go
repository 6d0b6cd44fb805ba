package cmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
			return s.withMembers(ctx, args[0], func(m members) error {
				if dryRun {
					return m.listHeld(ctx, s, limit)
				}
				held, err := m.confirmRelease(ctx, s, yes)
				if err != nil {
					return err
				}
				return m.each(ctx, s, func(name string) (memberResult, error) {
					result := api.Released{Endpoint: name}
					if yes || held[name] > 0 {
						var err error
						if result, err = s.client.ReleaseDeletions(ctx, name); err != nil {
							return memberResult{}, err
						}
					}
					sentence := "no deletions are held"
					if result.Released > 0 {
						sentence = render.Count(result.Released, "deletion") + " released"
					}
					return memberResult{value: result, name: strconv.FormatUint(result.Released, 10), sentence: m.about(name, sentence)}, nil
				})
			})
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only list what would be sent")
	cmd.Flags().IntVar(&limit, "limit", limit, "list at most this `NUMBER`; 0 lists all")
	yesFlag(cmd, &yes)
	return cmd
}

// confirmRelease says how many deletions would be sent to each, and asks, unless it may
// not. Without any there is nothing to ask, and nothing must be sent: those that are
// judged anew may be many.
func (m members) confirmRelease(ctx context.Context, s session, yes bool) (held map[string]uint64, err error) {
	if yes {
		return nil, nil //nolint:nilnil // all are released
	}
	held = make(map[string]uint64)
	var parts []string
	for _, name := range m.names {
		page, err := s.client.HeldDeletions(ctx, name, pageOf(1))
		if err != nil {
			return nil, err
		}
		if held[name] = page.Held; page.Held > 0 {
			parts = append(parts, render.Count(page.Held, "deletion")+" to "+name)
		}
	}
	if len(parts) == 0 {
		return held, nil
	}
	return held, s.confirm(ctx, "send "+strings.Join(parts, ", ")+"?")
}

// listHeld says which deletions would be sent.
func (m members) listHeld(ctx context.Context, s session, limit int) error {
	pages, errs := collect(ctx, s, m.names, func(name string) (api.HeldPage, error) {
		held, err := s.client.HeldDeletions(ctx, name, pageOf(1))
		if err != nil {
			return held, err
		}
		var more bool
		if held.Deletions, more, err = take(s.client.EachHeld(ctx, name, pageOf(pageSize(limit))), limit); err != nil {
			return held, err
		}
		held.Next = ""
		if more {
			s.app.note("%s", m.about(name, fmt.Sprintf("there are more than %d: --limit 0 lists them all", limit)))
		}
		return held, nil
	})
	if len(pages) == 0 {
		return together(errs)
	}
	show := s.out.HeldDeletionsOfAll
	if !m.group {
		show = func(pages []api.HeldPage) error { return s.out.HeldDeletions(pages[0]) }
	}
	if err := show(pages); err != nil {
		return err
	}
	return together(errs)
}
