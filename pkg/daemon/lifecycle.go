package daemon

import (
	"errors"
	"net"
	"slices"
)

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
