package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// sayHeldEvery is how often it is said again at most that deletions are held, of the
// same mass of them.
const sayHeldEvery = time.Hour

// heldLog keeps what was last said of the deletions that endpoints hold, by id.
type heldLog struct {
	mu   sync.Mutex
	said map[uint64]heldSaid
}

type heldSaid struct {
	held uint64 // or as few as there have been since
	at   time.Time
}

// isDue reports whether to say that so many are held, some of them anew: they have
// doubled since it was said or since they were fewest, or it is long ago.
func (h *heldLog) isDue(endpointID, held, anew uint64, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.said[endpointID]
	last.held = min(last.held, held-min(held, anew))
	due := held >= 2*last.held || now.Sub(last.at) >= sayHeldEvery
	if due {
		last = heldSaid{held, now}
	}
	if h.said == nil {
		h.said = make(map[uint64]heldSaid)
	}
	h.said[endpointID] = last
	return due
}

// logHeld says that so many deletions were held that were not before.
func (d *Daemon) logHeld(ep *endpoint.Endpoint, anew uint64) {
	now := d.now()
	losses, err := d.store.Losses(context.Background(), ep.ID, now)
	if err != nil {
		d.log.Error("deletions are held, and can't be counted", "endpoint", ep.Name, "error", err)
		return
	}
	if !d.held.isDue(ep.ID, losses.Held, anew, now) {
		return
	}
	d.log.Warn("too many assets would be deleted at a time: deletions are held, everything else goes on",
		"endpoint", ep.Name, "held", losses.Held, "pending", losses.Pending, "deletedOfLate", losses.Recent,
		"tracked", losses.Tracked, "release", "dz endpoint release "+ep.Name)
}
