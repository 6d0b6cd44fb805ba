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
// judged are results that are wrong on any machine: a delivery lost, repeated, too
// early or about something else, more than one probe of a sick receiver at a time,
// memory or a file beyond its bound. The program needs Linux, for it reads /proc.
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
	os.Exit(exitCode(err, os.Stderr)) //nolint:forbidigo // a program of its own
}

// exitCode is 0 if everything is right, however slow it is, 1 if a result is
// wrong, and 2 if there is none, which it says why.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errWrong):
		return 1
	default:
		fmt.Fprintln(stderr, "bench:", err)
		return 2
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
