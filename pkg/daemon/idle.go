package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// idleEvery is how often --until-idle looks.
const idleEvery = 50 * time.Millisecond

// ErrFailuresRemain is returned by Run with UntilIdle when everything was tried
// and not everything was delivered.
var ErrFailuresRemain = errors.New("failures remain")

// finished reports whether --until-idle may end: nothing can be read, and
// nothing is owed that could be sent. It returns ErrFailuresRemain if something
// is owed all the same.
func (d *Daemon) finished(ctx context.Context) (bool, error) {
	for _, f := range d.allFeeds() {
		if text := f.fatal.Load(); text != nil {
			return true, fmt.Errorf("source %s has failed: %s", f.name, *text)
		}
	}
	status, err := d.status(ctx)
	if err != nil || !status.Idle {
		return false, err
	}
	counts := status.Debts
	if counts.Failed+counts.Held > 0 {
		return true, fmt.Errorf("%w: %d failed, %d held by endpoints that are disabled or gone: see 'dz failures list' and 'dz status'",
			ErrFailuresRemain, counts.Failed, counts.Held)
	}
	d.log.Info("idle: everything is delivered")
	return true, nil
}

// feedsSettled reports whether all that could be read is in the store, and a
// mark that differs if something came in between two calls.
func (d *Daemon) feedsSettled() (turns []uint64, ok bool) {
	for _, f := range d.allFeeds() {
		caughtUp, turn := f.settled()
		if !caughtUp {
			return nil, false
		}
		turns = append(turns, turn)
	}
	return turns, true
}
