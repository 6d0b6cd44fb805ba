package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// bench is one run.
type bench struct {
	opts   options
	sizes  sizes
	dir    string   // of everything the run writes
	log    *os.File // what the programs write to stderr
	sink   *sink
	report report
	tell   func(format string, args ...any) // progress
}

// sizes are the numbers of a run.
type sizes struct {
	posts, turns  int // distinct objects of row tail, and how often they are delivered
	latency, rest time.Duration
	outage        outageSize
	debts         int           // of row start
	ingest        int           // events of row ingest
	objects       int           // that its merging endpoints see
	fanOut        int           // events for one endpoint and for ten
	calls         int           // of each client command
	assets        int           // of row resync
	idle          time.Duration // that a daemon without work is watched
	soon          time.Duration // after a start, when its memory is looked at again
}

func sizesOf(short bool) sizes {
	if short {
		return sizes{
			posts: 20_000, turns: 1, latency: 5 * time.Second, rest: 5 * time.Second, outage: shortOutage(),
			debts: 100_000, ingest: 100_000, objects: 100_000, fanOut: 40_000, calls: 20, assets: 10_000,
			idle: 5 * time.Second, soon: 3 * time.Second,
		}
	}
	return sizes{
		posts: 100_000, turns: 5, latency: 10 * time.Second, rest: 20 * time.Second, outage: longOutage(),
		debts: 1_000_000, ingest: 1_000_000, objects: 100_000, fanOut: 200_000, calls: 20, assets: 69_202,
		idle: 20 * time.Second, soon: 5 * time.Second,
	}
}

// row is one row of the goals, which may have several results.
type row struct {
	name string
	run  func(*bench, context.Context) error
}

func allRows() []row {
	return []row{
		{"tail", (*bench).tail},
		{"latency", (*bench).latency},
		{"outage", (*bench).outageRow},
		{"start", (*bench).startRow},
		{"idle", (*bench).idleRow},
		{"command", (*bench).commandRow},
		{"ingest", (*bench).ingestRow},
		{"resync", (*bench).resyncRow},
	}
}

// choose returns the rows of these names, or all.
func choose(names []string) ([]row, error) {
	rows := allRows()
	if len(names) == 0 {
		return rows, nil
	}
	var chosen []row
	var known []string
	for _, r := range rows {
		known = append(known, r.name)
		if slices.Contains(names, r.name) {
			chosen = append(chosen, r)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no row %q; the rows are: %s", name, strings.Join(known, " "))
		}
	}
	return chosen, nil
}

// measure runs rows and prints their results.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parseBench(args, stderr)
	if err != nil {
		return err
	}
	rows, err := choose(opts.rows)
	if err != nil {
		return err
	}
	return within(ctx, opts, stderr, func(ctx context.Context, b *bench) error {
		for _, r := range rows {
			if err := b.perform(ctx, r); err != nil {
				return fmt.Errorf("row %s: %w", r.name, err)
			}
		}
		if err := b.report.describe(ctx, b); err != nil {
			return err
		}
		return b.report.publish(stdout, opts)
	})
}

// perform runs a row. What has not come about after far more time than it takes
// never will: that is a wrong result of this row, and the others go on.
func (b *bench) perform(ctx context.Context, r row) error {
	begun := time.Now()
	b.tell("%s …", r.name)
	err := r.run(b, ctx)
	if errors.Is(err, process.ErrNotSo) {
		b.report.wrong("%s: %v", r.name, err)
		err = nil
	}
	b.tell("%s: %.0f s", r.name, time.Since(begun).Seconds())
	return err
}

// longest is how long a run may take in all.
const longest = 20 * time.Minute

// within does something with a receiver and a folder, which are gone after it.
func within(ctx context.Context, opts options, stderr io.Writer, do func(context.Context, *bench) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	command := opts.command()
	if opts.dz, err = filepath.Abs(opts.dz); err != nil {
		return err
	}
	if opts.profiles != "" {
		if opts.profiles, err = filepath.Abs(opts.profiles); err != nil {
			return err
		}
		if err := os.MkdirAll(opts.profiles, 0o700); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "dz-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			printEnd(stderr, log.Name())
		}
		err = errors.Join(err, log.Close())
	}()
	b := &bench{
		opts: opts, sizes: sizesOf(opts.short), dir: dir, log: log, report: report{Short: opts.short, Command: command},
		tell: func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) },
	}
	if b.sink, err = startSink(ctx, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.sink.stop()) }()
	return do(ctx, b)
}

// printEnd shows what the programs said last.
func printEnd(w io.Writer, path string) {
	const most = 4 << 10
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return
	}
	fmt.Fprintf(w, "the programs said last:\n%s\n", text[max(0, len(text)-most):])
}
