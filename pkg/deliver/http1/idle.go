package http1

import (
	"slices"
	"time"
)

// take returns the connection that was used last, nil if there is none: the ones
// that are not needed then grow old.
func (h *Host) take() *conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.idle) - 1
	if last < 0 {
		return nil
	}
	c := h.idle[last]
	h.idle[last] = nil
	h.idle = h.idle[:last]
	return c
}

// put keeps a connection for the next exchange.
func (h *Host) put(c *conn) {
	if !h.keep(c) {
		c.close()
	}
}

func (h *Host) keep(c *conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.idle) >= h.settings.MaxIdle {
		return false
	}
	c.since = time.Now()
	h.idle = append(h.idle, c)
	if h.expiry == nil {
		h.expiry = time.AfterFunc(h.settings.IdleTimeout, h.expire)
	}
	return true
}

// expire closes the connections that have been idle for too long.
func (h *Host) expire() {
	for _, c := range h.expired() {
		c.close()
	}
}

func (h *Host) expired() []*conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(h.idle) && now.Sub(h.idle[n].since) >= h.settings.IdleTimeout {
		n++
	}
	old := h.idle[:n:n]
	h.idle = slices.Clone(h.idle[n:]) // what is closed is not kept behind it
	if len(h.idle) == 0 || h.closed {
		h.expiry = nil
		return old
	}
	h.expiry = time.AfterFunc(h.settings.IdleTimeout-now.Sub(h.idle[0].since), h.expire)
	return old
}

// Close closes the idle connections, and the others after their exchange. The
// host may be used afterwards; it keeps no connection then.
func (h *Host) Close() {
	h.mu.Lock()
	idle := h.idle
	h.idle, h.closed = nil, true
	if h.expiry != nil {
		h.expiry.Stop()
	}
	h.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}
