package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// graceAndMargin is how long dz may take to end in order: the grace that it
// gives attempts under way, and a margin for a busy machine.
const graceAndMargin = 10*time.Second + 3*time.Second

// restart ends dz in order, again and again: under load, with a receiver that
// hangs, and for a time in which the file is rotated several times and compressed.
// A stop may repeat nothing, for every attempt that was answered is recorded.
func restart(ctx context.Context, r *rig) error {
	rounds, hangs, downtimes := 30, 2, 8
	if r.opts.short {
		rounds, hangs, downtimes = 8, 1, 2
	}
	r.spool.objects = 2000
	r.logLevel = "debug" // whatever dz may log, it does
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if _, err := registerFixed(ctx, r); err != nil {
		return err
	}
	if err := r.restartUnderLoad(ctx, rounds); err != nil {
		return err
	}
	for range hangs {
		if err := r.stopWhileReceiverHangs(ctx); err != nil {
			return err
		}
	}
	random := chance(r.opts.seed, r.name, "downtimes")
	rotations := 0
	for i := range downtimes {
		n := 2 + random.IntN(8)
		rotations += n
		if err := r.rotateDuringDowntime(ctx, n, i); err != nil {
			return err
		}
		if err := r.settle(ctx, time.Minute); err != nil {
			return err
		}
	}
	for _, list := range [][]string{{"endpoint", "list"}, {"endpoint", "show", "at-once"}} {
		for _, format := range []string{"table", "json"} {
			says, err := r.command(ctx, append(list, "-o", format)...)
			if err != nil {
				return err
			}
			r.findSecrets([]byte(says), strings.Join(list, " "))
		}
	}
	r.note("%d rotations during %d downtimes, some of them with compression", rotations, downtimes)
	return nil
}

// restartUnderLoad ends and starts dz while events come in.
func (r *rig) restartUnderLoad(ctx context.Context, rounds int) error {
	random := chance(r.opts.seed, r.name, "rounds")
	w := newWriter(r, 5*time.Millisecond, 20)
	var slowest time.Duration
	err := r.underLoad(ctx, w, nil, func(ctx context.Context) error {
		for range rounds {
			if err := process.Pause(ctx, time.Duration(random.IntN(300))*time.Millisecond); err != nil {
				return err
			}
			took, err := r.timedStop(ctx)
			if err != nil {
				return err
			}
			slowest = max(slowest, took)
			if _, err := r.start(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	r.note("%d restarts under load, the slowest stop took %v", rounds, slowest.Round(time.Millisecond))
	return errors.Join(err, r.settle(ctx, time.Minute))
}

// timedStop ends dz in order. One that takes too long is a fault.
func (r *rig) timedStop(ctx context.Context) (time.Duration, error) {
	r.remember()
	begun := time.Now()
	err := r.stop(ctx)
	took := time.Since(begun)
	if took > graceAndMargin {
		r.fault("a stop took %v", took)
	}
	return took, err
}

// stopWhileReceiverHangs ends dz while an endpoint gets no answers, and others
// do.
func (r *rig) stopWhileReceiverHangs(ctx context.Context) error {
	hanging, err := r.register(ctx, "hanging", settings{concurrency: 4, timeout: "10m"})
	if err != nil {
		return err
	}
	hanging.inbox.set(hang)
	if err := r.spool.burst(200); err != nil {
		return err
	}
	if err := r.spool.finish(); err != nil {
		return err
	}
	err = r.until(ctx, 30*time.Second, "four requests hang", func(s api.Status) bool {
		return stateOf(s, "hanging").InFlight == 4
	})
	if err != nil {
		return err
	}
	took, err := r.timedStop(ctx)
	if err != nil {
		return err
	}
	r.note("with four requests that hang a stop took %v", took.Round(time.Millisecond))
	hanging.inbox.set(takeAtOnce)
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx, time.Minute); err != nil {
		return err
	}
	return r.remove(ctx, hanging)
}

// remove forgets an endpoint, while nothing ends dz.
func (r *rig) remove(ctx context.Context, m *member) error {
	m.inbox.account.Changing(0)
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if _, err := r.api().RemoveEndpoint(ctx, m.name); err != nil {
		return err
	}
	m.inbox.account.Close()
	return nil
}

// rotateDuringDowntime writes and rotates while dz is not there, which was at
// some line of a file then. kind says how: whether rotated files are compressed,
// all but the last or all, and whether dz was stopped or killed.
func (r *rig) rotateDuringDowntime(ctx context.Context, rotations, kind int) error {
	const burst = 500
	if err := r.spool.burst(burst); err != nil {
		return err
	}
	if kind%2 == 0 {
		if _, err := r.timedStop(ctx); err != nil {
			return err
		}
	} else if err := r.kill(ctx); err != nil {
		return err
	}
	for range rotations {
		if err := r.spool.burst(burst); err != nil {
			return err
		}
		if err := r.spool.rotate(func() {}); err != nil {
			return err
		}
		if keep := kind % 3; keep < 2 {
			if err := r.spool.compress(keep); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(r.spool.burst(burst), r.spool.finish()); err != nil {
		return err
	}
	_, err := r.start(ctx)
	return err
}
