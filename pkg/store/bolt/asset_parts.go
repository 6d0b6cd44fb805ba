package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
)

// slabSize bounds how many bytes of data lie in one allocation: where one asset of
// several is kept, no more than that is kept with it.
const slabSize = 16 << 10

// slab is room for the data of assets that are read together. Most data is so small that
// an allocation of its own would take longer than to unpack it. A nil slab has none.
type slab struct {
	free   []byte // of no length
	assets int    // that are still to be read, at most
}

// unpack returns what was packed. What is large has an allocation of its own.
func (s *slab) unpack(c *chunkCoder, packed []byte) ([]byte, error) {
	if s == nil || len(packed) > slabSize/8 {
		return c.unpack(nil, packed)
	}
	if cap(s.free) < len(packed) {
		s.free = make([]byte, 0, min(slabSize, len(packed)*max(1, s.assets)))
	}
	data, err := c.unpack(s.free, packed)
	size := len(data)
	if err != nil || size == 0 {
		return nil, err
	}
	if &data[0] == &s.free[:1][0] { // there was room
		s.free = s.free[size:size]
	}
	return data[:size:size], nil
}

// Assets returns those that are known, in the order asked.
func (db *DB) Assets(ctx context.Context, ids []event.ID) ([]catalogue.Asset, error) {
	return db.AssetParts(ctx, catalogue.Whole, ids)
}

// AssetParts returns those that are known, with a part of their data, in the order
// asked.
func (db *DB) AssetParts(_ context.Context, part catalogue.Part, ids []event.ID) ([]catalogue.Asset, error) {
	found := make([]catalogue.Asset, 0, len(ids))
	err := db.view(func(tx *bbolt.Tx) error {
		assets, room := newFollower(tx.Bucket(bucketAssets)), new(slab)
		var key []byte
		for i, id := range ids {
			key = appendAssetKey(key[:0], id)
			record := assets.get(key)
			if record == nil {
				continue
			}
			room.assets = len(ids) - i
			a, err := db.chunks.readAssetInto(room, part, id, record)
			if err != nil {
				return err
			}
			found = append(found, a)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	return found, nil
}
