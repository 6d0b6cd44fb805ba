package cmd

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/render"
)

func newEventCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:     "event COMMAND",
			Aliases: []string{"events"},
			Short:   "Write events, look at recent ones, owe them again",
		},
		newEventEmitCommand(a),
		newEventListCommand(a),
		newEventTailCommand(a),
		newEventRejectedCommand(a),
		newEventReplayCommand(a),
	)
}

// defaultRecent is how many recent events are listed.
const defaultRecent = 20

func newEventListCommand(a *app) *cobra.Command {
	query := api.EventQuery{}
	since, until := when{now: a.env.Now}, when{now: a.env.Now}
	limit := defaultRecent
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List recent events, the newest first",
		Example: `  dz event list
  dz event list --object asset/1234 --since 2h
  dz event list --limit 0 -o json | jq -c '.[].event'`,
		Args: exactly(),
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			if query.Type != "" {
				name, _, err := event.ParseType(query.Type)
				if err != nil {
					return usagef("--type: %w", err)
				}
				query.Type = name
			}
			query.Since, query.Until, query.Limit = since.orZero(), until.orZero(), pageSize(limit)
			list, more, err := take(s.client.EachEvent(ctx, query), limit)
			if err != nil {
				return err
			}
			a.noteList(s, len(list), "recent events", limit, more)
			return s.out.Events(list)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Type, "type", "", "only of this `TYPE`, such as AssetMetadataUpdated")
	flags.StringVar(&query.Object, "object", "", "only of this `OBJECT`: an id, or kind/id such as asset/1234")
	flags.StringVar(&query.Endpoint, "endpoint", "", "only what this `ENDPOINT`, or group, subscribes to")
	flags.StringVar(&query.Source, "source", "", "only what came through this `SOURCE` of dz")
	flags.Var(&since, "since", "only received at or after this `TIME`: 2h, 7d, or a date")
	flags.Var(&until, "until", "only received before this `TIME`")
	flags.IntVar(&limit, "limit", limit, "show at most this `NUMBER`; 0 shows all")
	flags.SortFlags = false
	complete(cmd, "type", event.TypeNames(event.AllChanges))
	register(cmd, "endpoint", a.endpointFlag)
	register(cmd, "source", a.sourceFlag)
	return cmd
}

func newEventRejectedCommand(a *app) *cobra.Command {
	var source string
	limit := defaultRecent
	cmd := &cobra.Command{
		Use:   "rejected",
		Short: "List input that could not be read as an event, the newest first",
		Example: `  dz event rejected
  dz event rejected --source spool -o json`,
		Args: exactly(),
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			query := api.RejectedQuery{Source: source, Page: api.Page{Limit: pageSize(limit)}}
			list, more, err := take(s.client.EachRejected(ctx, query), limit)
			if err != nil {
				return err
			}
			a.noteList(s, len(list), "rejected lines", limit, more)
			return s.out.Rejected(list)
		}),
	}
	cmd.Flags().StringVar(&source, "source", "", "only of this `SOURCE` of dz")
	cmd.Flags().IntVar(&limit, "limit", limit, "show at most this `NUMBER`; 0 shows all")
	return cmd
}

// noteList says what a list does not show by itself: that it is empty, or cut.
func (a *app) noteList(s session, length int, what string, limit int, more bool) {
	switch {
	case more:
		a.note("there are more than %d %s: --limit 0 shows them all", limit, what)
	case length == 0 && s.out.Format == render.Table:
		a.note("no %s", what)
	}
}

func newEventReplayCommand(a *app) *cobra.Command {
	var replay api.Replay
	since, until := when{now: a.env.Now}, when{now: a.env.Now}
	cmd := &cobra.Command{
		Use:   "replay --since TIME",
		Short: "Owe recent events again",
		Long: `Owe recent events again, to every endpoint that subscribes to them or to one. They
merge with what is owed already: an object that changed a hundred times is told
once.`,
		Example: `  dz event replay --since 2h --dry-run
  dz event replay --since 2026-11-21T08:00:00Z --until 30m --endpoint shop`,
		Args: exactly(),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if since.time == nil {
				return usageError{fmt.Errorf("%s needs --since", cmd.CommandPath()), "write how long ago, such as --since 2h"}
			}
			replay.Since, replay.Until = *since.time, until.time
			return nil
		},
		RunE: a.askFor(unlimited, func(ctx context.Context, s session, _ []string) error {
			result, err := s.client.Replay(ctx, replay)
			if err != nil {
				return err
			}
			if result.From != nil && result.From.After(replay.Since) {
				a.note("the oldest event still kept is of %s", result.From.In(s.out.Now.Location()).Format("2006-01-02 15:04:05"))
			}
			verb := "owed"
			if result.DryRun {
				verb = "would be owed"
			}
			return s.out.Result(result, strconv.FormatUint(result.Owed, 10), fmt.Sprintf("%s looked at, %s %s again, to be told together per object",
				render.Count(result.Events, "event"), render.Count(result.Owed, "change"), verb))
		}),
	}
	flags := cmd.Flags()
	flags.Var(&since, "since", "received at or after this `TIME`: 2h, 7d, or a date")
	flags.Var(&until, "until", "received before this `TIME`")
	flags.StringVar(&replay.Endpoint, "endpoint", "", "only to this `ENDPOINT` or group")
	flags.BoolVar(&replay.DryRun, "dry-run", false, "only say how many it would be")
	flags.SortFlags = false
	register(cmd, "endpoint", a.endpointFlag)
	return cmd
}
