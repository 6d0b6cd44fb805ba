package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// resyncOptions are the flags of "dz resync".
type resyncOptions struct {
	changed, failed, dryRun, wait, join, stop, yes bool
	assets                                         []string
	filter                                         string
	since                                          when
	asks                                           bool // without --yes, everything is told
}

func newResyncCommand(a *app) *cobra.Command {
	opts := &resyncOptions{since: when{now: a.env.Now}}
	cmd := &cobra.Command{
		Use:   "resync ENDPOINT",
		Short: "Synchronise an endpoint again, all or part of it",
		Long: `Synchronise an endpoint again: tell it every asset that its filter lets through,
changed or not, and the deletion of those that it has acknowledged and that are gone.
It is sent what an asset is when it is sent, behind whatever changes meanwhile, and
goes on after a restart where it was. Of a group, each endpoint is synchronised.

Without a flag that narrows it, everything is told: it says how much that is and
asks first. --changed tells only what differs from what the endpoint last
acknowledged; so does the endpoint's setting --resync-every, by the clock.

Run it when something was changed that changes what the endpoint is to have: its
filter, fields or language, or the configuration of the catalogue.`,
		Example: `  dz resync shop --dry-run
  dz resync shop --changed --wait
  dz resync shop --yes --wait
  dz resync shop --asset 1234,1235
  dz resync shop --filter 'asset.assetType == 4' --since 7d
  dz resync shop --failed
  dz resync shop --join
  dz resync shop --stop`,
		Args:    exactly("ENDPOINT"),
		PreRunE: opts.check(a),
		RunE: a.askFor(opts.limit, func(ctx context.Context, s session, args []string) error {
			if opts.failed {
				return opts.retry(ctx, s, args[0]) // the daemon knows groups there
			}
			return s.withMembers(ctx, args[0], func(m members) error {
				switch {
				case opts.stop:
					return m.each(ctx, s, func(name string) (memberResult, error) { return stopResync(ctx, s, name) })
				case opts.join:
					return m.each(ctx, s, func(name string) (memberResult, error) { return joinResync(ctx, s, name) })
				default:
					return opts.run(ctx, s, m)
				}
			})
		}),
		ValidArgsFunction: a.endpointOrGroupNames,
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.changed, "changed", false, "only what differs from what the endpoint last acknowledged")
	flags.StringArrayVar(&opts.assets, "asset", nil, "only the assets of these base `IDS`, separated by commas, repeatable; an id with a comma in it stands alone, in double quotes")
	flags.StringVar(&opts.filter, "filter", "", "only assets that this `EXPRESSION` matches, beside the endpoint's own filter")
	flags.Var(&opts.since, "since", "only assets changed at this `TIME` or later: 2h, 7d, or a date")
	flags.BoolVar(&opts.failed, "failed", false, "retry what has failed, as 'dz failures retry --retrying --endpoint' does")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "only say what would be told")
	flags.BoolVar(&opts.wait, "wait", false, "wait until all of it was tried; exits with 1 if some failed, is held, or can't be read or judged")
	flags.BoolVar(&opts.join, "join", false, "begin nothing: wait for the synchronisation that is running, or the last")
	flags.BoolVar(&opts.stop, "stop", false, "stop the synchronisation that is running; what it has owed stays owed")
	yesFlag(cmd, &opts.yes)
	return cmd
}

// check refuses flags that do not go together, and what has to be asked where
// nobody can be.
func (o *resyncOptions) check(a *app) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		narrow := o.changed || len(o.assets) > 0 || o.filter != "" || o.since.time != nil
		switch {
		case o.stop && (narrow || o.failed || o.dryRun || o.wait || o.join):
			return usagef("--stop stands alone")
		case o.join && (narrow || o.failed || o.dryRun):
			return usagef("--join stands alone: it begins nothing")
		case o.failed && narrow:
			return usageError{errors.New("--failed goes with no other selection"), "'dz failures retry' has selections of its own"}
		case o.dryRun && o.wait:
			return usagef("--dry-run does nothing that could be waited for")
		}
		o.asks = !narrow && !o.failed && !o.join && !o.stop && !o.dryRun && !o.yes
		if !o.asks {
			return nil
		}
		return a.mustAsk()(cmd, args)
	}
}

