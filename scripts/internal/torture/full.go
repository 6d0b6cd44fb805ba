package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// full lets the store run full, against its own limit and against the end of
// the disk, and finds it read-only. Ingest pauses and says so, deliveries go on,
// also over a kill, and after there is room nothing has been lost.
func full(ctx context.Context, r *rig) error {
	events, more := 80_000, 20_000
	if r.opts.short {
		events, more = 32_000, 8_000
	}
	limit := fmt.Sprintf("store: {path: %q, max_size: 6MiB, events: {max_size: 0}}\n", r.store())
	if err := r.runFull(ctx, limit, events, "store.max_size", func() error { return nil }); err != nil {
		return fmt.Errorf("store.max_size: %w", err)
	}
	if os.Geteuid() != 0 {
		r.note("no full and no read-only disk: mounting one needs root")
		return nil
	}
	if err := r.runFullDisk(ctx, more); err != nil {
		return fmt.Errorf("full disk: %w", err)
	}
	return nil
}

// runFull fills a store with what is owed to a receiver that is down, while
// another one works, makes room, and waits until all is delivered.
func (r *rig) runFull(ctx context.Context, config string, events int, says string, makeRoom func() error) error {
	r.extra = config
	if _, err := r.start(ctx); err != nil {
		return err
	}
	working, err := r.register(ctx, "working-"+says[:4], settings{wanted: asset, concurrency: 16})
	if err != nil {
		return err
	}
	working.inbox.set(takeAtOnce)
	down, err := r.register(ctx, "down-"+says[:4], settings{wanted: asset, concurrency: 16})
	if err != nil {
		return err
	}
	down.inbox.set(status(http.StatusServiceUnavailable))
	if err := r.spool.round(events, 1<<40); err != nil {
		return err
	}
	if err := r.untilFull(ctx, says, working.name); err != nil {
		return err
	}
	if err := r.kill(ctx); err != nil {
		return err
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if err := r.untilFull(ctx, says, working.name); err != nil {
		return err
	}
	s, err := r.status(ctx)
	if err != nil {
		return err
	}
	r.note("%s: full with %d of %d events in %.1f MB: %s", says, s.Events.Ingested, r.ledger.Written(), float64(s.Store.Size)/1e6, s.Store.Error)
	if err := makeRoom(); err != nil {
		return err
	}
	down.inbox.set(takeAtOnce)
	if err := r.settle(ctx, 3*time.Minute); err != nil {
		return err
	}
	if err := r.remove(ctx, working); err != nil {
		return err
	}
	if err := r.remove(ctx, down); err != nil {
		return err
	}
	return r.stop(ctx)
}

// untilFull waits until the store is full and says why, and the working receiver
// has got everything that is in it.
func (r *rig) untilFull(ctx context.Context, says, working string) error {
	return r.until(ctx, time.Minute, "the store is full, and what is in it is delivered", func(s api.Status) bool {
		return strings.Contains(s.Store.Error, says) && stateOf(s, working).Debts == 0
	})
}

// runFullDisk does the same on a disk of its own with a new store, which reads
// the file from its beginning, and mounts it read-only in the end.
func (r *rig) runFullDisk(ctx context.Context, events int) (err error) {
	disk := filepath.Join(r.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return err
	}
	if err := mount(ctx, "-t", "tmpfs", "-o", "size=48m,mode=0700", "none", disk); err != nil {
		r.note("no full and no read-only disk: %v", err)
		return nil
	}
	defer func() {
		err = errors.Join(err, r.ensureStopped(ctx), command(context.WithoutCancel(ctx), "umount", disk))
	}()
	config := fmt.Sprintf("store: {path: %q, events: {max_size: 0}}\n", filepath.Join(disk, "dz.db"))
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 18<<20), 0o600); err != nil {
		return err
	}
	err = r.runFull(ctx, config, events, "disk", func() error { return os.Remove(ballast) })
	if err != nil {
		return err
	}
	return r.runReadOnly(ctx, disk)
}

// runReadOnly starts dz on a disk that is read-only: it must say so, and end. On
// one that is not any more it goes on.
func (r *rig) runReadOnly(ctx context.Context, disk string) error {
	if err := r.spool.round(100, 1<<40); err != nil {
		return err
	}
	if err := mount(ctx, "-o", "remount,ro", disk); err != nil {
		return err
	}
	if err := r.launch(ctx); err != nil {
		return err
	}
	ended := r.process().Ended()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		r.fault("dz does not end on a read-only disk")
		if err := r.kill(ctx); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(r.log.Name())
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := lines[len(lines)-1]
	if !strings.Contains(last, "read-only") || strings.Contains(string(text), "goroutine ") {
		r.fault("on a read-only disk dz says %q", last)
	}
	r.note("read-only disk: %s", last)
	if err := mount(ctx, "-o", "remount,rw", disk); err != nil {
		return err
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx, time.Minute); err != nil {
		return err
	}
	return r.stop(ctx)
}

// ensureStopped ends dz if it still runs, so that its disk can be taken away.
func (r *rig) ensureStopped(ctx context.Context) error {
	if !r.running() {
		return nil
	}
	return r.stop(context.WithoutCancel(ctx))
}

func mount(ctx context.Context, args ...string) error { return command(ctx, "mount", args...) }

func command(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, process.EndWithin)
	defer cancel()
	text, err := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // mount and umount, of a folder made here
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(text)))
	}
	return nil
}
