package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// endpoints10k registers ten thousand endpoints, and has a few changes told to
// all of them, with a kill and a stop between.
func endpoints10k(ctx context.Context, r *rig) error {
	r.mostMemory = 1 << 30 // each has connections of its own
	endpoints := 10_000
	if r.opts.short {
		endpoints = 1_000
	}
	if _, err := r.start(ctx); err != nil {
		return err
	}
	begun := time.Now()
	if err := r.registerMany(ctx, endpoints); err != nil {
		return err
	}
	registered := time.Since(begun)
	atRest, err := r.process().Memory()
	if err != nil {
		return err
	}
	if err := r.spool.round(2, 1000); err != nil {
		return err
	}
	if err := r.settle(ctx, 5*time.Minute); err != nil {
		return err
	}
	if err := r.spool.round(2, 1000); err != nil {
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
	asked := time.Now()
	if _, err := r.status(ctx); err != nil {
		return err
	}
	r.note("%d endpoints registered in %.1f s, ready after a kill in %.2f s, status in %v, RSS %d MiB at rest, %d MiB while all are told at once",
		endpoints, registered.Seconds(), start.Seconds(), time.Since(asked).Round(time.Millisecond), atRest.Now>>20, r.peak>>20)
	return nil
}

// registerMany adds endpoints, several at a time.
func (r *rig) registerMany(ctx context.Context, n int) error {
	const abreast = 16
	names := make(chan string)
	errs := make(chan error, abreast)
	var group sync.WaitGroup
	for range abreast {
		group.Go(func() {
			var failed error
			for name := range names {
				if failed != nil {
					continue // so that whoever hands out names comes to an end
				}
				m, err := r.register(ctx, name, settings{wanted: asset, concurrency: 2})
				if err != nil {
					failed = err
					continue
				}
				m.inbox.set(takeAtOnce)
			}
			errs <- failed
		})
	}
	for i := range n {
		names <- fmt.Sprintf("e%05d", i)
	}
	close(names)
	group.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}
