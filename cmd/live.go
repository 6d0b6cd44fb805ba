package cmd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// liveOptions bound what is shown while it happens.
type liveOptions struct {
	count int
	span  timespan.Span
}

func (o *liveOptions) declare(cmd *cobra.Command, what string) {
	cmd.Flags().IntVar(&o.count, "count", 0, "end after this `NUMBER` of "+what)
	cmd.Flags().Var(&o.span, "for", "end after this `TIME`; with --count, 1 is the exit code if there were fewer")
}

func (o *liveOptions) check() error {
	if o.count < 0 {
		return usagef("--count: %d is negative", o.count)
	}
	return nil
}

// errEnough ends what is shown while it happens.
var errEnough = errors.New("enough was shown")

// live makes a command that shows what happens until it is interrupted, which is
// a good end. Its output is a line for each, so that there is no YAML.
func (a *app) live(opts *liveOptions, run func(ctx context.Context, s session, args []string) error) func(*cobra.Command, []string) error {
	return a.askFor(unlimited, func(ctx context.Context, s session, args []string) error {
		if lines := []render.Format{render.Table, render.JSON, render.Name}; !slices.Contains(lines, s.out.Format) {
			return usagef("what happens is printed as table, json or name, a line each, not as %s", s.out.Format)
		}
		if err := opts.check(); err != nil {
			return err
		}
		if opts.span > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, opts.span.Std(), errEnough)
			defer cancel()
		}
		return run(ctx, s, args)
	})
}

// show goes through a stream. It says once that it has begun, and how much was
// passed over.
func show[T any](ctx context.Context, a *app, opts *liveOptions, lines iter.Seq2[api.Line[T], error], what string, item func(T) error) error {
	began, shown := false, 0
	for line, err := range lines {
		switch {
		case err != nil && errors.Is(context.Cause(ctx), errEnough) && opts.count > 0:
			return fmt.Errorf("%d of %d came within %s", shown, opts.count, opts.span)
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if !began {
			began = true
			a.note("%s (Ctrl-C ends it)", what)
		}
		if line.Lost > 0 {
			a.note("%d passed over: they came faster than they were read", line.Lost)
		}
		if line.Item == nil {
			continue
		}
		if err := item(*line.Item); err != nil {
			return err
		}
		if shown++; shown == opts.count {
			return nil
		}
	}
	return nil
}
