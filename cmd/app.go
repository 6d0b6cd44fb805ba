package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// deadline is how long a command waits for the daemon.
const deadline = 30 * time.Second

// app is what all commands share: the process around them and the flags that
// each of them takes.
type app struct {
	env    Env
	styles *style.Set
	socket string
	config string
	output string
}

// flags declares the flags that every command takes.
func (a *app) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.socket, "socket", "", "`PATH` of the daemon's socket (also DZ_SOCKET)")
	flags.StringVar(&a.config, "config", "", "configuration `FILE` (also DZ_CONFIG)")
	flags.StringVarP(&a.output, "output", "o", "", "`FORMAT` of the output: table, json, yaml or name (also DZ_OUTPUT) (default table)")
	complete(cmd, "output", render.Formats())
}

// configOptions returns what the configuration is loaded with.
func (a *app) configOptions() config.Options {
	opts := a.env.Config
	opts.File, opts.Socket = a.config, a.socket
	return opts
}

// client returns a client of the daemon. Nothing is opened yet.
func (a *app) client() (*api.Client, error) {
	socket, err := config.ClientSocket(a.socket, a.configOptions())
	if err != nil {
		return nil, usageError{err: err}
	}
	return &api.Client{Socket: socket}, nil
}

// session is what a command that asks the daemon is given.
type session struct {
	app    *app
	client *api.Client
	out    *render.Printer
	// pause stops the deadline, resume starts it anew.
	pause, resume func()
}

// ask makes a command that asks the daemon: it gives it a client, a printer and
// a deadline.
func (a *app) ask(run func(ctx context.Context, s session, args []string) error) func(*cobra.Command, []string) error {
	return a.askFor(func() time.Duration { return deadline }, run)
}

// unlimited is for what takes as long as it takes.
func unlimited() time.Duration { return 0 }

// askFor is ask with another deadline; 0 is none.
func (a *app) askFor(limit func() time.Duration, run func(ctx context.Context, s session, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		out, err := a.printer()
		if err != nil {
			return err
		}
		client, err := a.client()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancelCause(cmd.Context())
		defer cancel(nil)
		s := session{app: a, client: client, out: out, pause: func() {}, resume: func() {}}
		if d := limit(); d > 0 {
			timer := time.AfterFunc(d, func() { cancel(late(client.Socket, d)) })
			defer timer.Stop()
			s.pause, s.resume = func() { timer.Stop() }, func() { timer.Reset(d) }
		}
		return run(ctx, s, args)
	}
}

// late is the error of a daemon that does not answer.
func late(socket string, limit time.Duration) error {
	return &api.Error{
		Code:    api.CodeUnreachable,
		Message: fmt.Sprintf("daemon at %s did not answer within %s", socket, limit),
		Hint:    "see its log",
	}
}

// format returns the format asked for.
func (a *app) format() (render.Format, error) {
	name, from := a.output, "--output"
	if name == "" {
		name, from = a.env.Getenv("DZ_OUTPUT"), "DZ_OUTPUT"
	}
	if name == "" {
		return render.Table, nil
	}
	for _, format := range render.Formats() {
		if name == format {
			return render.Format(format), nil
		}
	}
	return "", usagef("%s: unknown format %q%s (formats: table, json, yaml, name)",
		from, name, suggest.Clause(name, render.Formats()))
}

// printer returns what prints to stdout.
func (a *app) printer() (*render.Printer, error) {
	format, err := a.format()
	if err != nil {
		return nil, err
	}
	return &render.Printer{
		Out:    a.env.Stdout,
		Format: format,
		Width:  a.env.Width(),
		Color:  a.env.color(a.env.Terminal),
		Now:    a.env.Now(),
	}, nil
}

// note tells a person something that is no data.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.env.Stderr, format+"\n", args...)
}
