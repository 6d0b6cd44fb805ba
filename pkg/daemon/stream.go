package daemon

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// pump tells what a backlog holds, line by line, until ctx ends or tell fails.
// Where there is nothing for api.Heartbeat, it tells an empty line, so that who
// reads can tell silence from the daemon's end.
func pump[T any](ctx context.Context, b *backlog[T], tell func(api.Line[T]) error) error {
	beat := time.NewTimer(api.Heartbeat)
	defer beat.Stop()
	for {
		items, lost := b.take()
		if lost > 0 {
			if err := tell(api.Line[T]{Lost: lost}); err != nil {
				return err
			}
		}
		for i := range items {
			if err := tell(api.Line[T]{Item: &items[i].item}); err != nil {
				return err
			}
		}
		beat.Reset(api.Heartbeat)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-b.more:
		case <-beat.C:
			if err := tell(api.Line[T]{}); err != nil {
				return err
			}
		}
	}
}
