package managed

import (
	"sync"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// maxCached bounds the endpoints whose settings are kept.
const maxCached = 10_000

// settingsCache keeps the settings of endpoints as they are stored, as compiling
// takes longer than using them. One with other settings that is not stored, as it is
// only tried, must not come near it: it may be refused.
type settingsCache struct {
	mu   sync.Mutex
	byID map[uint64]cached
}

type cached struct {
	updated time.Time
	*settings
}

// of returns a stored endpoint's settings.
func (c *settingsCache) of(ep *endpoint.Endpoint) (*settings, error) {
	c.mu.Lock()
	known, ok := c.byID[ep.ID]
	c.mu.Unlock()
	if ok && known.updated.Equal(ep.Updated) {
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
	c.byID[ep.ID] = cached{ep.Updated, s}
	return s, nil
}
