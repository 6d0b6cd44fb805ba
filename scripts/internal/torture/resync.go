package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/scripts/internal/process"
)

const (
	shopName        = "shop"
	shopBatch       = 50
	shopConcurrency = 8
)

// blow is a way to kill dz.
type blow struct {
	name  string
	point failpoint.Point // where it ends itself; "" if it is killed from outside
	most  int             // how often it comes to the point at most before it ends there
	held  bool            // a receiver has begun on a request, and not answered
	taken bool            // a receiver has answered a moment ago
}

func blows() []blow {
	return []blow{
		{name: "anytime"},
		{name: "delivery", held: true},
		{name: "settle", taken: true},
		{name: string(failpoint.PageOwed), point: failpoint.PageOwed, most: 6},
		{name: string(failpoint.Applied), point: failpoint.Applied, most: 40},
		{name: string(failpoint.Committed), point: failpoint.Committed, most: 40},
		{name: string(failpoint.Answered), point: failpoint.Answered, most: 60},
		{name: string(failpoint.Settled), point: failpoint.Settled, most: 20},
	}
}

// resyncing is the scenario resync under way.
type resyncing struct {
	*rig
	random *rand.Rand
	stock  *stock
	shop   *shop
	begun  int // synchronisations
	ended  int // of them, those that were stopped
	hits   map[string]int
}

// resync kills dz again and again while it synchronises a managed integration,
// fully or what has changed, one time after the other, and assets change and go, the
// integration fails now and then, and synchronisations are stopped.
// Then it compares three sets: what the DAM has, what the integration has, and what
// dz tracks.
func resync(ctx context.Context, r *rig) error {
	assets, rounds := uint64(10_000), 64
	if r.opts.short {
		assets, rounds = 2000, 16
	}
	s := &resyncing{
		rig: r, random: chance(r.opts.seed, r.name, "killer"), stock: newStock(r, assets), shop: newShop(r), hits: make(map[string]int),
	}
	r.receiver.serveShop(shopName, s.shop)
	if _, err := r.start(ctx); err != nil {
		return err
	}
	if err := s.stock.fill(); err != nil {
		return err
	}
	if err := r.settle(ctx, time.Minute); err != nil {
		return err
	}
	if err := s.register(ctx); err != nil {
		return err
	}
	if err := s.torture(ctx, rounds); err != nil {
		return err
	}
	if err := s.finish(ctx); err != nil {
		r.fault("it does not settle: %v", err)
	}
	s.describe()
	return nil
}

// register makes the shop an endpoint.
func (s *resyncing) register(ctx context.Context) error {
	create := api.EndpointCreate{Name: shopName, EndpointUpdate: api.EndpointUpdate{
		URL: api.Set(s.receiver.url(shopName, "")), Style: api.Set("managed"), Concurrency: api.Set(shopConcurrency),
		Debounce: api.Set("50ms"), MaxWait: api.Set("1s"), Retry: api.Set(defaultRetry), Timeout: api.Set("10s"),
		Options: map[string]any{"maxBatchSize": shopBatch, "guard": 0},
	}}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if _, err := s.api().CreateEndpoint(ctx, create); err != nil {
		return fmt.Errorf("register endpoint %s: %w", shopName, err)
	}
	return nil
}

// torture runs the rounds while assets change and one synchronisation follows
// another.
func (s *resyncing) torture(ctx context.Context, rounds int) error {
	working, rest := context.WithCancel(ctx)
	defer rest()
	return together(ctx,
		func(ctx context.Context) error {
			defer rest()
			begun := time.Now()
			for round := 0; round < rounds || time.Since(begun) < s.opts.duration; round++ {
				all := blows()
				if err := s.round(ctx, all[round%len(all)]); err != nil {
					return fmt.Errorf("round %d: %w", round+1, err)
				}
			}
			if err := s.killIfRunning(ctx); err != nil {
				return err
			}
			s.disarm()
			_, err := s.start(ctx)
			return err
		},
		func(context.Context) error { return s.stock.run(working) },
		func(context.Context) error { return s.again(working) },
	)
}

// again begins a synchronisation whenever there is none.
func (s *resyncing) again(ctx context.Context) error {
	random := chance(s.opts.seed, s.name, "orders")
	for process.Pause(ctx, 30*time.Millisecond) == nil {
		call, cancel := context.WithTimeout(ctx, callWithin)
		_, err := s.api().StartResync(call, shopName, api.ResyncOrder{Changed: random.IntN(4) == 0})
		cancel()
		if err == nil {
			s.begun++ // else one is running, or dz is not
			continue
		}
		if random.IntN(30) > 0 {
			continue
		}
		call, cancel = context.WithTimeout(ctx, callWithin)
		if _, err := s.api().StopResync(call, shopName); err == nil {
			s.ended++
		}
		cancel()
	}
	return nil
}

// round kills dz once, and starts it; or starts one that kills itself at a point.
func (s *resyncing) round(ctx context.Context, b blow) error {
	if b.point == "" {
		return s.killOutside(ctx, b)
	}
	if err := s.killIfRunning(ctx); err != nil {
		return err
	}
	s.arm(failpoint.Kill, b.point, 1+s.random.IntN(b.most))
	if err := s.launch(ctx); err != nil {
		return err
	}
	reached, err := s.atPoint(ctx, pointWithin)
	if err != nil {
		return err
	}
	if reached {
		s.hits[b.name]++
		s.shop.killed(s.ledger.LastEnd().At)
	}
	return nil
}

// killOutside lets dz work, and kills it from outside.
func (s *resyncing) killOutside(ctx context.Context, b blow) error {
	if err := s.killIfRunning(ctx); err != nil {
		return err
	}
	s.disarm()
	if _, err := s.start(ctx); err != nil {
		return err
	}
	if err := process.Pause(ctx, time.Duration(s.random.IntN(600))*time.Millisecond); err != nil {
		return err
	}
	if b.held || b.taken {
		if reached, err := s.reach(ctx, b); !reached {
			return err // the next round kills it
		}
	}
	s.hits[b.name]++
	return s.killIfRunning(ctx)
}

// reach waits until a request is where the blow is to fall, and reports whether one
// was.
func (s *resyncing) reach(ctx context.Context, b blow) (bool, error) {
	p := requestTaken
	if b.held {
		p = requestBegun
	}
	reached := s.receiver.arm(p)
	defer s.receiver.disarm(p)
	select {
	case <-reached:
		return true, nil
	case <-time.After(reachWithin):
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// killIfRunning kills a dz that has not ended by itself, and tells the shop.
func (s *resyncing) killIfRunning(ctx context.Context) error {
	if !s.running() {
		return nil
	}
	if err := s.kill(ctx); err != nil {
		return err
	}
	s.shop.killed(s.ledger.LastEnd().At)
	return nil
}
