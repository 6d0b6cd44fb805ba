// Package cmd owns the command line: its commands, flags, help texts and exit
// codes. A command is a struct of options, a constructor, and a function that
// asks the daemon over its socket and prints the answer.
//
// It guarantees: data goes to stdout and everything else to stderr; exit codes
// are those of ExitCode; no error prints a stack or a page of usage; what
// destroys asks first, or needs --yes where nobody can be asked.
//
// Only serve*.go knows the daemon; the other commands know its API alone. The
// package depends on its process only in Main, so that all of it runs in tests.
package cmd

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/style/builtin"
)

// Env is all that the command line knows of its process.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Config holds the variables, the user and the home directory.
	Config config.Options

	// Interactive: somebody reads stderr and can answer on stdin.
	Interactive bool
	// Terminal: stdout is a terminal.
	Terminal bool
	// ErrTerminal: stderr is a terminal.
	ErrTerminal bool
	// Width returns the columns of the terminal, 0 for unlimited.
	Width func() int

	Now   func() time.Time
	Build Build

	// Sample holds the events that "serve --dev" plays, one a line.
	Sample []byte
}

// Main runs dz as a process and returns its exit code. A first interrupt ends
// the command in order, a second one at once.
func Main(build Build, sample []byte) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], processEnv(build, sample))
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, args []string, env Env) int {
	a := &app{env: env}
	var err error
	if a.styles, err = builtin.Styles(builtin.Nothing()); err != nil {
		return a.report(err, args)
	}
	root := newRootCommand(a)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		unquoteFlags(root)
	}
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return a.report(err, args)
	}
	return ExitDone
}

func processEnv(build Build, sample []byte) Env {
	stdin, stdout, stderr := isTerminal(os.Stdin), isTerminal(os.Stdout), isTerminal(os.Stderr)
	return Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Config:      config.Process(),
		Interactive: stdin && stderr,
		Terminal:    stdout,
		ErrTerminal: stderr,
		Width: func() int {
			if !stdout {
				return 0
			}
			return terminalWidth()
		},
		Now:    systemClock(),
		Build:  build,
		Sample: sample,
	}
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// terminalWidth asks the terminal, then COLUMNS, for terminals that don't know.
func terminalWidth() int {
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && width > 0 {
		return width
	}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		return width
	}
	return 80
}

// Getenv returns a variable, "" if it is not set.
func (e Env) Getenv(name string) string {
	for i := len(e.Config.Env) - 1; i >= 0; i-- {
		if value, found := strings.CutPrefix(e.Config.Env[i], name+"="); found {
			return value
		}
	}
	return ""
}

// color reports whether a stream wants colours (https://no-color.org).
func (e Env) color(terminal bool) bool {
	return terminal && e.Getenv("NO_COLOR") == "" && e.Getenv("TERM") != "dumb"
}
