package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// arm has every dz that is started from now on end or stop at a point, when it
// comes to it for the n-th time.
func (r *rig) arm(action failpoint.Action, point failpoint.Point, n int) {
	r.program = r.opts.hooked
	r.variables = []string{failpoint.Variable + "=" + failpoint.Arm(action, point, n)}
}

func (r *rig) disarm() { r.variables = nil }

// atPoint waits until dz has ended or stands still at the armed point, and
// reports whether it has come to it. One that has ended is noted.
func (r *rig) atPoint(ctx context.Context, limit time.Duration) (bool, error) {
	p := r.process()
	end := ledger.End{Killed: true, At: time.Now()}
	for begun := time.Now(); time.Since(begun) < limit; {
		select {
		case <-p.Ended():
			return true, r.endedAtPoint(ctx, end)
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
		if p.StandsStill() {
			return true, nil
		}
		if at := time.Now(); p.Running() {
			end.At, end.Open = at, r.receiver.underWay()
		}
	}
	return false, nil
}

// endedAtPoint notes that dz has killed itself, and how it was shortly before.
func (r *rig) endedAtPoint(ctx context.Context, end ledger.End) error {
	p := r.process()
	if by := p.EndedBy(); by != syscall.SIGKILL {
		return fmt.Errorf("dz should have been killed, and ended otherwise: %w", p.Wait())
	}
	if err := r.receiver.drain(ctx); err != nil {
		return err
	}
	r.ledger.Ended(end)
	return nil
}

// wake lets a dz go on that stands still.
func (r *rig) wake() error { return r.process().Signal(syscall.SIGCONT) }

// killIfRunning ends a dz that has not ended by itself.
func (r *rig) killIfRunning(ctx context.Context) error {
	if !r.running() {
		return nil
	}
	return r.kill(ctx)
}
