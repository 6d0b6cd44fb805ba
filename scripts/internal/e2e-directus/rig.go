package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

const (
	// endpointName is the receiver's in dz.
	endpointName = "shop"
	// settleWithin is how long a step may take to arrive. A DAM that refuses is asked
	// again after a minute.
	settleWithin = 90 * time.Second
	// quiet is how long no Flow has spoken when all of a step has been told: the
	// last word on a file that was replaced comes after the answer.
	quiet = 300 * time.Millisecond
)

// rig is everything that runs: Directus, the bridge, dz and the receiver.
type rig struct {
	opts   options
	dir    string
	stderr io.Writer
	ends   []func() error // in the order of the beginnings

	site     *site
	bridge   *bridge
	receiver *receiver
	dz       *process.Process
	client   *api.Client
}

// newRig starts everything. What has been started is ended by close, and if the
// start fails.
func newRig(ctx context.Context, opts options, program string, stderr io.Writer) (r *rig, err error) {
	dir, err := os.MkdirTemp("", "dz-e2e-")
	if err != nil {
		return nil, err
	}
	r = &rig{opts: opts, dir: dir, stderr: stderr, client: &api.Client{Socket: filepath.Join(dir, "s", "dz.sock")}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(), r.cleanUp(true))
		}
	}()
	server, err := startServer(ctx, program, filepath.Join(dir, "directus"))
	if err != nil {
		return r, err
	}
	r.ends = append(r.ends, server.close)
	at, err := r.build(ctx, directus{server.url, server.token})
	if err != nil {
		return r, err
	}
	err = r.startDz(ctx, at)
	return r, err
}

// build sets Directus up, starts what speaks to it, and returns the receiver's
// URL.
func (r *rig) build(ctx context.Context, admin directus) (string, error) {
	spool, err := os.OpenFile(filepath.Join(r.dir, "events.ndjson"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	r.ends = append(r.ends, spool.Close)
	r.bridge = newBridge(spool, rand.Text())
	at, err := r.listen(ctx, r.bridge)
	if err != nil {
		return "", err
	}
	if r.site, err = setUp(ctx, admin, at, r.bridge.secret); err != nil {
		return "", fmt.Errorf("set Directus up: %w", err)
	}
	r.receiver = newReceiver(r.site.reader)
	if err := r.configure(); err != nil {
		return "", err
	}
	return r.listen(ctx, r.receiver)
}

// listen serves on loopback, and returns the URL.
func (r *rig) listen(ctx context.Context, handler http.Handler) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	r.ends = append(r.ends, func() error {
		err := server.Close()
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	})
	return "http://" + listener.Addr().String() + "/", nil
}

// configure writes dz's configuration.
func (r *rig) configure() error {
	token := filepath.Join(r.dir, "token")
	if err := os.WriteFile(token, []byte(r.site.reader.token+"\n"), 0o600); err != nil {
		return err
	}
	level := "info"
	if r.opts.keep {
		level = "debug" // somebody will want to read it
	}
	text := fmt.Sprintf(`store: {path: %q}
socket: {path: %q}
log: {level: %s, format: text}
sources: [{name: directus, type: file, path: %q}]
catalogue: {type: rest, preset: directus, url: %q, auth: {token_file: %q}}
`, filepath.Join(r.dir, "store", "dz.db"), r.client.Socket, level, filepath.Join(r.dir, "events.ndjson"), r.site.admin.url, token)
	return os.WriteFile(filepath.Join(r.dir, "dz.yaml"), []byte(text), 0o600)
}

// startDz starts dz, and adds the endpoint.
func (r *rig) startDz(ctx context.Context, receiver string) error {
	log, err := os.Create(filepath.Join(r.dir, "dz.log"))
	if err != nil {
		return err
	}
	r.ends = append(r.ends, log.Close)
	r.dz, err = process.Start(context.WithoutCancel(ctx), process.Launch{
		Program: r.opts.dz, Args: []string{"serve", "--config", filepath.Join(r.dir, "dz.yaml")}, Log: log,
	})
	if err != nil {
		return err
	}
	r.ends = append(r.ends, r.dz.Terminate)
	err = process.Until(ctx, lookEvery, bootWithin, "dz answers", func() (bool, error) {
		_, err := r.status(ctx)
		return err == nil, r.dz.Alive()
	})
	if err != nil {
		return err
	}
	_, err = r.command(ctx, "endpoint", "add", endpointName, "--style", "managed", "--url", receiver,
		"--additional-fields", "Copyright", "--max-batch-size", fmt.Sprint(maxBatch),
		"--debounce", "300ms", "--max-wait", "2s", "--timeout", "20s", "--retry", strings.Repeat("1s,", 60)+"1s")
	return err
}

// command runs a command of dz, and returns what it has printed.
func (r *rig) command(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.opts.dz, append([]string{"--socket", r.client.Socket}, args...)...) //nolint:gosec // it is the program to test
	cmd.Env, cmd.WaitDelay = process.Environment(), process.EndWithin
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), fmt.Errorf("dz %s: %w", strings.Join(args[:min(2, len(args))], " "), err)
}

func (r *rig) status(ctx context.Context) (api.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	return r.client.Status(ctx)
}

// heard waits until Flows have told of everything that is expected, and of
// nothing more for a while.
func (r *rig) heard(ctx context.Context, expected []sighting, before map[sighting]int) error {
	last, since := uint64(0), time.Now()
	return process.Until(ctx, lookEvery, settleWithin, "Directus' Flow tells of every change", func() (bool, error) {
		told := r.bridge.state()
		if told.err != nil {
			return false, told.err
		}
		if told.written != last {
			last, since = told.written, time.Now()
		}
		for _, each := range expected {
			if told.seen[each] <= before[each] {
				return false, nil
			}
		}
		return time.Since(since) >= quiet, nil
	})
}

// settle waits until dz has taken in every event, and has nothing to do.
func (r *rig) settle(ctx context.Context) error {
	var last api.Status
	err := process.Until(ctx, lookEvery, settleWithin, "dz has delivered everything", func() (bool, error) {
		told := r.bridge.state()
		if err := errors.Join(told.err, r.dz.Alive()); err != nil {
			return false, err
		}
		var err error
		last, err = r.status(ctx)
		return err == nil && last.Idle && last.Events.Ingested >= told.written, err
	})
	if err != nil {
		return fmt.Errorf("%w: events %+v, debts %+v, endpoints %+v", err, last.Events, last.Debts, last.Endpoints)
	}
	return nil
}

// close ends what was started, the last first.
func (r *rig) close() error {
	var errs []error
	for _, end := range slices.Backward(r.ends) {
		errs = append(errs, end())
	}
	r.ends = nil
	return errors.Join(errs...)
}

// cleanUp removes the folder. Of a faulty run it shows what dz and Directus said
// last.
func (r *rig) cleanUp(faulty bool) error {
	const most = 4 << 10
	for _, name := range []string{"directus/log", "dz.log"} {
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if faulty && err == nil && len(text) > 0 {
			fmt.Fprintf(r.stderr, "%s:\n%s\n", name, text[max(0, len(text)-most):])
		}
	}
	if r.opts.keep {
		fmt.Fprintf(r.stderr, "kept %s\n", r.dir)
		return nil
	}
	return os.RemoveAll(r.dir)
}
