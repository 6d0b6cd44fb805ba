package managed

import (
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// maxCached bounds the endpoints whose settings are kept.
const maxCached = 10_000

// settingsCache keeps settings, as compiling takes longer than using them.
type settingsCache struct {
	mu   sync.Mutex
	byID map[uint64]cached
}

type cached struct {
	updated time.Time
	filter  string
	*settings
}

// of returns an endpoint's settings.
func (c *settingsCache) of(ep *endpoint.Endpoint) (*settings, error) {
	c.mu.Lock()
	known, ok := c.byID[ep.ID]
	c.mu.Unlock()
	if ok && known.updated.Equal(ep.Updated) && known.filter == ep.Subscription.Filter {
		return known.settings, nil
	}
	s, err := compile(ep)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= maxCached {
		c.byID = make(map[uint64]cached)
	}
	c.byID[ep.ID] = cached{ep.Updated, ep.Subscription.Filter, s}
	return s, nil
}
