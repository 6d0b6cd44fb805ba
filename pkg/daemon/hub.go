package daemon

import (
	"sync"
	"sync/atomic"
)

// hub tells what happens to those who watch at the time. Its zero value is
// ready.
type hub[T any] struct {
	watchers atomic.Int64 // as many as in all, to be read without the lock

	mu   sync.Mutex
	next int
	all  map[int]func(T)
}

// watch calls tell with everything that happens until stop is called. tell is
// called by whoever makes it happen: it must be quick and must not call back.
func (h *hub[T]) watch(tell func(T)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[int]func(T))
	}
	id := h.next
	h.next++
	h.all[id] = tell
	h.watchers.Store(int64(len(h.all)))
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.all, id)
		h.watchers.Store(int64(len(h.all)))
	}
}

// watched reports whether anybody watches. Where nobody does, nothing need be
// made to be told.
func (h *hub[T]) watched() bool { return h.watchers.Load() > 0 }

// tell tells everybody who watches.
func (h *hub[T]) tell(happened T) {
	if !h.watched() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, tell := range h.all {
		tell(happened)
	}
}
