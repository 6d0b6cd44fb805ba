package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// sickFactor and sickMargin bound how much longer a healthy endpoint may wait
// beside sick ones. They are loose: a slow machine is no fault of dz.
const (
	sickFactor = 20
	sickMargin = 500 * time.Millisecond
)

// sick30 measures how long after its event a request to a healthy endpoint
// begins, with 100 endpoints of which 30 are sick in several ways, beside the
// same without sick ones.
func sick30(ctx context.Context, r *rig) error {
	const endpoints, sick = 100, 30
	lasts := 20 * time.Second
	if r.opts.short {
		lasts = 6 * time.Second
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	watch := &stopwatch{written: make(map[uint64]time.Time), watched: endpoints - sick}
	var members []*member
	for i := range endpoints {
		m, err := r.register(ctx, fmt.Sprintf("e%02d", i), settings{wanted: asset, concurrency: 4, timeout: "2s"})
		if err != nil {
			return err
		}
		m.inbox.set(takeAtOnce)
		if i >= sick {
			m.inbox.observe(watch.arrived)
		}
		members = append(members, m)
	}
	well, err := watch.measure(ctx, r, lasts)
	if err != nil {
		return err
	}
	for i, m := range members[:sick] {
		m.inbox.set([]answer{
			status(http.StatusInternalServerError), hang, status(http.StatusServiceUnavailable), closeAtOnce, slowDrip,
		}[i%5])
	}
	beside, err := watch.measure(ctx, r, lasts)
	if err != nil {
		return err
	}
	for _, m := range members[:sick] {
		m.inbox.set(takeAtOnce)
	}
	r.note("event → request of %d healthy endpoints: p50 %v, p99 %v; beside %d sick ones: p50 %v, p99 %v (%d and %d requests)",
		endpoints-sick, quantile(well, 0.5), quantile(well, 0.99), sick, quantile(beside, 0.5), quantile(beside, 0.99),
		len(well), len(beside))
	if p99 := quantile(beside, 0.99); p99 > sickFactor*quantile(well, 0.99)+sickMargin {
		r.fault("beside sick endpoints the healthy ones' p99 grew from %v to %v", quantile(well, 0.99), p99)
	}
	return r.settle(ctx, 2*time.Minute)
}

// stopwatch knows when each event was written, and how long its requests took to
// begin.
type stopwatch struct {
	mu      sync.Mutex
	written map[uint64]time.Time
	watched int // endpoints that are to be told of every event
	delays  []time.Duration
}

func (w *stopwatch) arrived(n ledger.Notification, _ string) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, ok := w.written[n.Number]; ok {
		w.delays = append(w.delays, now.Sub(at))
	}
}

// allWithin is how long requests may be late: those that are too late to be counted
// are a fault of their own.
const allWithin = 30 * time.Second

// measure writes ten events a second about ever new objects, and returns the
// delays of their requests, all of them, sorted.
func (w *stopwatch) measure(ctx context.Context, r *rig, lasts time.Duration) ([]time.Duration, error) {
	wanted := 0
	for begun := time.Now(); time.Since(begun) < lasts; wanted += w.watched {
		w.mu.Lock()
		w.written[r.spool.number.Load()+1] = time.Now()
		w.mu.Unlock()
		if err := r.spool.round(1, 1<<40); err != nil {
			return nil, err
		}
		if err := process.Pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	err := process.Until(ctx, lookEvery, allWithin, "every request has come", func() (bool, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.delays) >= wanted, nil
	})
	if ctx.Err() != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delays := w.delays
	if len(delays) != wanted {
		r.fault("%d requests of healthy endpoints came within %v, not %d", len(delays), allWithin, wanted)
	}
	w.delays = nil
	slices.Sort(delays)
	return delays, nil
}

// quantile returns the value that a share of all is not above.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	at := min(int(share*float64(len(sorted))), len(sorted)-1)
	return sorted[at].Round(10 * time.Microsecond)
}
