package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

const (
	// readyWithin is how long a daemon may take to answer before the run is
	// given up; far more than the goal.
	readyWithin = time.Minute
	// lookEvery is how often a daemon is asked how far it is.
	lookEvery = 20 * time.Millisecond
)

// site is a folder with what a daemon needs: its configuration, its store, and
// the file that it tails.
type site struct{ dir string }

func (s site) config() string { return filepath.Join(s.dir, "dz.yaml") }
func (s site) store() string  { return filepath.Join(s.dir, "dz.db") }
func (s site) socket() string { return filepath.Join(s.dir, "run", "dz.sock") }
func (s site) spool() string  { return filepath.Join(s.dir, "events.ndjson") }

// draft is where a file is written before it takes the spool's name.
func (s site) draft() string { return filepath.Join(s.dir, "draft", "events.ndjson") }

// usual is how many bytes of recent events dz keeps by default.
const usual = "256MiB"

// newSite makes a folder with a configuration of the defaults, save that it
// keeps that many bytes of recent events.
func (b *bench) newSite(recent string) (site, error) {
	dir, err := os.MkdirTemp(b.dir, "dz-")
	if err != nil {
		return site{}, err
	}
	s := site{dir}
	return s, s.configure(recent, "auto")
}

// configure writes the site's configuration; compacts is when a start compacts the
// store.
func (s site) configure(recent, compacts string) error {
	text := fmt.Sprintf("store: {path: %q, events: {max_size: %s}, compact: %s}\nsocket: {path: %q}\nlog: {level: warn}\n"+
		"sources: [{name: spool, type: file, path: %q}]\n", s.store(), recent, compacts, s.socket(), s.spool())
	return os.WriteFile(s.config(), []byte(text), 0o600)
}

// daemon is dz at work.
type daemon struct {
	*process.Process
	site
	client *api.Client
	ready  time.Duration // from its start until it answered
}

// serve starts dz at a site, and waits until it answers.
func (b *bench) serve(ctx context.Context, name string, s site) (*daemon, error) {
	begun := time.Now()
	p, err := process.Start(ctx, process.Launch{
		Program: b.opts.dz, Args: []string{"serve", "--config", s.config()}, Stdout: io.Discard, Log: b.log,
		Extra: b.profiled(name),
	})
	if err != nil {
		return nil, err
	}
	d := &daemon{Process: p, site: s, client: &api.Client{Socket: s.socket()}}
	err = process.Until(ctx, time.Millisecond, readyWithin, "dz answers", func() (bool, error) {
		if err := d.Alive(); err != nil {
			return false, err
		}
		_, err := d.client.Status(ctx)
		var failed *api.Error
		if errors.As(err, &failed) && failed.Code == api.CodeUnreachable {
			return false, nil
		}
		return err == nil, err
	})
	d.ready = time.Since(begun)
	if err != nil {
		return nil, errors.Join(err, d.Terminate())
	}
	return d, nil
}

// serveAt serves at a site until with ends. What is done there has a name, which
// profiles bear.
func (b *bench) serveAt(ctx context.Context, name string, s site, with func(*daemon) error) error {
	d, err := b.serve(ctx, name, s)
	if err != nil {
		return err
	}
	if err := errors.Join(with(d), d.Terminate()); err != nil {
		return err
	}
	return b.summarize(ctx, name)
}

// serveNew serves at a new site until with ends.
func (b *bench) serveNew(ctx context.Context, name, recent string, with func(*daemon) error) error {
	s, err := b.newSite(recent)
	if err != nil {
		return err
	}
	return errors.Join(b.serveAt(ctx, name, s, with), os.RemoveAll(s.dir))
}

// register makes the sink an endpoint.
func (b *bench) register(ctx context.Context, d *daemon, name, debounce string, concurrency int) error {
	create := api.EndpointCreate{Name: name, EndpointUpdate: api.EndpointUpdate{
		URL:         api.Set(b.sink.Hook),
		ChangeTypes: api.Set([]string{"AssetChanged"}),
		Debounce:    api.Set(debounce),
		Concurrency: api.Set(concurrency),
	}}
	if debounce != "0s" {
		create.MaxWait = api.Set(debounce)
	}
	if _, err := d.client.CreateEndpoint(ctx, create); err != nil {
		return fmt.Errorf("register endpoint: %w", err)
	}
	return nil
}

// publish puts the draft at the path that the daemon tails, all at once, and
// returns when it did.
func (d *daemon) publish() (time.Time, error) {
	begun := time.Now()
	return begun, os.Rename(d.draft(), d.spool())
}

// waitIngested waits until that many events are in the store, and returns how
// long it took since begun.
func (d *daemon) waitIngested(ctx context.Context, events int, begun time.Time, limit time.Duration) (time.Duration, error) {
	err := process.Until(ctx, lookEvery, limit, fmt.Sprintf("%d events are in the store", events), func() (bool, error) {
		status, err := d.client.Status(ctx)
		return status.Events.Ingested >= uint64(events), err
	})
	return time.Since(begun), err
}

// waitIdle waits until the daemon has nothing to do.
func (d *daemon) waitIdle(ctx context.Context) error {
	return process.Until(ctx, lookEvery, time.Minute, "dz is idle", func() (bool, error) {
		status, err := d.client.Status(ctx)
		return status.Idle, err
	})
}
