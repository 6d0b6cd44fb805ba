package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/dam-delivery/dz/scripts/internal/process"
)

// commandRun is a command of dz under way.
type commandRun struct {
	*process.Process

	says *bytes.Buffer // complete once it has ended
}

// beginCommand starts a command of dz, of the rig's configuration.
func (r *rig) beginCommand(ctx context.Context, args ...string) (*commandRun, error) {
	config, err := r.configure()
	if err != nil {
		return nil, err
	}
	c := &commandRun{says: &bytes.Buffer{}}
	c.Process, err = process.Start(ctx, process.Launch{
		Program: r.program, Args: append([]string{"--config", config}, args...), Log: c.says, Extra: r.variables,
	})
	return c, err
}

// command runs a command of dz to its end, and returns what it says.
func (r *rig) command(ctx context.Context, args ...string) (string, error) {
	c, err := r.beginCommand(ctx, args...)
	if err != nil {
		return "", err
	}
	if err := c.Wait(); err != nil {
		return c.says.String(), fmt.Errorf("%q: %w: %s", args, err, c.says)
	}
	return c.says.String(), nil
}

// checkStore has dz check a store or a backup that is not in use. Anything that
// is not sound is a fault.
func (r *rig) checkStore(ctx context.Context, path, when string) {
	if _, err := r.command(ctx, "store", "check", path); err != nil {
		r.fault("%s: %v", when, err)
	}
}
