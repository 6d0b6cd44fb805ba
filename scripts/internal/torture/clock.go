package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// goesOnWithin is how long anything may take, whatever the clock was set to. It
// is far beyond all debounces and retries here, and far below an hour: what takes
// longer waits for a time that does not come.
const goesOnWithin = 2 * time.Minute

// jump is a setting of the clock.
type jump struct {
	to   time.Duration // what it is off then
	down bool          // dz does not run meanwhile
}

func (j jump) String() string {
	if j.down {
		return fmt.Sprintf("to %v during a downtime", j.to)
	}
	return fmt.Sprintf("to %v", j.to)
}

// jumping is the scenario clock under way.
type jumping struct {
	*rig
	random  *rand.Rand
	writer  *writer
	members []*member
	file    string // that says how far the clock is off
	probes  uint64
	slowest time.Duration
	at      jump // when it was so
}

// clock sets dz's clock an hour forth and back, under load and during downtimes,
// with debounces running, retries waiting, and receivers that have asked to be
// left alone. Nothing is lost, and nothing waits for an hour to pass.
func clock(ctx context.Context, r *rig) error {
	r.spool.objects = 1000
	r.program = r.opts.hooked
	j := &jumping{
		rig: r, random: chance(r.opts.seed, r.name, "jumps"),
		writer: newWriter(r, 10*time.Millisecond, 10), file: filepath.Join(r.dir, "clock"),
	}
	r.variables = []string{failpoint.ClockVariable + "=" + j.file}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	for _, name := range []string{atOnce, debounced, failing, leftAlone, limited} {
		s := settings{concurrency: 4}
		switch name {
		case debounced:
			s.debounce, s.maxWait = "500ms", "2s"
		case limited:
			s.rate = 1000
		}
		m, err := r.register(ctx, name, s)
		if err != nil {
			return err
		}
		m.inbox.account.AllowDebounce(0) // an hour forth ends any
		m.inbox.set(takeAtOnce)
		j.members = append(j.members, m)
	}
	jumps := j.plan()
	err := r.underLoad(ctx, j.writer, nil, func(ctx context.Context) error {
		for _, next := range jumps {
			if err := j.set(ctx, next); err != nil {
				return fmt.Errorf("the clock set %v: %w", next, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.note("the clock was set %d times; what was owed then, and what came then, was told within %v at the longest (%v)",
		len(jumps), j.slowest.Round(time.Millisecond), j.at)
	return r.settle(ctx, goesOnWithin)
}

// The endpoints of the scenario.
const (
	atOnce    = "at-once"
	debounced = "debounced"
	failing   = "failing"    // at every jump
	leftAlone = "left-alone" // at every jump it asks for that
	limited   = "limited"    // to a rate that the load is close to
)

// plan returns every kind of jump, and in the long form more of them by chance.
func (j *jumping) plan() []jump {
	plan := []jump{
		{time.Hour, false}, {0, false}, {-time.Hour, false}, {time.Hour, true}, {-time.Hour, true}, {0, true},
	}
	if j.opts.short {
		return plan
	}
	for range 30 {
		to := time.Duration(j.random.IntN(3)-1) * time.Hour
		if before := plan[len(plan)-1].to; to == before {
			to -= time.Duration(1+j.random.IntN(7200)) * time.Second
		}
		plan = append(plan, jump{to, j.random.IntN(2) == 0})
	}
	return plan
}

// set sets the clock while debts wait for everything they can wait for, and
// waits until they, and what comes next, are delivered.
func (j *jumping) set(ctx context.Context, next jump) error {
	for _, m := range j.members {
		switch m.name {
		case failing:
			m.inbox.set(status(http.StatusInternalServerError))
		case leftAlone:
			m.inbox.set(tooManyForASecond)
		}
	}
	before, err := j.probe(ctx)
	if err != nil {
		return err
	}
	if err := process.Pause(ctx, time.Duration(200+j.random.IntN(400))*time.Millisecond); err != nil {
		return err
	}
	if err := j.turn(ctx, next); err != nil {
		return err
	}
	begun := time.Now()
	for _, m := range j.members {
		m.inbox.set(takeAtOnce)
	}
	after, err := j.probe(ctx)
	if err != nil {
		return err
	}
	for _, m := range j.members {
		err := process.Until(ctx, lookEvery, goesOnWithin, "endpoint "+m.name+" is told", func() (bool, error) {
			return m.inbox.account.Got(before) && m.inbox.account.Got(after), nil
		})
		if err != nil {
			return err
		}
		if took := time.Since(begun); took > j.slowest {
			j.slowest, j.at = took, next
		}
	}
	return nil
}

// turn turns the hands. A dz that is to be down meanwhile is killed or stopped.
func (j *jumping) turn(ctx context.Context, next jump) error {
	if next.down {
		end := j.stop
		if j.random.IntN(2) == 0 {
			end = j.kill
		}
		if err := end(ctx); err != nil {
			return err
		}
	}
	// dz may read it at any time.
	if err := os.WriteFile(j.file+".new", []byte(next.to.String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(j.file+".new", j.file); err != nil {
		return err
	}
	if !next.down {
		return nil
	}
	_, err := j.start(ctx)
	return err
}

// probe writes changes of objects that nothing else is written about, and
// returns them.
func (j *jumping) probe(ctx context.Context) ([]ledger.Event, error) {
	const first = 1 << 40
	events := make([]ledger.Event, 20)
	for i := range events {
		j.probes++
		events[i].Key = ledger.Key{Type: asset, Item: first + j.probes}
	}
	written := make(chan error, 1)
	write := func() error {
		err := j.spool.write(events)
		written <- err
		return err
	}
	select {
	case j.writer.ask <- write:
		return events, <-written
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// tooManyForASecond asks to be left alone for a second.
func tooManyForASecond(w http.ResponseWriter, _ *http.Request, _ func()) {
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusTooManyRequests)
}
