package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// commandRow measures what a person waits for a command, of a daemon that has
// something to tell.
func (b *bench) commandRow(ctx context.Context) error {
	const endpoints, objects = 10, 10_000
	return b.serveNew(ctx, "command", usual, func(d *daemon) error {
		if err := b.owe(ctx, d, endpoints, objects); err != nil {
			return err
		}
		backlog := fmt.Sprintf(" of %d endpoints and %s debts", endpoints, number(endpoints*objects))
		for _, c := range []struct {
			what string
			args []string
		}{{"dz status" + backlog, []string{"status", "-o", "json"}}, {"dz version", []string{"version"}}} {
			args := slices.Concat(c.args, []string{"--socket", d.socket()})
			var times []float64
			for range b.sizes.calls {
				begun := time.Now()
				if _, err := b.command(ctx, args...); err != nil {
					return err
				}
				times = append(times, float64(time.Since(begun).Microseconds())/1000)
			}
			slices.Sort(times)
			b.report.add(measured("command", c.what+", median", quantile(times, 0.5), "ms").atMost(30).
				noted("max %s ms of %d", number(quantile(times, 1)), len(times)))
		}
		return nil
	})
}

// owe has each of so many endpoints be owed each of so many objects, for long.
func (b *bench) owe(ctx context.Context, d *daemon, endpoints, objects int) error {
	if err := newWriter().write(d.draft(), objects, objects); err != nil {
		return err
	}
	for i := range endpoints {
		if err := b.register(ctx, d, fmt.Sprintf("receiver-%d", i), never, 8); err != nil {
			return err
		}
	}
	begun, err := d.publish()
	if err != nil {
		return err
	}
	if _, err := d.waitIngested(ctx, objects, begun, time.Minute); err != nil {
		return err
	}
	status, err := d.client.Status(ctx)
	if want := uint64(endpoints * objects); err == nil && status.Debts.Waiting != want {
		b.report.wrong("command: %d debts of %d objects at %d endpoints, not %d", status.Debts.Waiting, objects, endpoints, want)
	}
	return err
}

// command runs dz and returns what it writes.
func (b *bench) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, b.opts.dz, args...) //nolint:gosec // it is the program to measure
	cmd.Stderr, cmd.Env = b.log, process.Environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("dz %s: %w", args[0], err)
	}
	return out, nil
}

// version asks dz what it is.
func (b *bench) version(ctx context.Context) (api.Version, error) {
	var v api.Version
	text, err := b.command(ctx, "version", "-o", "json")
	if err != nil {
		return v, err
	}
	err = json.Unmarshal(text, &v)
	return v, err
}
