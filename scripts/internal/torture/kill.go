package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// phase is what dz is at when it is killed, as far as can be known from outside.
type phase string

// The phases.
const (
	anytime  phase = "anytime"  // at a random moment
	ingest   phase = "ingest"   // right after events were written
	commit   phase = "commit"   // the store has committed a moment ago, or is about to
	delivery phase = "delivery" // a receiver has begun on a request, and not answered
	settling phase = "settle"   // a receiver has answered a moment ago
	changing phase = "change"   // a call that changes endpoints is under way
	rotation phase = "rotation" // the file was renamed, or emptied, a moment ago
	starting phase = "start"    // it has just been started
)

func phases() []phase {
	return []phase{anytime, ingest, commit, delivery, settling, changing, rotation, starting}
}

// reachWithin is how long a phase is waited for.
const reachWithin = 2 * time.Second

// killing is the scenario kill under way.
type killing struct {
	*rig
	random  *rand.Rand
	writer  *writer
	changer *changer
	person  *person
	steady  []*member // endpoints that are there all the time
	hits    map[phase]int
	deck    []phase // what is still to be dealt
	halts   halts
	comparison
}

// halts are how often the killing stops for a moment, in rounds.
type halts struct {
	tidy     int // to empty the file
	patience int // for dz to live longer: what it never makes durable comes to light
	compare  int // one time of so many, to compare what is owed: else only the last change of a thing would count
}

// patience is how long dz lives then. It is far longer than answers take to become
// durable.
const patience = 2*ledger.DurableWithin + time.Second

// kill kills dz again and again while events are written, files rotated, endpoints
// changed, and failures and replays seen to, lets everything settle, and reconciles.
func kill(ctx context.Context, r *rig) error {
	rounds, halts := 300, halts{tidy: 20, patience: 50, compare: 12}
	if r.opts.short {
		rounds, halts.patience, halts.compare = 32, 16, 10
	}
	r.spool.objects, r.spool.reasons = 3000, true
	if _, err := r.start(ctx); err != nil {
		return err
	}
	fixed, err := registerFixed(ctx, r)
	if err != nil {
		return err
	}
	flaky, mend, err := r.registerFlaky(ctx)
	if err != nil {
		return err
	}
	sites, err := r.registerGroup(ctx, "sites", 2, settings{concurrency: 4, wanted: asset, pings: "what pings are signed with"})
	if err != nil {
		return err
	}
	k := &killing{
		rig: r, random: chance(r.opts.seed, r.name, "killer"), hits: make(map[phase]int), halts: halts,
		steady: slices.Concat(flaky, fixed, sites.members),
		writer: newWriter(r, 5*time.Millisecond, 20), changer: newChanger(r, 150*time.Millisecond, fixed),
	}
	k.changer.group = sites
	if k.person, err = newPerson(ctx, r, &k.changer.calm); err != nil {
		return err
	}
	k.steady = append(k.steady, k.person.picky, k.person.again)
	if err := k.torture(ctx, rounds); err != nil {
		return err
	}
	mend()
	if err := k.person.finish(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx, 2*time.Minute); err != nil {
		r.fault("it does not settle: %v", err)
	}
	k.describe()
	return nil
}

// registerFixed adds the endpoints that stay.
func registerFixed(ctx context.Context, r *rig) ([]*member, error) {
	var fixed []*member
	for _, e := range []struct {
		name string
		settings
	}{
		{"at-once", settings{concurrency: 8, secret: "the key to it"}},
		{"one-by-one", settings{concurrency: 1, wanted: asset, debounce: "200ms", maxWait: "500ms"}},
		{"debounced", settings{concurrency: 4, debounce: "500ms", maxWait: "2s"}},
		{"no-assets", settings{concurrency: 3, wanted: everything &^ asset}},
	} {
		m, err := r.register(ctx, e.name, e.settings)
		if err != nil {
			return nil, err
		}
		fixed = append(fixed, m)
	}
	return fixed, nil
}

// torture runs the rounds beside a writer, a changer and a person, who end after it.
func (k *killing) torture(ctx context.Context, rounds int) error {
	return k.underLoad(ctx, k.writer, k.changer, func(ctx context.Context) error {
		begun := time.Now()
		for round := 1; round <= rounds || time.Since(begun) < k.opts.duration; round++ {
			if err := k.round(ctx, round); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
			if round%50 == 0 {
				k.tell("%d rounds, %d events", round, k.ledger.Written())
			}
		}
		return nil
	}, k.person.run)
}

// deal returns the phase of the next round: each comes once before one comes again,
// in an order by chance.
func (k *killing) deal() phase {
	if len(k.deck) == 0 {
		k.deck = phases()
		k.random.Shuffle(len(k.deck), func(i, j int) { k.deck[i], k.deck[j] = k.deck[j], k.deck[i] })
	}
	dealt := k.deck[0]
	k.deck = k.deck[1:]
	return dealt
}

// round lets dz work, kills it in a phase, and starts it.
func (k *killing) round(ctx context.Context, round int) error {
	wanted := k.deal()
	work := time.Duration(k.random.IntN(200)) * time.Millisecond
	delay := time.Duration(k.random.IntN(3000)) * time.Microsecond
	turn := k.random.IntN(1000)
	if round%k.halts.tidy == 0 {
		if err := k.catchUpAndTidy(ctx); err != nil {
			return err
		}
	}
	if k.dealComparison() {
		if err := k.compareMidway(ctx); err != nil {
			return err
		}
	}
	if round%k.halts.patience == k.halts.patience/2 {
		work = patience
	}
	if err := process.Pause(ctx, work); err != nil {
		return err
	}
	if wanted == starting {
		return k.killAtStart(ctx, time.Duration(turn)*60*time.Microsecond)
	}
	reached, err := k.reach(ctx, wanted, turn)
	if err != nil {
		return err
	}
	if reached != delivery && turn%2 == 0 {
		if err := process.Pause(ctx, delay); err != nil {
			return err
		}
	}
	k.hits[reached]++
	if err := k.kill(ctx); err != nil {
		return err
	}
	_, err = k.start(ctx)
	return err
}

