package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func yesFlag(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
}

// mustAsk refuses, before anything else is done, what has to be asked where
// nobody can be.
func (a *app) mustAsk(free ...*bool) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		for _, flag := range free {
			if *flag {
				return nil
			}
		}
		if a.env.Interactive {
			return nil
		}
		return usageError{fmt.Errorf("%s asks first, and there is nobody to ask", cmd.CommandPath()), "add --yes"}
	}
}

// confirm asks a person, who may take their time. Anything but yes is an error,
// as is the end of ctx.
func (s session) confirm(ctx context.Context, question string) error {
	s.pause()
	defer s.resume()
	fmt.Fprintf(s.app.env.Stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		// What can't be read is no yes.
		line, _ := bufio.NewReader(s.app.env.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		s.app.note("")
		return context.Cause(ctx)
	case line := <-answer:
		if !strings.HasSuffix(line, "\n") {
			s.app.note("") // nobody is there any more, nor a key that ended the line
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		default:
			return errors.New("nothing was done")
		}
	}
}
