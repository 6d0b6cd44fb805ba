package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/listen"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Bounds of the receiver's server.
const (
	headerTimeout = 10 * time.Second
	listenEnd     = time.Second // that answers under way have when it ends
)

type listenOptions struct {
	addr       string
	answer     listen.Answer
	delay      timespan.Span
	retryAfter int
	verbose    bool
}

func newListenCommand(a *app) *cobra.Command {
	var opts listenOptions
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive notifications, for trying things out",
		Long: `Receive notifications, for trying things out: prints each request and answers as
told, until it is interrupted. With -o json it prints an object a line, with
time, method, path, headers, body and verified.

It answers 200 unless something else is asked for.`,
		Example: `  dz listen
  dz listen --addr 127.0.0.1:0 -v
  dz listen --status 503 --retry-after 30
  dz listen --fail-every 3 --close
  dz listen -o json | jq -r .body`,
		Args: exactly(),
		PreRunE: func(*cobra.Command, []string) error {
			opts.answer.Delay = opts.delay.Std()
			if _, _, err := net.SplitHostPort(opts.addr); err != nil {
				return usagef("--addr: %q is no address: write HOST:PORT, such as 127.0.0.1:8089", opts.addr)
			}
			if opts.retryAfter < 0 {
				return usagef("--retry-after: %d is negative", opts.retryAfter)
			}
			opts.answer.RetryAfter = time.Duration(opts.retryAfter) * time.Second
			if err := opts.answer.Validate(); err != nil {
				return usageError{err: err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, err := a.printer()
			if err != nil {
				return err
			}
			if out.Format != render.Table && out.Format != render.JSON {
				return usagef("listen prints table or json, not %s", out.Format)
			}
			return a.listen(cmd.Context(), out, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.addr, "addr", "127.0.0.1:8089", "`ADDRESS` to listen on; port 0 takes a free one")
	flags.IntVar(&opts.answer.Status, "status", 0, "answer with this HTTP `STATUS`")
	flags.IntVar(&opts.answer.FailEvery, "fail-every", 0, "fail only every `N`-th request, with --status (500) or --close")
	flags.Var(&opts.delay, "delay", "wait this `TIME` before answering")
	flags.IntVar(&opts.retryAfter, "retry-after", 0, "fail with Retry-After, in `SECONDS` (status 503)")
	flags.BoolVar(&opts.answer.Close, "close", false, "fail by closing the connection without an answer")
	flags.BoolVarP(&opts.verbose, "verbose", "v", false, "print headers too")
	flags.SortFlags = false
	return cmd
}

// listen serves until ctx ends.
func (a *app) listen(ctx context.Context, out *render.Printer, opts listenOptions) error {
	detail := render.Body
	if opts.verbose {
		detail = render.Headers
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	receiver := &listen.Receiver{
		Answer: opts.answer,
		Now:    a.env.Now,
		Received: func(request listen.Request) {
			if err := printRequest(out, request, detail); err != nil {
				fail(err)
			}
		},
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", opts.addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("address %s is in use: choose another one with --addr, or port 0 for any", opts.addr)
	case err != nil:
		return fmt.Errorf("listen: %w", err)
	}
	a.note("listening on http://%s (Ctrl-C ends it)", listener.Addr())
	if err := serveUntilDone(ctx, listener, receiver); err != nil {
		return err
	}
	counts := receiver.Counts()
	a.note("%s received, %d of them failed as told", render.Count(counts.Received, "request"), counts.Failed)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// serveUntilDone serves until ctx ends, and gives answers under way a moment.
func serveUntilDone(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ErrorLog: nil}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("listen: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), listenEnd)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return errors.Join(server.Close()) // who waits longer is cut off
	}
	return nil
}

// printRequest prints a request as it arrives.
func printRequest(out *render.Printer, request listen.Request, detail render.Detail) error {
	if out.Format == render.JSON {
		return printLine(out.Out, request)
	}
	answer := "no answer"
	if request.Status != 0 {
		answer = strconv.Itoa(request.Status)
	}
	about := listen.Describe(request.Body)
	if _, isTest := request.Headers[style.TestHeader]; isTest {
		about = strings.TrimSpace(about + " (test)")
	}
	return out.Received(render.Received{
		Time: request.Time, Method: request.Method, Path: request.Path,
		About: about, Answer: answer, OK: !request.Failed,
		Headers: request.Headers, Body: request.Body,
	}, detail)
}

func printLine(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
