package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/event"
)

func newEventTailCommand(a *app) *cobra.Command {
	var query api.TailQuery
	var opts liveOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show events while they come in",
		Long: `Show events while they come in, a line each, once they are durable. Ctrl-C ends
it. Whoever reads too slowly is told how many were passed over; the daemon never
waits.`,
		Example: `  dz event tail
  dz event tail --last 10 --object asset/1234
  dz event tail --endpoint shop -o json | jq -c .event
  dz event tail --type AssetDeleted --count 1 --for 1m`,
		Args: exactly(),
		RunE: a.live(&opts, func(ctx context.Context, s session, _ []string) error {
			if query.Last < 0 || query.Last > api.MaxLimit {
				return usagef("--last: %d is not between 0 and %d", query.Last, api.MaxLimit)
			}
			if query.Type != "" {
				name, _, err := event.ParseType(query.Type)
				if err != nil {
					return usagef("--type: %w", err)
				}
				query.Type = name
			}
			return show(ctx, a, &opts, s.client.TailEvents(ctx, query), "events as they come in", s.out.EventLine)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Type, "type", "", "only of this `TYPE`, such as AssetMetadataUpdated")
	flags.StringVar(&query.Object, "object", "", "only of this `OBJECT`: an id, or kind/id such as asset/1234")
	flags.StringVar(&query.Endpoint, "endpoint", "", "only what this `ENDPOINT`, or group, subscribes to")
	flags.StringVar(&query.Source, "source", "", "only what came through this `SOURCE` of dz")
	flags.IntVar(&query.Last, "last", 0, "begin with this `NUMBER` of recent ones")
	opts.declare(cmd, "events")
	flags.SortFlags = false
	complete(cmd, "type", event.TypeNames(event.AllChanges))
	register(cmd, "endpoint", a.endpointFlag)
	register(cmd, "source", a.sourceFlag)
	return cmd
}
