// Bench measures dz, as the process that users run, against the goals of its
// design; with "soak" as its first argument it holds dz to one of them. Build
// and start it with scripts/bench and scripts/soak.
//
// It talks to dz as anybody does: through events in a file, the socket, and the
// requests that a receiver gets. The receiver and the bare client that dz is
// measured beside are processes of their own (this program once more), so that
// each one's processor time shows.
//
// A timing is never judged: a goal that is missed is shown as missed. What is
// judged are results that are wrong on any machine: a delivery lost or repeated,
// more than one probe of a sick receiver at a time, memory or a file beyond its
// bound. The program needs Linux, for it reads /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// errWrong says that something was wrong, and has been told.
var errWrong = errors.New("wrong results")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errWrong):
		os.Exit(1) //nolint:forbidigo // a program of its own
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2) //nolint:forbidigo // a program of its own
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case receiveCommand:
			return receive(ctx, os.Stdin, stdout)
		case postCommand:
			return post(ctx, args[1:], stdout)
		case "soak":
			return soak(ctx, args[1:], stdout, stderr)
		}
	}
	return measure(ctx, args, stdout, stderr)
}

// options are what both programs can be told.
type options struct {
	dz    string
	short bool
	json  string
	rows  []string
}

func parse(name string, args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: scripts/%s [flags] [row…]; the script's head says more\n", name)
		flags.PrintDefaults()
	}
	flags.StringVar(&opts.dz, "dz", "", "the dz to run; the script names the one it has built")
	flags.BoolVar(&opts.short, "short", false, "smaller numbers, for every commit")
	flags.StringVar(&opts.json, "json", "", "also write the results to this file, as JSON")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	opts.rows = flags.Args()
	if opts.dz == "" {
		return opts, errors.New("--dz is missing: start it with scripts/bench or scripts/soak")
	}
	return opts, nil
}