// limit is how long the daemon has to answer: to count takes as long as it takes.
func (o *resyncOptions) limit() time.Duration {
	if o.dryRun || o.asks || o.failed && o.wait {
		return 0
	}
	return deadline
}

// order is what is asked of the daemon.
func (o *resyncOptions) order() (api.ResyncOrder, error) {
	order := api.ResyncOrder{Changed: o.changed, Filter: o.filter, Since: o.since.time, DryRun: o.dryRun}
	var err error
	if order.Assets, err = idList(o.assets); err != nil {
		return order, usagef("--asset: %w", err)
	}
	return order, nil
}

// run synchronises, or says what that would tell.
func (o *resyncOptions) run(ctx context.Context, s session, m members) error {
	order, err := o.order()
	if err != nil {
		return err
	}
	if o.wait {
		for _, name := range m.names {
			if err := checkSends(ctx, s, name); err != nil {
				return err
			}
		}
	}
	if o.dryRun {
		return m.each(ctx, s, func(name string) (memberResult, error) {
			job, err := countResync(ctx, s, name, order)
			return memberResult{value: job, name: strconv.FormatUint(job.Found.Told(), 10), sentence: name + ": " + render.FoundAll(job.Found)}, err
		})
	}
	expected := map[string]uint64{}
	if o.asks {
		if expected, err = m.confirmResync(ctx, s, order); err != nil {
			return err
		}
	}
	if !o.wait {
		return m.each(ctx, s, func(name string) (memberResult, error) {
			job, err := s.client.StartResync(ctx, name, order)
			return memberResult{value: job, name: name, sentence: fmt.Sprintf("synchronising %s again: 'dz status' shows how far it is", name)}, err
		})
	}
	// All begin before one is waited for.
	begun, errs := collect(ctx, s, m.names, func(name string) (api.Resync, error) { return s.client.StartResync(ctx, name, order) })
	done, failed := collect(ctx, s, begun, func(job api.Resync) (memberResult, error) {
		return waitForResync(ctx, s, job, expected[job.Endpoint])
	})
	return m.report(s, done, append(errs, failed...))
}

// countResync counts what would be told, and shows a person that it does.
func countResync(ctx context.Context, s session, name string, order api.ResyncOrder) (api.Resync, error) {
	order.DryRun = true
	defer s.app.newCounter().busy("counting what is to be told")()
	return s.client.StartResync(ctx, name, order)
}

// confirmResync says what would be told, and asks. It returns how many assets of each.
func (m members) confirmResync(ctx context.Context, s session, order api.ResyncOrder) (map[string]uint64, error) {
	expected, question := make(map[string]uint64), ""
	for _, name := range m.names {
		job, err := countResync(ctx, s, name, order)
		if err != nil {
			return nil, err
		}
		expected[name] = job.Found.Told()
		question += fmt.Sprintf("%s: %s\n", name, render.FoundAll(job.Found))
	}
	return expected, s.confirm(ctx, question+"synchronise all of it again?")
}

func stopResync(ctx context.Context, s session, name string) (memberResult, error) {
	job, err := s.client.StopResync(ctx, name)
	sentence := fmt.Sprintf("synchronisation of %s stopped after %s", name, render.Count(job.Found.Seen, "asset"))
	return memberResult{value: job, name: name, sentence: sentence}, err
}

// retry sends again what has failed at the endpoint, given up or not.
func (o *resyncOptions) retry(ctx context.Context, s session, name string) error {
	request := api.FailureAction{FailureSelection: api.FailureSelection{Endpoint: name, Retrying: true}, DryRun: o.dryRun, Wait: o.wait}
	result, err := s.client.RetryFailures(ctx, request)
	if err != nil {
		return err
	}
	return retried(s, request, result)
}
