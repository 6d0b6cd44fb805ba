package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/store"
)

// temporaryGrace is how long a temporary endpoint stays that nobody watches: a
// receiver that goes has time to come back, also over a restart of the daemon.
const temporaryGrace = time.Minute

// temporary keeps who watches endpoints. Watching is what keeps a temporary one:
// a receiver that was killed watches no more, whatever it had meant to do at its
// end, and what is kept in memory alone can't be left over.
type temporary struct {
	mu    sync.Mutex
	holds map[uint64]int       // watchers of an endpoint
	let   map[uint64]time.Time // when the last one went
}

// hold keeps endpoints until release is called.
func (t *temporary) hold(ids []uint64, now func() time.Time) (release func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds == nil {
		t.holds, t.let = make(map[uint64]int), make(map[uint64]time.Time)
	}
	for _, id := range ids {
		t.holds[id]++
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, id := range ids {
			if t.holds[id]--; t.holds[id] == 0 {
				delete(t.holds, id)
				t.let[id] = now()
			}
		}
	}
}

// abandoned reports whether nobody has watched an endpoint for as long as it is
// given, which is at least from a time on.
func (t *temporary) abandoned(id uint64, from, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if let, ok := t.let[id]; ok && let.After(from) {
		from = let
	}
	return t.holds[id] == 0 && now.Sub(from) >= temporaryGrace
}

// forget forgets the endpoints that there are no more.
func (t *temporary) forget(isThere func(id uint64) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.let {
		if !isThere(id) {
			delete(t.let, id)
		}
	}
}

// removeTemporary removes the temporary endpoints that nobody watches any more.
func (d *Daemon) removeTemporary(ctx context.Context) {
	now := d.now()
	for _, l := range d.registry.all() {
		ep := &l.settings.Load().ep
		from := d.started
		if ep.Created.After(from) {
			from = ep.Created
		}
		if !ep.Temporary || !d.temporary.abandoned(ep.ID, from, now) {
			continue
		}
		_, err := d.registry.remove(ctx, ep.Name)
		if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
			d.log.Error("can't remove a temporary endpoint; trying again in a minute", "endpoint", ep.Name, "error", err)
		}
	}
	d.temporary.forget(func(id uint64) bool { return d.registry.lane(id) != nil })
}
