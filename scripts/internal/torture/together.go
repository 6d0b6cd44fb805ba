package main

import (
	"context"
	"sync"
)

// together runs functions side by side until all have returned. The first error
// ends the context of the others, and comes back.
func together(ctx context.Context, functions ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var once sync.Once
	var first error
	for _, function := range functions {
		group.Go(func() {
			if err := function(ctx); err != nil {
				once.Do(func() { first = err; cancel(err) })
			}
		})
	}
	group.Wait()
	return first
}
