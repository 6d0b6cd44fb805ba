package cmd

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
)

// action are the flags that retry and purge share.
type action struct {
	selection
	dryRun bool
	wait   bool
	yes    bool
}

func (f *action) declare(a *app, cmd *cobra.Command, verb string) {
	f.selection.declare(a, cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, verb+" every failure; needed where nothing else selects")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only say how many it would be")
}

// action returns the request, once it is clear which failures are meant.
func (f *action) action(cmd string, ids []string) (api.FailureAction, error) {
	which, err := f.selection.selection(ids)
	if err != nil {
		return api.FailureAction{}, err
	}
	if !selects(which) && !f.all {
		return api.FailureAction{}, usageError{
			fmt.Errorf("%s needs to know which failures", cmd), "give IDs, a selection such as --endpoint, or --all",
		}
	}
	return api.FailureAction{FailureSelection: which, DryRun: f.dryRun, Wait: f.wait}, nil
}

func newFailuresRetryCommand(a *app) *cobra.Command {
	var flags action
	var request api.FailureAction
	cmd := &cobra.Command{
		Use:   "retry [ID…]",
		Short: "Send failures now, whatever their endpoint's health",
		Example: `  dz failures retry 01KAK7Z3M0000000000000002A
  dz failures retry --endpoint shop --status 503 --dry-run
  dz failures retry --all --wait`,
		PreRunE: func(cmd *cobra.Command, ids []string) (err error) {
			request, err = flags.action(cmd.CommandPath(), ids)
			return err
		},
		RunE: a.askFor(
			func() time.Duration {
				if flags.wait {
					return 0
				}
				return deadline
			},
			func(ctx context.Context, s session, _ []string) error {
				result, err := s.client.RetryFailures(ctx, request)
				if err != nil {
					return err
				}
				if err := a.noteRetrying(ctx, s, request, result, "sends"); err != nil {
					return err
				}
				return retried(s, request, result)
			}),
		ValidArgsFunction: a.failureIDs,
	}
	flags.declare(a, cmd, "retry")
	cmd.Flags().BoolVar(&flags.wait, "wait", false, "wait for the results; exits with 1 if any failed again or is held")
	return cmd
}

// noteRetrying says, where a selection has no failures, which may have been meant: they
// fail too, but are not given up yet.
func (a *app) noteRetrying(ctx context.Context, s session, request api.FailureAction, result api.FailureResult, does string) error {
	if result.Matched > 0 || request.Retrying || len(request.IDs) > 0 || s.out.Format != render.Table {
		return nil
	}
	text, err := beingRetried(ctx, s.client, request.Endpoint, does)
	if err == nil && text != "" {
		a.note("%s", text)
	}
	return err
}

// retried says what became of failures; that some failed again, or are held, is
// an error.
func retried(s session, request api.FailureAction, result api.FailureResult) error {
	if err := s.out.Result(result, strconv.FormatUint(result.Matched, 10), retrySentence(request, result)); err != nil {
		return err
	}
	if request.Wait && !request.DryRun && result.Failed+result.Held > 0 {
		return errSilent
	}
	return nil
}

func retrySentence(request api.FailureAction, result api.FailureResult) string {
	what := render.Count(result.Matched, "failure")
	switch {
	case result.DryRun:
		return what + " would be retried"
	case !request.Wait:
		return what + " retried"
	}
	return what + " retried: " + result.Counts()
}

func newFailuresPurgeCommand(a *app) *cobra.Command {
	var flags action
	var request api.FailureAction
	ask := a.mustAsk(&flags.yes, &flags.dryRun)
	cmd := &cobra.Command{
		Use:   "purge [ID…]",
		Short: "Give failures up",
		Long: `Give failures up: their endpoints are not told of these changes any more. A newer
change of the same object is told as ever. But if a managed integration took an asset
and its answer was lost, dz forgets that too: if the asset is deleted next, it is not
told. 'dz resync ENDPOINT --asset ID' before that makes it good.`,
		Example: `  dz failures purge 01KAK7Z3M0000000000000002A
  dz failures purge --endpoint shop --until 7d --dry-run
  dz failures purge --all --yes`,
		PreRunE: func(cmd *cobra.Command, ids []string) (err error) {
			if request, err = flags.action(cmd.CommandPath(), ids); err != nil {
				return err
			}
			return ask(cmd, ids)
		},
		RunE: a.ask(func(ctx context.Context, s session, _ []string) error {
			if !flags.yes && !flags.dryRun {
				if err := s.confirmPurge(ctx, request); err != nil {
					return err
				}
			}
			result, err := s.client.PurgeFailures(ctx, request)
			if err != nil {
				return err
			}
			if err := a.noteRetrying(ctx, s, request, result, "purges"); err != nil {
				return err
			}
			sentence := render.Count(result.Matched, "failure") + " purged"
			if result.DryRun {
				sentence = render.Count(result.Matched, "failure") + " would be purged"
			}
			return s.out.Result(result, strconv.FormatUint(result.Matched, 10), sentence)
		}),
		ValidArgsFunction: a.failureIDs,
	}
	flags.declare(a, cmd, "purge")
	yesFlag(cmd, &flags.yes)
	return cmd
}

// confirmPurge says how many it would be before it asks.
func (s session) confirmPurge(ctx context.Context, request api.FailureAction) error {
	request.DryRun = true
	result, err := s.client.PurgeFailures(ctx, request)
	if err != nil || result.Matched == 0 {
		return err
	}
	return s.confirm(ctx, "purge "+render.Count(result.Matched, "failure")+"?")
}
