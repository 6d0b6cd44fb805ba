package daemon

import (
	"context"
	"time"
)

// A commit costs the same for few outcomes as for many. So while requests are
// under way that will end soon, outcomes wait for each other: until there are
// enoughToSettle, for gatherFor at the longest.
const (
	enoughToSettle = MaxUnsettled / 2 // as many may come while these are made durable
	gatherFor      = 4 * time.Millisecond
)

// handOver gives an attempt to the settler, which is to be roused then. The caller
// holds the lock.
func (l *lane) handOver(a *attempted) {
	l.outcomes = append(l.outcomes, a)
	l.urgent = l.urgent || a.slot
}

// handOverBeside gives an attempt to the settler that never had a slot of its own.
// The caller holds the lock.
func (l *lane) handOverBeside(ctx context.Context, a *attempted) {
	l.unsettled++
	l.handOver(a)
	l.rouse(ctx)
}

// rouse lets the settler see to what there is. The caller holds the lock.
func (l *lane) rouse(ctx context.Context) {
	switch {
	case len(l.outcomes) == 0:
	case !l.settling:
		l.settling = true
		go l.settle(ctx)
	case !l.mayGather():
		select {
		case l.hurry <- struct{}{}:
		default: // it has been told
		}
	}
}

// mayGather reports whether there are outcomes that can wait for others: no
// request waits for them, and others will follow. The caller holds the lock.
func (l *lane) mayGather() bool {
	return 0 < len(l.outcomes) && len(l.outcomes) < enoughToSettle && l.running > 0 && !l.urgent
}

// gather waits while outcomes may wait for others.
func (l *lane) gather() {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for {
		l.mu.Lock()
		wait := l.mayGather()
		l.mu.Unlock()
		if !wait {
			return
		}
		select {
		case <-timer.C:
			return
		case <-l.hurry:
		}
	}
}
