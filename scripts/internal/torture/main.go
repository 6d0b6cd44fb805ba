// Torture breaks dz on purpose and counts what it costs. It runs the real
// program as a process against receivers on loopback, ends it at bad moments,
// and compares what every endpoint was owed with what came. Build and start it
// with scripts/torture.
//
// It talks to dz as anybody does: through events in a file, the socket, signals,
// and the requests that receivers get. It ends with 1 if anything was lost, came
// stale, twice at a time, or more often than attempts were under way.
//
// A kill is the end of a process, not of a machine: what the system was handed
// is on the disk afterwards. The program needs Linux, for it reads /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// errFaults says that there were faults, and they have been told.
var errFaults = errors.New("faults")

// longest is how long a run may take, beyond its --duration in each scenario.
const longest = 40 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFaults):
		os.Exit(1) //nolint:forbidigo // a program of its own
	default:
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2) //nolint:forbidigo // a program of its own
	}
}

// options are what the program can be told.
type options struct {
	dz        string
	hooked    string
	duration  time.Duration
	seed      uint64
	scenarios string
	short     bool
	keep      bool
	json      string
	markdown  string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.dz, "dz", "", "the dz to run; the script names the one it has built")
	flags.StringVar(&opts.hooked, "hooked", "", "the same, built with the tag torture: it ends at points and its clock can be set")
	flags.DurationVar(&opts.duration, "duration", 0, "go on killing for so long, instead of a fixed number of times")
	flags.Uint64Var(&opts.seed, "seed", 0, "repeat the schedule of this run; 0 chooses one")
	flags.StringVar(&opts.scenarios, "scenario", "", "only these, separated by commas: "+strings.Join(names(), ","))
	flags.BoolVar(&opts.short, "short", false, "smaller numbers, for every commit")
	flags.BoolVar(&opts.keep, "keep", false, "keep stores, events and logs of scenarios with faults")
	flags.StringVar(&opts.json, "json", "", "also write the results to this file, as JSON")
	flags.StringVar(&opts.markdown, "markdown", "", "also write the table to this file, as Markdown")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	switch {
	case opts.dz == "" || opts.hooked == "":
		return opts, errors.New("--dz or --hooked is missing: start it with scripts/torture")
	case flags.NArg() > 0:
		return opts, fmt.Errorf("there is no argument %q; scenarios are chosen with --scenario", flags.Arg(0))
	case opts.seed == 0:
		opts.seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // it is printed
	}
	for _, program := range []*string{&opts.dz, &opts.hooked} {
		var err error
		if *program, err = filepath.Abs(*program); err != nil {
			return opts, err
		}
	}
	return opts, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parse(args, stderr)
	if err != nil {
		return err
	}
	chosen, err := choose(opts.scenarios)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, longest+time.Duration(len(chosen))*opts.duration, errors.New("the run took too long"))
	defer cancel()
	fmt.Fprintf(stderr, "torture: seed %d\n", opts.seed)
	report, err := newReport(ctx, opts)
	if err != nil {
		return err
	}
	for _, s := range chosen {
		result := perform(ctx, s, opts, stderr)
		report.Results = append(report.Results, result)
		if ctx.Err() != nil {
			break
		}
	}
	if err := report.print(stdout); err != nil {
		return err
	}
	if opts.json != "" {
		if err := report.save(opts.json); err != nil {
			return err
		}
	}
	if opts.markdown != "" {
		if err := report.saveMarkdown(opts.markdown); err != nil {
			return err
		}
	}
	if report.faulty() {
		return errFaults
	}
	return nil
}
