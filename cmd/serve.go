package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log" //nolint:depguard // net/http writes to it, whatever it is given
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/daemon"
)

type serveOptions struct {
	dev       bool
	untilIdle bool
}

func newServeCommand(a *app) *cobra.Command {
	var opts serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon",
		Long: `Run the daemon: it reads events from its sources and delivers them to the
registered endpoints, until it is interrupted. SIGHUP reloads the configuration.

A store of an older dz gets this one's format at the first start. The older dz can't
read it any more: take a backup before, if you may want to go back.

--dev shows what dz does without any set-up: a store in a temporary folder, sample
events, and a receiver that prints what is delivered to it.

--until-idle ends when every source is read to its end and nothing is owed that
could be sent: with 0 if everything is delivered, with 1 if failures remain, or if
a receiver has not answered for as long as its retry schedule lasts.`,
		Example: `  dz serve --dev
  dz serve --config /etc/dz/dz.yaml
  dz serve --until-idle`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if opts.dev {
				return a.serveDev(cmd.Context(), opts)
			}
			c, err := config.Load(a.serveConfigOptions())
			if err != nil {
				return usageError{err: err}
			}
			return a.serve(cmd.Context(), c, opts, nil, nil)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.dev, "dev", false, "try it out: temporary store, sample events, a built-in receiver")
	flags.BoolVar(&opts.untilIdle, "until-idle", false, "end when everything that can be delivered is")
	flags.SortFlags = false
	return cmd
}

// serveConfigOptions are those of a configuration for this daemon.
func (a *app) serveConfigOptions() config.Options {
	opts := a.configOptions()
	opts.SourceTypes = daemon.SourceTypes()
	return opts
}

// serve runs the daemon until ctx ends. ready, if given, is called when it
// serves.
func (a *app) serve(ctx context.Context, c config.Config, opts serveOptions, prepare func(context.Context) error, ready func()) error {
	var level slog.LevelVar
	level.Set(c.Log.Level)
	log := newLogger(a.env.Stderr, c.Log.Format, a.env.ErrTerminal, &level)
	// net/http complains to the standard logger of answers that nobody asked
	// for, and quotes them.
	stdlog.SetFlags(0)
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelDebug).Writer())
	for _, warning := range c.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	daemon.CollectSeldom(systemClock())
	err := daemon.Run(ctx, daemon.Options{
		Config: c, Version: a.env.Build.version(), Log: log, Level: &level,
		Reload: a.reloads(ctx, log), UntilIdle: opts.untilIdle, Prepare: prepare, Ready: ready, Now: a.env.Now,
	})
	if errors.Is(err, daemon.ErrFailuresRemain) {
		return err
	}
	if errors.Is(err, daemon.ErrLocked) {
		return &api.Error{Code: api.CodeConflict, Message: "serve: " + err.Error()}
	}
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// reloads reads the configuration anew at every SIGHUP. One with mistakes is
// reported and changes nothing.
func (a *app) reloads(ctx context.Context, log *slog.Logger) <-chan config.Config {
	configs := make(chan config.Config)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			c, err := config.Load(a.serveConfigOptions())
			if err != nil {
				log.Error("the configuration is not reloaded; the one before stays in effect", "error", err)
				continue
			}
			select {
			case configs <- c:
			case <-ctx.Done():
			}
		}
	}()
	return configs
}

// newLogger writes text for people on a terminal, and JSON for everything else.
func newLogger(w io.Writer, format string, terminal bool, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == config.FormatText || (format == config.FormatAuto && terminal) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// version is what the daemon says of itself.
func (b Build) version() api.Version {
	info := b.Info()
	return api.Version{Version: info.Version, Commit: info.Commit, Date: info.Date, Go: info.Go, Store: daemon.StoreFormat}
}
