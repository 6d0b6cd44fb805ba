package rest

import (
	"context"
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// maxHold is how long a call waits because the DAM wants to be left alone. What
// goes beyond is its caller's to wait for.
const maxHold = 30 * time.Second

// hold keeps all requests back while the DAM wants to be left alone.
type hold struct {
	mu    sync.Mutex
	until time.Time
}

func (h *hold) extend(until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until.After(h.until) {
		h.until = until
	}
}

// wait returns when requests may be made; with a ReadError if that is too long
// to wait for.
func (h *hold) wait(ctx context.Context, now func() time.Time) error {
	for {
		h.mu.Lock()
		left := h.until.Sub(now())
		h.mu.Unlock()
		switch {
		case left <= 0:
			return ctx.Err()
		case left > maxRetryAfter: // the clock was set back
			h.mu.Lock()
			h.until = time.Time{}
			h.mu.Unlock()
		case left > maxHold:
			return &catalogue.ReadError{Kind: catalogue.ErrNotNow, After: left, Text: "the DAM wants to be left alone for " + left.Round(time.Second).String()}
		default:
			if err := sleep(ctx, left); err != nil {
				return err
			}
		}
	}
}

// sleep waits, but not beyond the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
