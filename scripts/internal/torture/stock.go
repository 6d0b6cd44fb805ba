package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// stock is what a DAM has: assets that come, change and go. It writes that as events
// with the asset as it is, whose version rises with each.
type stock struct {
	spool  *spool
	random *rand.Rand
	size   uint64 // ids are 1 to size

	mu       sync.Mutex
	versions map[uint64]uint64 // of all assets that there ever were
	there    map[uint64]uint64
	number   uint64
}

func newStock(r *rig, size uint64) *stock {
	return &stock{
		spool: r.spool, random: chance(r.opts.seed, r.name, "stock"), size: size,
		versions: make(map[uint64]uint64), there: make(map[uint64]uint64),
	}
}

// fill brings all assets in.
func (s *stock) fill() error {
	const page = 1000
	for first := uint64(1); first <= s.size; first += page {
		ids := make([]uint64, 0, page)
		for id := first; id < first+page && id <= s.size; id++ {
			ids = append(ids, id)
		}
		if err := s.write(ids, func(uint64) bool { return false }); err != nil {
			return err
		}
	}
	return nil
}

// write writes an event of each asset, and puts it into the books when it is
// written.
func (s *stock) write(ids []uint64, deletes func(uint64) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text []byte
	events := make([]ledger.Event, len(ids))
	for i, id := range ids {
		s.number++
		events[i] = ledger.Event{Key: ledger.Key{Type: asset, Item: id}, Number: s.number}
		_, there := s.there[id]
		text = s.line(text, id, there && deletes(id), there)
	}
	return s.spool.ledger.Write(events, func() error { return s.spool.put(text) })
}

// line writes the line of an event. The caller holds the lock.
func (s *stock) line(buf []byte, id uint64, deletes, there bool) []byte {
	s.versions[id]++
	version := s.versions[id]
	s.there[id] = version
	event, snapshot := "AssetMetadataUpdated", fmt.Sprintf(`,"asset":{"assetId":%d,"title":"number %d","version":%d}`, id, id, version)
	switch {
	case deletes:
		event, snapshot = "AssetDeleted", ""
		delete(s.there, id)
	case !there:
		event = "AssetCreated"
	}
	return fmt.Appendf(buf, `{"specversion":"1.0","id":"t-%d","source":"/dam/torture","type":%q,"data":{"itemId":%d,"baseId":%d%s}}`+"\n",
		s.number, event, id, id, snapshot)
}

// run lets assets change, go and come back, until ctx ends.
func (s *stock) run(ctx context.Context) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		seen := make(map[uint64]bool)
		var ids []uint64
		for range 1 + s.random.IntN(10) {
			id := s.random.Uint64N(s.size) + 1
			if s.random.IntN(4) == 0 {
				id = s.random.Uint64N(hot) + 1
			}
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		if err := s.write(ids, func(uint64) bool { return s.random.IntN(6) == 0 }); err != nil {
			return err
		}
	}
}

// wanted returns the versions of the assets that there are.
func (s *stock) wanted() map[uint64]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.there)
}
