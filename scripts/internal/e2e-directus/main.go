// E2e-directus lets a real DAM, a Directus on loopback, tell a receiver of its
// files by way of dz. Start it with scripts/e2e-directus, which builds dz.
//
// It is three things at once: the editor, who uploads, changes, replaces, hides
// and deletes files through Directus' API; the bridge, which Directus' Flows tell
// of that and which writes events for dz; and the receiver, which keeps its own
// set of assets by what dz tells it alone. After every step the receiver's set
// is compared with what Directus says. The program ends with 1 if they differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// errFaults says that there were faults, and they have been told.
var errFaults = errors.New("faults")

// longest is how long a run may take once Directus is installed.
const longest = 5 * time.Minute

// defaultVersion is the last Directus that runs on Node.js 18 and 20 too.
const defaultVersion = "11.3.5"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errFaults):
		os.Exit(1) //nolint:forbidigo // a program of its own
	default:
		fmt.Fprintln(os.Stderr, "e2e-directus:", err)
		os.Exit(2) //nolint:forbidigo // a program of its own
	}
}

// options are what the program can be told.
type options struct {
	dz      string
	version string // of Directus
	cache   string
	files   int
	keep    bool
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("e2e-directus", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.dz, "dz", "", "the dz to run; the script names the one it has built")
	flags.StringVar(&opts.version, "directus", defaultVersion, "the version of Directus, from npm")
	flags.StringVar(&opts.cache, "cache", "", "where Directus is installed and stays; by default the user's cache folder")
	flags.IntVar(&opts.files, "files", 120, "how many files are uploaded, 60 or more; beyond 100 dz reads its list in pages")
	flags.BoolVar(&opts.keep, "keep", false, "keep the store, the events, the database and the logs")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	switch {
	case opts.dz == "":
		return opts, errors.New("--dz is missing: start it with scripts/e2e-directus")
	case flags.NArg() > 0:
		return opts, fmt.Errorf("there is no argument %q", flags.Arg(0))
	case opts.files < leastFiles:
		return opts, fmt.Errorf("--files %d is less than %d", opts.files, leastFiles)
	}
	if opts.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return opts, err
		}
		opts.cache = filepath.Join(dir, "dz-e2e-directus")
	}
	var err error
	opts.dz, err = filepath.Abs(opts.dz)
	return opts, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	opts, err := parse(args, stderr)
	if err != nil {
		return err
	}
	program, err := install(ctx, opts, stderr)
	if err != nil {
		return fmt.Errorf("install Directus %s: %w", opts.version, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, longest, errors.New("the run took too long"))
	defer cancel()
	r, err := newRig(ctx, opts, program, stderr)
	if err != nil {
		return err
	}
	results, err := tell(ctx, r)
	err = errors.Join(err, r.close())
	fmt.Fprintf(stdout, "\nDirectus %s, files %d\n\n", opts.version, opts.files)
	if printed := printTable(stdout, results); printed != nil {
		err = errors.Join(err, printed)
	}
	faulty := err != nil || anyFaults(results)
	if cleaned := r.cleanUp(faulty); cleaned != nil {
		err = errors.Join(err, cleaned)
	}
	if err == nil && faulty {
		return errFaults
	}
	return err
}
