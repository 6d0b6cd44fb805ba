package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/config"
	"github.com/dam-delivery/dz/pkg/listen"
	"github.com/dam-delivery/dz/pkg/render"
	"github.com/dam-delivery/dz/pkg/timespan"
)

const (
	// devEndpoint is the endpoint that --dev registers.
	devEndpoint = "shop"
	// devPause lies between two sample events.
	devPause = 700 * time.Millisecond
	// devInterval and devMaxWait are the debounce of --dev: short enough to
	// watch, long enough to see changes merge.
	devInterval = timespan.Span(2 * time.Second)
	devMaxWait  = timespan.Span(6 * time.Second)
)

// serveDev runs the whole of dz in a temporary folder: a DAM that appends sample
// events to a file, the daemon that tails it, and a receiver.
func (a *app) serveDev(ctx context.Context, opts serveOptions) (err error) {
	if a.config != "" {
		return usagef("--dev makes its own configuration: leave --config out, or --dev")
	}
	dir, err := os.MkdirTemp("", "dz-dev-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)

	receiver, url, err := a.devReceiver(ctx, stop)
	if err != nil {
		return err
	}
	c, err := devConfig(dir, a.socket)
	if err != nil {
		return err
	}
	spool := c.Sources[0].Path
	// The receiver is there before the first event is read, so that none of them
	// comes too early for it.
	prepare := func(ctx context.Context) error { return registerDevReceiver(ctx, c.Socket.Path, url) }
	ready := func() {
		a.devHint(c.Socket.Path)
		if opts.untilIdle {
			return // there is no more to come
		}
		go func() {
			if err := playSample(ctx, spool, a.env.Sample); err != nil && ctx.Err() == nil {
				stop(err)
			}
		}()
	}
	if opts.untilIdle {
		if err := os.WriteFile(spool, a.env.Sample, 0o600); err != nil {
			return fmt.Errorf("write sample events: %w", err)
		}
	}
	err = a.serve(ctx, c, opts, prepare, ready)
	counts := receiver.Counts()
	a.note("%s delivered; the temporary folder is removed", render.Count(counts.Received, "notification"))
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// devConfig is the default configuration of a user whose home is the folder, and
// who has set nothing.
func devConfig(dir, socket string) (config.Config, error) {
	c, err := config.Load(config.Options{
		Socket: socket, UID: os.Geteuid() | 1, Home: dir, Env: []string{"DZ_STORE_PATH=" + filepath.Join(dir, "dz.db")},
		ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
		Exists:   func(string) bool { return false },
	})
	if err != nil {
		return c, fmt.Errorf("make the configuration: %w", err)
	}
	if socket == "" {
		c.Socket.Path = filepath.Join(dir, "dz.sock")
	}
	c.Debouncing.Interval, c.Debouncing.MaxWait = devInterval, devMaxWait
	c.Log.Level = slog.LevelWarn
	c.Sources = []config.Source{{Name: "sample", Type: "file", Path: filepath.Join(dir, "events.ndjson")}}
	return c, nil
}

// devReceiver starts the receiver, which prints what it gets.
func (a *app) devReceiver(ctx context.Context, fail context.CancelCauseFunc) (*listen.Receiver, string, error) {
	out, err := a.printer()
	if err != nil {
		return nil, "", err
	}
	receiver := &listen.Receiver{
		Now: a.env.Now,
		Received: func(request listen.Request) {
			if err := printRequest(out, request, render.Line); err != nil {
				fail(err)
			}
		},
	}
	var network net.ListenConfig
	listener, err := network.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("start the built-in receiver: %w", err)
	}
	go func() {
		if err := serveUntilDone(ctx, listener, receiver); err != nil {
			fail(err)
		}
	}()
	return receiver, "http://" + listener.Addr().String() + "/hooks/dam", nil
}

// registerDevReceiver makes an endpoint of the built-in receiver.
func registerDevReceiver(ctx context.Context, socket, url string) error {
	client := &api.Client{Socket: socket}
	_, err := client.CreateEndpoint(ctx, api.EndpointCreate{Name: devEndpoint, EndpointUpdate: api.EndpointUpdate{
		URL:         api.Set(url),
		ChangeTypes: api.Set([]string{"AssetChanged", "MetafieldChanged"}),
		Description: api.Set("the receiver built into 'dz serve --dev'"),
	}})
	if err != nil {
		return fmt.Errorf("register the built-in receiver: %w", err)
	}
	return nil
}

// devHint prints commands that work as they stand in a second terminal.
func (a *app) devHint(socket string) {
	dz := invocation() + " --socket " + socket
	a.note(`dz is running with a temporary store, sample events and a receiver that prints
what is delivered to it. In a second terminal, in this folder, try:

  %[1]s status
  %[1]s endpoint list
  %[1]s event emit --type AssetMetadataUpdated --item 5000007 --base 107 --field title
  %[1]s trigger metadata --asset 107 --wait
  %[1]s explain asset/107
  %[1]s event tail --count 5
  %[1]s endpoint test %[2]s
  %[1]s endpoint add broken --url http://127.0.0.1:9/ --change-types AssetChanged --retry 1s
  %[1]s failures list --retrying

Ctrl-C ends it and removes everything.
`, dz, devEndpoint)
}

// invocation is how this program was started: "go run ." if it was built for one
// run only.
func invocation() string {
	path, err := os.Executable()
	if err != nil {
		return "dz"
	}
	if strings.Contains(path, string(filepath.Separator)+"go-build") {
		return "go run ."
	}
	return path
}

// playSample appends the sample events to the spool, one after the other, again
// and again, as a DAM does in which people work.
func playSample(ctx context.Context, spool string, sample []byte) (err error) {
	file, err := os.OpenFile(spool, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write sample events: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	ticker := time.NewTicker(devPause)
	defer ticker.Stop()
	for {
		for line := range bytes.Lines(sample) {
			if _, err := file.Write(line); err != nil {
				return fmt.Errorf("write sample events: %w", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	}
}
