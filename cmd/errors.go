package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/suggest"
)

// The exit codes.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2 // the command line, or what it gave the daemon, makes no sense
	ExitUnreachable = 3 // no daemon
	ExitNotFound    = 4
	ExitForbidden   = 5
	ExitConflict    = 6
)

// ExitCode returns the exit code of an error.
func ExitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	var rejected rejectedError
	if errors.As(err, &rejected) {
		return ExitFailed // the rest was accepted
	}
	switch describe(err).Code {
	case api.CodeInvalid:
		return ExitUsage
	case api.CodeUnreachable:
		return ExitUnreachable
	case api.CodeNotFound:
		return ExitNotFound
	case api.CodeForbidden:
		return ExitForbidden
	case api.CodeConflict:
		return ExitConflict
	case api.CodeFull, api.CodeInternal:
		return ExitFailed
	default:
		return ExitFailed
	}
}

// usageError is an error in how a command was called.
type usageError struct {
	err  error
	hint string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{err: fmt.Errorf(format, args...)}
}

// rejectedError says that so many lines of what was given were not what they
// should be.
type rejectedError struct {
	lines int
	hint  string
}

func (e rejectedError) Error() string { return render.Count(uint64(e.lines), "line") + " rejected" }

// errSilent ends a command with ExitFailed after it has said itself, in its
// output, what failed.
var errSilent = errors.New("failed")

// describe returns an error as the API writes errors.
func describe(err error) api.Error {
	var fromAPI *api.Error
	var usage usageError
	var rejected rejectedError
	switch {
	case errors.As(err, &fromAPI):
		return *fromAPI
	case errors.As(err, &rejected):
		return api.Error{Code: api.CodeInvalid, Message: rejected.Error(), Hint: rejected.hint}
	case errors.As(err, &usage):
		return api.Error{Code: api.CodeInvalid, Message: usage.Error(), Hint: usage.hint}
	case errors.Is(err, context.Canceled):
		return api.Error{Code: api.CodeInternal, Message: "interrupted"}
	default:
		return api.Error{Code: api.CodeInternal, Message: err.Error()}
	}
}

// report prints an error to stderr and returns its exit code.
func (a *app) report(err error, args []string) int {
	if errors.Is(err, errSilent) {
		return ExitFailed
	}
	p := render.Printer{Out: a.env.Stderr, Format: a.errorFormat(args), Color: a.env.color(a.env.ErrTerminal)}
	if printErr := p.Error(describe(err)); printErr != nil {
		return ExitFailed // nobody hears it
	}
	return ExitCode(err)
}

// errorFormat finds the format of the output even where the flags could not be
// read to their end.
func (a *app) errorFormat(args []string) render.Format {
	for i, arg := range args {
		switch {
		case (arg == "-o" || arg == "--output") && i+1 < len(args):
			a.output = args[i+1]
		case strings.HasPrefix(arg, "--output="):
			a.output = strings.TrimPrefix(arg, "--output=")
		case strings.HasPrefix(arg, "-o") && len(arg) > len("-o"):
			a.output = strings.TrimPrefix(arg[len("-o"):], "=")
		case arg == "--":
			return a.formatOrTable()
		}
	}
	return a.formatOrTable()
}

func (a *app) formatOrTable() render.Format {
	format, err := a.format()
	if err != nil {
		return render.Table
	}
	return format
}

// helpHint says where to read on.
func helpHint(cmd *cobra.Command) string { return "see '" + cmd.CommandPath() + " --help'" }

// suggestion is a usage error that names the nearest right word, or, without
// one, where to read on.
func suggestion(message, word string, words []string, hint string) error {
	if near := suggest.Clause(word, words); near != "" {
		return usageError{err: errors.New(message + near)}
	}
	return usageError{errors.New(message), hint}
}

// flagError says of a flag that could not be read what is wrong and what to do.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var needsValue *pflag.ValueRequiredError
	hint := helpHint(cmd)
	switch {
	case errors.As(err, &unknown):
		// A word before the flag may be a command that does not exist.
		if word := cmd.Flags().Arg(0); word != "" && cmd.HasSubCommands() {
			return unknownCommand(cmd, word)
		}
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return usageError{fmt.Errorf("unknown flag -%s", name), hint}
		}
		message := "unknown flag --" + name
		if near := suggest.Nearest(name, flagNames(cmd)); near != "" {
			return usageError{err: fmt.Errorf("%s; did you mean --%s?", message, near)}
		}
		return usageError{errors.New(message), hint}
	case errors.As(err, &invalid):
		return usageError{err: fmt.Errorf("--%s: %w", invalid.GetFlag().Name, valueError(invalid))}
	case errors.As(err, &needsValue):
		return usageError{fmt.Errorf("--%s needs a value", needsValue.GetFlag().Name), hint}
	default:
		return usageError{err, hint}
	}
}

// valueError turns what the standard library says of numbers into words.
func valueError(invalid *pflag.InvalidValueError) error {
	if _, own := invalid.GetFlag().Value.(*setting); own {
		return invalid.Unwrap() // it is in words
	}
	kinds := map[string]string{"int": "a whole number", "float64": "a number", "bool": "true or false"}
	switch kind := invalid.GetFlag().Value.Type(); kind {
	case "intSlice":
		return fmt.Errorf("%q is no number", invalid.GetValue())
	case "stringSlice":
		return fmt.Errorf("%q is no list: separate words by commas, without quotes", invalid.GetValue())
	default:
		if expected, ok := kinds[kind]; ok {
			return fmt.Errorf("%q is not %s", invalid.GetValue(), expected)
		}
		return invalid.Unwrap()
	}
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	add := func(flag *pflag.Flag) { names = append(names, flag.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return names
}

// unknownCommand names the nearest command.
func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return suggestion(fmt.Sprintf("unknown command %q for %q", word, cmd.CommandPath()), word, names, helpHint(cmd))
}
