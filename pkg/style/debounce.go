package style

import (
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// Debouncer is a style whose endpoints have a quiet window of its own where they
// set none, in place of the daemon's. The ceiling stays the daemon's.
type Debouncer interface {
	Debounce() time.Duration
}

// Window returns the debounce of an endpoint of the style that sets none, where
// defaults is the daemon's.
func Window(st Style, defaults endpoint.Window) endpoint.Window {
	if own, ok := st.(Debouncer); ok {
		defaults.Interval = own.Debounce()
	}
	return defaults
}
