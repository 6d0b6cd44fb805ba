package cmd

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/suggest"
)

func newFailuresCommand(a *app) *cobra.Command {
	return newGroup(
		&cobra.Command{
			Use:     "failures COMMAND",
			Aliases: []string{"failure"},
			Short:   "Look at what could not be delivered, retry or purge it",
			Long: `A failure is a change that could not be delivered although its endpoint's retries
are used up. It is kept until it is retried, purged, or revived by a newer change
of the same object.`,
		},
		newFailuresListCommand(a),
		newFailuresShowCommand(a),
		newFailuresRetryCommand(a),
		newFailuresPurgeCommand(a),
	)
}

// selection are the flags that say which failures are meant.
type selection struct {
	endpoint     string
	object       string
	reasons      []string
	statuses     []int
	since, until when
	retrying     bool
	all          bool
}

func (f *selection) declare(a *app, cmd *cobra.Command) {
	f.since.now, f.until.now = a.env.Now, a.env.Now
	flags := cmd.Flags()
	flags.StringVar(&f.endpoint, "endpoint", "", "only of this `ENDPOINT` or group")
	flags.StringVar(&f.object, "object", "", "only of this `OBJECT`: an id, or kind/id such as asset/1234")
	flags.StringSliceVar(&f.reasons, "reason", nil, "only with this `REASON`, repeatable: "+strings.Join(reasonNames(), ", "))
	flags.IntSliceVar(&f.statuses, "status", nil, "only with this HTTP `STATUS`, repeatable")
	flags.Var(&f.since, "since", "only with the last attempt at or after this `TIME`: 2h, 7d, or a date")
	flags.Var(&f.until, "until", "only with the last attempt before this `TIME`")
	flags.BoolVar(&f.retrying, "retrying", false, "also debts that are still being retried by themselves")
	register(cmd, "endpoint", a.endpointFlag)
	complete(cmd, "reason", reasonNames())
	flags.SortFlags = false
}

// selection returns which failures are meant, as the API takes it.
func (f *selection) selection(ids []string) (api.FailureSelection, error) {
	s := api.FailureSelection{
		IDs: ids, Endpoint: f.endpoint, Object: f.object, Statuses: f.statuses,
		Since: f.since.time, Until: f.until.time, Retrying: f.retrying, All: f.all,
	}
	for _, name := range f.reasons {
		reason, err := parseReason(name)
		if err != nil {
			return s, err
		}
		s.Reasons = append(s.Reasons, reason)
	}
	return s, nil
}

// selects reports whether anything but --all says which are meant.
func selects(s api.FailureSelection) bool {
	return len(s.IDs) > 0 || s.Endpoint != "" || s.Object != "" || len(s.Reasons) > 0 || len(s.Statuses) > 0 ||
		s.Since != nil || s.Until != nil
}

func reasonNames() []string {
	var names []string
	for _, reason := range attempt.Reasons() {
		names = append(names, string(reason))
	}
	return names
}

func parseReason(name string) (attempt.Reason, error) {
	for _, reason := range attempt.Reasons() {
		if string(reason) == name {
			return reason, nil
		}
	}
	return "", usagef("--reason: unknown reason %q%s (reasons: %s)",
		name, suggest.Clause(name, reasonNames()), strings.Join(reasonNames(), ", "))
}

func newFailuresShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Aliases: []string{"get", "inspect"},
		Short:   "Show one failure, with the beginning of the answer",
		Example: `  dz failures show 01KAK7Z3M0000000000000002A`,
		Args:    exactly("ID"),
		RunE: a.ask(func(ctx context.Context, s session, args []string) error {
			failure, err := s.client.Failure(ctx, args[0])
			if err != nil {
				return err
			}
			return s.out.Failure(failure)
		}),
		ValidArgsFunction: a.failureIDs,
	}
}
