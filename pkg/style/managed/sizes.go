package managed

import (
	"sync/atomic"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// Of the catalogue's data, what is held at a time while a request is made.
const (
	partSize  = 4 << 20 // bytes, as far as they can be foreseen
	firstPart = 32      // assets, while nothing is known of their size
)

// sizes remembers how large an endpoint's assets are, so that as many are read at a
// time as can be held. Its zero value knows nothing.
type sizes struct {
	mean atomic.Int64 // bytes an asset, of those seen of late
}

// part is how many assets to read, at least one.
func (s *sizes) part() int {
	mean := s.mean.Load()
	if mean == 0 {
		return firstPart
	}
	return int(max(1, partSize/mean))
}

// note takes what was read. The larger counts at once, the smaller by and by.
func (s *sizes) note(shown []catalogue.Answer) {
	var size int64
	for i := range shown {
		size += int64(len(shown[i].Asset.Data))
	}
	mean := max(1, size/int64(max(1, len(shown))))
	if before := s.mean.Load(); mean < before {
		mean = before - (before-mean)/4
	}
	s.mean.Store(mean)
}
