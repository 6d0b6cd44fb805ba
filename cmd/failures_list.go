package cmd

import (
	"context"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

func newFailuresListCommand(a *app) *cobra.Command {
	var filter selection
	limit := api.DefaultLimit
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List failures",
		Example: `  dz failures list
  dz failures list --endpoint shop --status 503 --since 2h
  dz failures list --retrying --limit 0 -o json`,
		Args: exactly(),
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			which, err := filter.selection(nil)
			if err != nil {
				return err
			}
			query := api.FailureQuery{FailureSelection: which, Page: api.Page{Limit: pageSize(limit)}}
			list, more, err := take(s.client.EachFailure(ctx, query), limit)
			if err != nil {
				return err
			}
			states, err := a.statesOfDue(ctx, s, list)
			if err != nil {
				return err
			}
			if err := s.out.Failures(list, states); err != nil {
				return err
			}
			if more {
				a.note("there are more than %d: --limit 0 shows them all", limit)
			}
			if len(list) == 0 && s.out.Format == render.Table {
				return a.noFailures(ctx, s.client, which)
			}
			return nil
		}),
	}
	filter.declare(a, cmd)
	cmd.Flags().IntVar(&limit, "limit", limit, "show at most this `NUMBER`; 0 shows all")
	return cmd
}

// statesOfDue returns the states of endpoints by name if the table needs them:
// for tries that are due and wait for their endpoint.
func (a *app) statesOfDue(ctx context.Context, s session, list []api.Failure) (map[string]string, error) {
	due := func(f api.Failure) bool { return f.NextAttempt != nil && !f.NextAttempt.After(a.env.Now()) }
	if s.out.Format != render.Table || !slices.ContainsFunc(list, due) {
		return nil, nil //nolint:nilnil // no state is asked for
	}
	status, err := s.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[string]string, len(status.Endpoints))
	for _, ep := range status.Endpoints {
		states[ep.Name] = ep.State
	}
	return states, nil
}

// noFailures says why a list is empty, which need not mean that all is well.
func (a *app) noFailures(ctx context.Context, client *api.Client, which api.FailureSelection) error {
	if which.Retrying {
		a.note("no failures, and no debts being retried")
		return nil
	}
	retried, err := beingRetried(ctx, client, which.Endpoint, "shows")
	if err != nil {
		return err
	}
	if retried == "" {
		a.note("no failures")
		return nil
	}
	a.note("no failures; %s", retried)
	return nil
}

// beingRetried says how many debts are being retried by themselves, of an endpoint, of a
// group, or of all, and what --retrying does with them; "" if there are none.
func beingRetried(ctx context.Context, client *api.Client, name, does string) (string, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return "", err
	}
	retrying := status.Debts.Retrying
	if name != "" {
		retrying = 0
		for _, ep := range status.Endpoints {
			if ep.Name == name || ep.Group == name {
				retrying += ep.Retrying
			}
		}
	}
	switch retrying {
	case 0:
		return "", nil
	case 1:
		return "1 debt is being retried: --retrying " + does + " it", nil
	default:
		return render.Count(retrying, "debt") + " are being retried: --retrying " + does + " them", nil
	}
}

// checkLimit refuses a negative --limit.
func checkLimit(limit int) error {
	if limit < 0 {
		return usagef("--limit: %d is negative: write 0 for all", limit)
	}
	return nil
}

// pageSize is how many to ask for at a time to see whether there are more than
// limit.
func pageSize(limit int) int {
	if limit == 0 {
		return api.MaxLimit
	}
	return min(limit+1, api.MaxLimit)
}

// take collects at most limit items, 0 for all, and reports whether there are
// more.
func take[T any](items iter.Seq2[T, error], limit int) (list []T, more bool, err error) {
	list = []T{}
	for item, err := range items {
		if err != nil {
			return nil, false, err
		}
		if limit > 0 && len(list) == limit {
			return list, true, nil
		}
		list = append(list, item)
	}
	return list, false, nil
}
