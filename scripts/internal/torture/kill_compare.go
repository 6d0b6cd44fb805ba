package main

import (
	"context"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

// comparison is what compares, between two kills, what endpoints are owed with what
// they got. At the end alone, only the last change of a thing would count.
type comparison struct {
	in       int // which of the next rounds compares; 0: that is to be dealt
	rounds   int // until it is dealt anew
	halted   int // how often the endpoints were waited for
	compared int // endpoints
	took     time.Duration
}

const (
	// settleFor is how long the endpoints are waited for that are owed something.
	// Those that fail, or get one request at a time, may take longer.
	settleFor = 2 * time.Second
	// firstSettleFor is the same until one endpoint was compared: on a busy machine,
	// too, there is to be something to compare.
	firstSettleFor = time.Minute
)

// dealComparison reports whether the next round begins with a comparison: one of every
// so many does, by chance.
func (k *killing) dealComparison() bool {
	if k.rounds == 0 {
		k.rounds, k.in = k.halts.compare, k.random.IntN(k.halts.compare)
	}
	k.rounds--
	return k.rounds == k.in
}

// compareMidway has the writer and the changer wait, lets dz deliver for a while, and
// holds it to account for the endpoints that it takes to be owed nothing any more.
func (k *killing) compareMidway(ctx context.Context) error {
	begun := time.Now()
	k.changer.calm.Lock()
	defer k.changer.calm.Unlock()
	done := make(chan error, 1)
	compare := func() error {
		err := k.untilRead(ctx)
		if err == nil {
			err = k.changer.enable(ctx, k.steady)
		}
		if err == nil {
			err = k.compareSettled(ctx)
		}
		done <- err
		return err
	}
	select {
	case k.writer.ask <- compare:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := <-done
	k.halted++
	k.took += time.Since(begun)
	return err
}

// compareSettled compares each of the steady endpoints as soon as dz owes it nothing.
// Nothing is written meanwhile.
func (k *killing) compareSettled(ctx context.Context) error {
	waiting, begun := k.steady, time.Now()
	err := process.Until(ctx, lookEvery, firstSettleFor, "an endpoint is owed nothing", func() (bool, error) {
		s, err := k.status(ctx)
		if err != nil {
			return false, err
		}
		var settled []*member
		settled, waiting = settledOf(s, waiting)
		k.compare(s, settled)
		return len(waiting) == 0 || (k.compared > 0 && time.Since(begun) > settleFor), nil
	})
	if errors.Is(err, process.ErrNotSo) {
		return nil // that is told in the end
	}
	return err
}

// compare holds dz to account for endpoints that it owes nothing but its failures.
func (k *killing) compare(s api.Status, settled []*member) {
	for _, m := range settled {
		failures := int(stateOf(s, m.name).Failures)
		if missing := m.inbox.account.Missing(); missing > failures {
			k.counts.Lost += missing - failures
			k.fault("endpoint %s: dz owes it nothing but %d failures, and %d objects were not delivered", m.name, failures, missing)
		}
		if k.person != nil && m == k.person.picky {
			k.person.checkRetried()
		}
	}
	k.compared += len(settled)
}

// settledOf tells the endpoints that dz owes nothing, but for failures, from the others.
func settledOf(s api.Status, members []*member) (settled, others []*member) {
	for _, m := range members {
		if e := stateOf(s, m.name); e.Name != "" && e.Debts == 0 {
			settled = append(settled, m)
		} else {
			others = append(others, m)
		}
	}
	return settled, others
}

// describeComparison notes what was compared. That nothing was is a fault: all that the
// kills made dz forget, but for the last change of a thing, would go unseen.
func (k *killing) describeComparison() {
	k.note("%d times an endpoint that dz owed nothing was compared between the kills, in %d halts of %.1f s", k.compared, k.halted,
		k.took.Seconds()/float64(max(1, k.halted)))
	if k.compared == 0 {
		k.fault("no endpoint was compared between the kills")
	}
}
