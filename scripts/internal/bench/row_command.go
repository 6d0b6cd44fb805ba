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

// commandRow measures what a person waits for a command.
func (b *bench) commandRow(ctx context.Context) error {
	return b.serveNew(ctx, "command", usual, func(d *daemon) error {
		for _, args := range [][]string{{"status", "-o", "json"}, {"version"}} {
			args = append(args, "--socket", d.socket())
			var times []float64
			for range b.sizes.calls {
				begun := time.Now()
				if _, err := b.command(ctx, args...); err != nil {
					return err
				}
				times = append(times, float64(time.Since(begun).Microseconds())/1000)
			}
			slices.Sort(times)
			b.report.add(measured("command", "dz "+args[0]+", median", quantile(times, 0.5), "ms").atMost(30).
				noted("max %s ms of %d", number(quantile(times, 1)), len(times)))
		}
		return nil
	})
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
