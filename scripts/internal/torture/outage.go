package main

import (
	"context"
	"net/http"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/scripts/internal/process"
	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// outage has a receiver be down for many events about fewer objects, with kills
// meanwhile. There is one debt an object, and after the receiver is back all are
// delivered, each once but for what the kills explain.
func outage(ctx context.Context, r *rig) error {
	events, objects, kills := 300_000, uint64(30_000), 20
	if r.opts.short {
		events, objects, kills = 40_000, 4_000, 4
	}
	down := func(w http.ResponseWriter, _ *http.Request, _ func()) { w.WriteHeader(http.StatusServiceUnavailable) }
	return r.outageOf(ctx, events, objects, kills, down)
}

func (r *rig) outageOf(ctx context.Context, events int, objects uint64, kills int, down answer) error {
	random := chance(r.opts.seed, r.name, "kills")
	if _, err := r.start(ctx); err != nil {
		return err
	}
	m, err := r.register(ctx, "receiver", settings{wanted: asset, concurrency: 16})
	if err != nil {
		return err
	}
	m.inbox.set(down)
	begun := time.Now()
	for part := range kills + 1 {
		n := events * (part + 1) / (kills + 1)
		if err := r.spool.round(n-int(r.ledger.Written()), objects); err != nil {
			return err
		}
		if part == kills {
			break
		}
		if err := process.Pause(ctx, time.Duration(random.IntN(400))*time.Millisecond); err != nil {
			return err
		}
		if err := r.kill(ctx); err != nil {
			return err
		}
		if _, err := r.start(ctx); err != nil {
			return err
		}
	}
	var s api.Status
	err = r.until(ctx, 5*time.Minute, "everything is taken in", func(now api.Status) bool {
		s = now
		return s.Events.Ingested >= uint64(events)
	})
	if err != nil {
		return err
	}
	if owed := stateOf(s, m.name).Debts + stateOf(s, m.name).Failures; owed != objects {
		r.fault("%d debts after %d events about %d objects", owed, events, objects)
	}
	r.note("%d debts in a file of %.1f MB, %.1f s after the first of %d events, with %d kills between",
		stateOf(s, m.name).Debts, float64(s.Store.Size)/1e6, time.Since(begun).Seconds(), events, kills)
	return r.comeBack(ctx, m)
}

// comeBack lets the receiver answer, kills dz once more in the midst of it, and
// waits until all is delivered.
func (r *rig) comeBack(ctx context.Context, m *member) error {
	m.inbox.set(takeAtOnce)
	begun := time.Now()
	owed := r.ledger.Missing()
	err := process.Until(ctx, lookEvery, 2*time.Minute, "a third is delivered", func() (bool, error) {
		return r.ledger.Missing() < owed*2/3, nil
	})
	if err != nil {
		return err
	}
	if err := r.kill(ctx); err != nil {
		return err
	}
	start, err := r.start(ctx)
	if err != nil {
		return err
	}
	if err := r.settle(ctx, 5*time.Minute); err != nil {
		return err
	}
	r.note("all delivered %.1f s after it was back, with a kill between (then ready in %.2f s); peak RSS %d MiB",
		time.Since(begun).Seconds(), start.Seconds(), r.peak>>20)
	return nil
}

// round appends n events about assets, one after the other and again from the
// first.
func (s *spool) round(n int, objects uint64) error {
	const most = 2000
	for n > 0 {
		events := make([]ledger.Event, min(n, most))
		for i := range events {
			events[i].Key = ledger.Key{Type: asset, Item: (s.number.Load() + uint64(i)) % objects}
			events[i].Item++
		}
		if err := s.write(events); err != nil {
			return err
		}
		n -= len(events)
	}
	return nil
}
