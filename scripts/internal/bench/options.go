package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options are what the programs can be told.
type options struct {
	dz    string
	short bool
	rows  []string

	// Of the bench alone.
	json, markdown string
	profiles       string // folder
}

// command is what a person types to have the same measured.
func (o options) command() string {
	words := []string{"scripts/bench"}
	if o.short {
		words = append(words, "--short")
	}
	if o.profiles != "" {
		words = append(words, "--profile", o.profiles)
	}
	return strings.Join(append(words, o.rows...), " ")
}

func parseBench(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := opts.flags("bench", "[row…]", stderr)
	flags.StringVar(&opts.json, "json", "", "also write the results to this file, as JSON")
	flags.StringVar(&opts.markdown, "markdown", "", "also write the results that have a goal to this file, as Markdown")
	flags.StringVar(&opts.profiles, "profile", "", "write profiles of dz to this folder")
	err := opts.parse(flags, args)
	return opts, err
}

func parseSoak(args []string, stderr io.Writer) (options, error) {
	var opts options
	err := opts.parse(opts.flags("soak", "", stderr), args)
	if err == nil && len(opts.rows) > 0 {
		err = fmt.Errorf("soak takes no argument %q", opts.rows[0])
	}
	return opts, err
}

// flags are those that the programs share.
func (o *options) flags(name, operands string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: %s; the script's head says more\n",
			strings.TrimSpace("scripts/"+name+" [flags] "+operands))
		flags.PrintDefaults()
	}
	flags.StringVar(&o.dz, "dz", "", "the dz to run; the script names the one it has built")
	flags.BoolVar(&o.short, "short", false, "smaller numbers, for every commit")
	return flags
}

func (o *options) parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.rows = flags.Args()
	if o.dz == "" {
		return errors.New("--dz is missing: start it with scripts/bench or scripts/soak")
	}
	return nil
}
