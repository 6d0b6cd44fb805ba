package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/listen"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/signature"
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
	scriptFile string
	script     *listen.Script
	register   registerOptions
	verify     verifyOptions
	verbose    bool
}

func newListenCommand(a *app) *cobra.Command {
	opts := listenOptions{verify: verifyOptions{app: a, tolerance: timespan.Span(signature.Tolerance)}}
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive notifications, for trying things out",
		Long: `Receive notifications, for trying things out: prints each request and answers as
told, until it is interrupted. With -o json it prints an object a line, with
time, method, path, headers, body and verified.

It answers 200 unless something else is asked for; a request of style managed gets
an item for each of its assets, with a state that counts. A script holds an answer a line:

  200                    an HTTP status
  503 retry-after=30     with Retry-After, in seconds
  delay=2s 200           after a while
  close                  the connection is broken off
  200 body=@answer.json  with a body, from a file beside the script
  500 * 3                three times
  loop                   from the beginning; without it the last line repeats

With --register it adds itself as an endpoint, which is removed at its end. With
--secret or --gateway-secret it checks signatures, and says why one is wrong; the
endpoint that --register adds signs with the same secret.`,
		Example: `  dz listen
  dz listen --addr 127.0.0.1:0 -v
  dz listen --status 503 --retry-after 30
  dz listen --fail-every 3 --close
  dz listen --register --style gateway --change-types AssetChanged
  dz listen --register --script answers.txt
  dz listen --register --secret @secret.txt
  dz listen -o json | jq -r .body`,
		Args: exactly(),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			opts.answer.Delay = opts.delay.Std()
			if _, _, err := net.SplitHostPort(opts.addr); err != nil {
				return usagef("--addr: %q is no address: write HOST:PORT, such as 127.0.0.1:8089", opts.addr)
			}
			if cmd.Flags().Changed("fail-every") && opts.answer.FailEvery < 1 {
				return usagef("--fail-every: %d is no number of requests: write 1 or more", opts.answer.FailEvery)
			}
			if opts.retryAfter < 0 {
				return usagef("--retry-after: %d is negative", opts.retryAfter)
			}
			opts.answer.RetryAfter = time.Duration(opts.retryAfter) * time.Second
			if err := opts.answer.Validate(); err != nil {
				return usageError{err: err}
			}
			if err := opts.register.check(a); err != nil {
				return err
			}
			if err := opts.verify.checkListen(); err != nil {
				return err
			}
			return opts.readScript()
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
	flags.StringVar(&opts.scriptFile, "script", "", "answer as this `FILE` says, an answer a line")
	opts.verify.declareListen(cmd)
	flags.BoolVar(&opts.register.wanted, "register", false, "be an endpoint of the daemon's for as long as it runs")
	flags.StringVar(&opts.register.style, "style", "", "delivery `STYLE` of that endpoint: "+strings.Join(a.styles.Names(), ", ")+" (default "+endpoint.DefaultStyle+")")
	flags.StringSliceVar(&opts.register.changeTypes, "change-types", event.AllChanges.Names(), "`TYPES` of changes of that endpoint")
	flags.StringVar(&opts.register.debounce, "debounce", "", "quiet `TIME` of that endpoint")
	flags.BoolVarP(&opts.verbose, "verbose", "v", false, "print headers too")
	flags.SortFlags = false
	_ = cmd.MarkFlagFilename("script") // it is declared above
	complete(cmd, "style", a.styles.Names())
	completeList(cmd, "change-types", event.AllChanges.Names())
	return cmd
}

// readScript reads the script, if there is one.
func (o *listenOptions) readScript() error {
	if o.scriptFile == "" {
		return nil
	}
	if o.answer != (listen.Answer{}) {
		return usagef("--script says how requests are answered: leave --status, --fail-every, --delay, --retry-after and --close out")
	}
	file, err := os.Open(o.scriptFile)
	if err != nil {
		return usagef("--script: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	o.script, err = listen.ParseScript(o.scriptFile, file, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(o.scriptFile), name)
		}
		return os.ReadFile(name)
	})
	if err != nil {
		return usageError{err: err}
	}
	return nil
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
		Script: opts.script,
		Verify: opts.verify.receiver(),
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
	if err := a.serveRegistered(ctx, listener, receiver, opts); err != nil {
		return err
	}
	counts := receiver.Counts()
	a.note("%s received, %d of them failed as told", render.Count(counts.Received, "request"), counts.Failed)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// serveRegistered serves until ctx ends, and is an endpoint meanwhile if it is to
// be one. That ends first, so that nothing is sent to nobody.
func (a *app) serveRegistered(ctx context.Context, listener net.Listener, handler http.Handler, opts listenOptions) error {
	if !opts.register.wanted {
		return serveUntilDone(ctx, listener, handler)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- serveUntilDone(serving, listener, handler) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := a.register(ctx, listener.Addr(), opts)
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-served:
			served <- nil
		}
		cancel()
		r.remove(ctx)
	}
	stop()
	return errors.Join(err, <-served)
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
		About: about, Answer: answer, OK: !request.Failed, Verified: request.Verified, Problem: request.Problem,
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
