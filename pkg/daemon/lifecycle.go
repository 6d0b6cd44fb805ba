package daemon

import (
	"errors"
	"net"
	"slices"
	"sync"
)

// watchers are those who wait for what becomes of debts.
type watchers struct {
	mu   sync.Mutex
	next int
	all  map[int]func(settlement)
}

// watch calls tell with every settlement until stop is called. tell must be
// quick and must not call back.
func (w *watchers) watch(tell func(settlement)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[int]func(settlement))
	}
	id := w.next
	w.next++
	w.all[id] = tell
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, id)
	}
}

func (w *watchers) tell(s settlement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, tell := range w.all {
		tell(s)
	}
}

// teardown is a stack of what must be undone. Each thing is registered the
// moment it exists; all are undone in reverse order, once.
type teardown struct {
	steps []func() error
}

func (t *teardown) add(step func() error) { t.steps = append(t.steps, step) }

func (t *teardown) run() error {
	var errs []error
	for _, step := range slices.Backward(t.steps) {
		errs = append(errs, step())
	}
	t.steps = nil
	return errors.Join(errs...)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
