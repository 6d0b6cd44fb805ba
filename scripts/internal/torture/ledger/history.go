package ledger

import (
	"slices"
	"sync"
	"time"
)

// history knows when events were written, by key. It is not kept where nobody asks.
type history struct {
	mu     sync.Mutex
	kept   bool
	stamps map[Key][]stamp // in the order of their numbers
}

type stamp struct {
	number uint64
	at     time.Time
}

func (h *history) keep() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = true
}

func (h *history) add(events []Event, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.kept {
		return
	}
	if h.stamps == nil {
		h.stamps = make(map[Key][]stamp)
	}
	for _, e := range events {
		e.Reason = 0 // who waits for a debounce is not told it
		h.stamps[e.Key] = append(h.stamps[e.Key], stamp{e.Number, at})
	}
}

// firstAfter returns when the first event of a key behind a number was written; zero
// if that is not known.
func (h *history) firstAfter(key Key, number uint64) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	stamps := h.stamps[key]
	i, _ := slices.BinarySearchFunc(stamps, number+1, func(s stamp, n uint64) int {
		switch {
		case s.number < n:
			return -1
		case s.number > n:
			return 1
		}
		return 0
	})
	if i == len(stamps) {
		return time.Time{}
	}
	return stamps[i].at
}