// killAtStart kills dz, starts it, and kills it again shortly after.
func (k *killing) killAtStart(ctx context.Context, after time.Duration) error {
	k.hits[anytime]++
	if err := k.kill(ctx); err != nil {
		return err
	}
	if err := k.launch(ctx); err != nil {
		return err
	}
	if err := process.Pause(ctx, after); err != nil {
		return err
	}
	k.hits[starting]++
	if err := k.kill(ctx); err != nil {
		return err
	}
	_, err := k.start(ctx)
	return err
}

// reach waits until dz is in a phase, and returns the one it is in: anytime if
// the wanted one did not come.
func (k *killing) reach(ctx context.Context, wanted phase, turn int) (phase, error) {
	var reached <-chan struct{}
	switch wanted {
	case ingest:
		reached = k.writer.wrote
	case commit:
		return k.reachCommit(ctx, 1+turn%8)
	case delivery:
		reached = k.receiver.arm(requestBegun)
		defer k.receiver.disarm(requestBegun)
	case settling:
		reached = k.receiver.arm(requestTaken)
		defer k.receiver.disarm(requestTaken)
	case changing:
		begun := make(chan struct{})
		select {
		case k.changer.ask <- begun:
		case <-time.After(reachWithin):
			return anytime, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		reached = begun
	case rotation:
		return k.reachRotation(ctx, turn)
	case anytime, starting:
		return anytime, nil
	}
	select {
	case <-reached:
		return wanted, nil
	case <-time.After(reachWithin):
		return anytime, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// reachRotation has the file rotated, and returns at one of the steps of it, or
// a while after.
func (k *killing) reachRotation(ctx context.Context, turn int) (phase, error) {
	step := make(chan struct{}, 2) // a rotation has two
	ended := make(chan struct{})
	rotate := func() error {
		defer close(ended)
		return k.spool.rotate(func() { step <- struct{}{} })
	}
	select {
	case k.writer.ask <- rotate:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	wait := time.Duration(0)
	for range turn % 4 {
		select {
		case <-step:
		case <-ended:
		}
	}
	if turn%4 == 3 {
		wait = time.Duration(turn) * 300 * time.Microsecond
	}
	return rotation, process.Pause(ctx, wait)
}

// catchUpAndTidy lets dz read everything, empties the file by copytruncate, and
// removes old files. Half the time dz is killed in the middle of it.
func (k *killing) catchUpAndTidy(ctx context.Context) error {
	done := make(chan error, 1)
	step := make(chan struct{}, 2)
	truncate := func() error {
		err := k.untilRead(ctx)
		if err == nil {
			err = k.spool.copyTruncate(func() { step <- struct{}{} })
		}
		if err == nil {
			err = k.spool.tidy(2)
		}
		done <- err
		return err
	}
	select {
	case k.writer.ask <- truncate:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if k.random.IntN(2) == 0 {
		return <-done
	}
	select {
	case <-step:
	case err := <-done:
		return err
	}
	k.hits[rotation]++
	if err := k.kill(ctx); err != nil {
		return err
	}
	if err := <-done; err != nil {
		return err
	}
	_, err := k.start(ctx)
	return err
}

// untilRead waits until everything written is in the store. The writer waits
// meanwhile.
func (k *killing) untilRead(ctx context.Context) error {
	if err := k.spool.finish(); err != nil {
		return err
	}
	return process.Until(ctx, lookEvery, time.Minute, "dz has read everything", func() (bool, error) {
		s, err := k.status(ctx)
		return err == nil && s.Events.Ingested >= k.ledger.Written(), err
	})
}

// reachCommit waits until the store has committed n times: every commit ends
// with a write to one of the file's first two pages.
func (k *killing) reachCommit(ctx context.Context, n int) (phase, error) {
	file, err := os.Open(k.store())
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	before, now := make([]byte, 8<<10), make([]byte, 8<<10)
	for begun := time.Now(); time.Since(begun) < reachWithin; {
		if _, err := file.ReadAt(now, 0); err != nil {
			return "", err
		}
		if !bytes.Equal(before, now) {
			copy(before, now)
			if n--; n < 0 {
				return commit, nil
			}
		}
		if err := process.Pause(ctx, 50*time.Microsecond); err != nil {
			return "", err
		}
	}
	return anytime, nil
}

// describe notes what was hit.
func (k *killing) describe() {
	var parts []string
	for _, p := range phases() {
		parts = append(parts, fmt.Sprintf("%s %d", p, k.hits[p]))
	}
	k.note("kills by phase: %s", strings.Join(parts, ", "))
	k.describeComparison()
	k.person.describe()
	k.note("%d changes of endpoints, %d of them cut off; %d rotations; peak RSS %d MiB", k.changer.changes, k.changer.doubts,
		k.spool.turns, k.peak>>20)
	missing := slices.DeleteFunc(phases(), func(p phase) bool { return k.hits[p] > 0 })
	if len(missing) > 0 {
		k.fault("no kill in the phases %v", missing)
	}
}
