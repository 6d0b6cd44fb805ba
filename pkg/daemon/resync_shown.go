package daemon

import (
	"hash/maphash"

	"github.com/dam-delivery/dz/pkg/event"
)

// maxShown bounds how many assets a search remembers that the catalogue has shown,
// some 20 bytes each.
const maxShown = 250_000

// shownAssets are assets that the catalogue has shown in this search, and that the
// endpoint is to have: these are not gone, and need not be looked at for that. What
// there is no room for, and what was shown before a restart, is looked at once
// more; so is all that a catalogue has shown whose lists have an order, if anything may be
// gone: see search.known.
type shownAssets struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newShownAssets() shownAssets {
	return shownAssets{maphash.MakeSeed(), make(map[uint64]struct{})}
}

func (s *shownAssets) add(id event.ID) {
	if len(s.hashes) < maxShown {
		s.hashes[maphash.Comparable(s.seed, id)] = struct{}{}
	}
}

func (s *shownAssets) has(id event.ID) bool {
	_, ok := s.hashes[maphash.Comparable(s.seed, id)]
	return ok
}
