package daemon

import (
	"context"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// logHeld says that so many deletions were just held, if they are the first.
func (d *Daemon) logHeld(ep *endpoint.Endpoint, n uint64) {
	losses, err := d.store.Losses(context.Background(), ep.ID, d.now())
	if err != nil {
		d.log.Error("deletions are held, and can't be counted", "endpoint", ep.Name, "error", err)
		return
	}
	if losses.Held > n {
		return // there were some before
	}
	d.log.Warn("too many assets would be deleted at a time: deletions are held, everything else goes on",
		"endpoint", ep.Name, "held", losses.Held, "pending", losses.Pending, "deletedOfLate", losses.Recent,
		"tracked", losses.Tracked, "release", "dz endpoint release "+ep.Name)
}
