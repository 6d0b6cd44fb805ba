package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
)

// An asset's record is
//
//	version(1) flags(1) changed(foreign time) item id, then the data as packed
//
// and ends after the item id if there is no data. Packed data is
//
//	form(1) and JSON text, compressed if the form says so
//
// or, of data that has much metadata, which most endpoints are not shown,
//
//	form(1) size at, then the outline behind its length, and what lay at that byte
//	in it (catalogue.Split), both as packed
//
// where size is that of the data.
const (
	assetVersion = 1
	assetDeleted = 1 // flag

	packedPlain      = 0
	packedCompressed = 1
	packedSplit      = 2
	// minPacked is the size from which compressing one snapshot by itself is
	// worth a try, in bytes.
	minPacked = 256
	// minSplit is the size from which metadata is worth to be packed by itself, in
	// bytes.
	minSplit = 512
)

// maxData is how long an asset's data is at most, in bytes.
const maxData = event.MaxLineLength

// maxAssetPage bounds a page of assets: after so many bytes of data it ends.
const maxAssetPage = 4 << 20

// maxRoom bounds for how many assets there is room made at once in a page.
const maxRoom = 1000

// roomFor is for how many assets room is made in a page of up to limit.
func roomFor(limit int) int { return max(1, min(limit, maxRoom)) }

// assetKey sorts ids: integers from 0 on by size, then all others by their
// JSON text. An id is at most 512 bytes long.
func assetKey(id event.ID) []byte {
	return appendAssetKey(make([]byte, 0, 2+len(id.JSON())), id)
}

func appendAssetKey(buf []byte, id event.ID) []byte {
	text := id.JSON()
	return append(binary.BigEndian.AppendUint16(buf, keyLength(text)), text...)
}

// keyLength is what the key of an id begins with.
func keyLength(text string) uint16 {
	if text == "" || text[0] == '-' || text[0] == '"' {
		return math.MaxUint16
	}
	return uint16(len(text))
}

// splitAssetKey is the reverse of assetKey.
func splitAssetKey(k []byte) (event.ID, error) {
	if len(k) < 2 {
		return event.ID{}, damaged("an asset has a key of %d bytes", len(k))
	}
	id, canonical := event.CanonicalID(string(k[2:]))
	if !canonical {
		if err := id.UnmarshalJSON(bytes.Clone(k[2:])); err != nil {
			return id, damaged("an asset's key: %w", err)
		}
	}
	if text := id.JSON(); string(k[2:]) != text || binary.BigEndian.Uint16(k) != keyLength(text) {
		return id, damaged("the key of asset %s is not its own", id)
	}
	return id, nil
}

// packedAsset is an asset whose data is packed, with its key. Merging needs to
// know only whether there is any data.
type packedAsset struct {
	catalogue.Asset
	key []byte
}

// packAssets packs assets in the order of their keys, those of one asset in the
// order given: outside of the transaction, as compressing takes its time.
func (db *DB) packAssets(assets []catalogue.Asset) []packedAsset {
	if len(assets) == 0 {
		return nil
	}
	packed := make([]packedAsset, len(assets))
	for i, a := range assets {
		a.Data = db.packData(a.Data)
		packed[i] = packedAsset{a, assetKey(a.ID)}
	}
	slices.SortStableFunc(packed, func(a, b packedAsset) int { return bytes.Compare(a.key, b.key) })
	return packed
}

// packData packs the data of an asset.
func (db *DB) packData(data json.RawMessage) []byte {
	outline, inside, at := catalogue.Split(data)
	if len(inside) < minSplit || len(data) > maxData {
		return db.pack(data)
	}
	first, second := db.pack(outline), db.pack(inside)
	packed := append(make([]byte, 0, 16+len(first)+len(second)), packedSplit)
	packed = binary.AppendUvarint(packed, uint64(len(data)))
	packed = binary.AppendUvarint(packed, uint64(at))
	packed = binary.AppendUvarint(packed, uint64(len(first)))
	return append(append(packed, first...), second...)
}

func (db *DB) pack(data json.RawMessage) []byte {
	if len(data) == 0 {
		return nil
	}
	if len(data) >= minPacked {
		packed := append(make([]byte, 0, len(data)), packedCompressed)
		if packed = db.chunks.packer.EncodeAll(data, packed); len(packed) < len(data) {
			return packed
		}
	}
	return append(append(make([]byte, 0, 1+len(data)), packedPlain), data...)
}

// unpackData returns a part of an asset's data, at least; it shares no memory with
// packed, and lies in a slab if there is one for it.
func (c *chunkCoder) unpackData(room *slab, part catalogue.Part, packed []byte) (json.RawMessage, error) {
	switch {
	case len(packed) == 0, part == catalogue.Bare:
		return nil, nil
	case packed[0] != packedSplit:
		return room.unpack(c, packed)
	}
	r := reader{rest: packed[1:]}
	size, at := r.uvarint(), r.uvarint()
	first := r.bytes(r.count())
	if r.err != nil {
		return nil, damaged("an asset's data: %w", r.err)
	}
	outline, err := room.unpack(c, first)
	if err != nil || part == catalogue.Outline {
		return outline, err
	}
	if at > uint64(len(outline)) || size > maxData {
		return nil, damaged("an asset's data has no place for its metadata")
	}
	data, err := c.unpack(append(make([]byte, 0, size), outline[:at]...), r.rest)
	if err != nil {
		return nil, err
	}
	return append(data, outline[at:]...), nil
}

// unpack appends what was packed.
func (c *chunkCoder) unpack(dst, packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return dst, nil
	}
	switch form, body := packed[0], packed[1:]; form {
	case packedPlain:
		return append(dst, body...), nil
	case packedCompressed:
		data, err := c.decoder.DecodeAll(body, dst)
		if err != nil {
			return nil, damaged("an asset's data: %w", err)
		}
		return data, nil
	default:
		return nil, damaged("an asset's data has form %d", form)
	}
}

// encodeAsset makes the record of an asset whose data is packed. Its id is the
// record's key.
func encodeAsset(a catalogue.Asset) []byte {
	var flags byte
	if a.Deleted {
		flags = assetDeleted
	}
	buf := append(make([]byte, 0, 32+len(a.Data)), assetVersion, flags)
	buf = appendForeignTime(buf, a.Changed)
	buf = appendID(buf, a.ItemID)
	return append(buf, a.Data...)
}

// decodeAsset reads what encodeAsset wrote. Its data is packed, and a part of
// record.
func decodeAsset(id event.ID, record []byte) (catalogue.Asset, error) {
	r := reader{rest: record}
	if version := r.byte(); version != assetVersion {
		return catalogue.Asset{}, damaged("the record of an asset has version %d, not %d", version, assetVersion)
	}
	flags := r.byte()
	a := catalogue.Asset{ID: id, Deleted: flags&assetDeleted != 0, Changed: r.foreignTime(), ItemID: r.id()}
	if r.err != nil {
		return catalogue.Asset{}, damaged("the record of an asset: %w", r.err)
	}
	if len(r.rest) > 0 {
		a.Data = r.rest
	}
	return a, nil
}

// readAsset reads an asset with a part of its data.
func (c *chunkCoder) readAsset(part catalogue.Part, id event.ID, record []byte) (catalogue.Asset, error) {
	return c.readAssetInto(nil, part, id, record)
}

// readAssetInto is readAsset with room for the data.
func (c *chunkCoder) readAssetInto(room *slab, part catalogue.Part, id event.ID, record []byte) (catalogue.Asset, error) {
	a, err := decodeAsset(id, record)
	if err != nil {
		return catalogue.Asset{}, err
	}
	a.Data, err = c.unpackData(room, part, a.Data)
	return a, err
}

// learn merges assets, which packAssets has sorted, into what is known. It
// returns how many told nothing new.
func (t *txn) learn(assets []packedAsset, now time.Time) (older int, err error) {
	for len(assets) > 0 {
		id, key := assets[0].ID, assets[0].key
		record := t.bucket(bucketAssets).Get(key)
		var known catalogue.Asset
		if record != nil {
			if known, err = decodeAsset(id, record); err != nil {
				return 0, err
			}
		}
		for len(assets) > 0 && assets[0].ID == id {
			merged, told := known.Merge(assets[0].Asset, now)
			if known = merged; !told {
				older++
			}
			assets = assets[1:]
		}
		learned := encodeAsset(known)
		if bytes.Equal(learned, record) {
			continue // a batch may come in again
		}
		t.rows.grown += int64(len(learned) - len(record))
		if err := t.bucket(bucketAssets).Put(key, learned); err != nil {
			return 0, err
		}
	}
	return older, nil
}

// ImportAssets merges assets into what is known.
func (db *DB) ImportAssets(ctx context.Context, assets []catalogue.Asset, now time.Time) (older int, err error) {
	packed := db.packAssets(assets)
	err = db.updateGrowing(ctx, func(t *txn) (err error) {
		older, err = t.learn(packed, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("import assets: %w", err)
	}
	db.releasePages() // an import goes through all of them
	return older, nil
}

// ListAssets returns a page of assets. The cursor is the JSON text of an id.
func (db *DB) ListAssets(ctx context.Context, cursor string, limit int) ([]catalogue.Asset, string, error) {
	return db.ListAssetParts(ctx, catalogue.Whole, cursor, limit)
}

// ListAssetParts is ListAssets with a part of the assets' data.
func (db *DB) ListAssetParts(_ context.Context, part catalogue.Part, cursor string, limit int) ([]catalogue.Asset, string, error) {
	var after []byte
	if cursor != "" {
		var id event.ID
		if err := id.UnmarshalJSON([]byte(cursor)); err != nil || id.IsZero() {
			return nil, "", fmt.Errorf("list assets: %w", store.ErrCursor)
		}
		after = assetKey(id)
	}
	var found []catalogue.Asset
	next := ""
	through := 0
	err := db.view(func(tx *bbolt.Tx) error {
		bytesRead := 0
		c := tx.Bucket(bucketAssets).Cursor()
		k, record := c.Seek(after)
		if k != nil && bytes.Equal(k, after) {
			k, record = c.Next()
		}
		for ; k != nil; k, record = c.Next() {
			if len(found) > 0 && (len(found) >= limit || bytesRead >= maxAssetPage) {
				next = found[len(found)-1].ID.JSON()
				return nil
			}
			id, err := splitAssetKey(k)
			if err != nil {
				return err
			}
			a, err := db.chunks.readAsset(part, id, record)
			if err != nil {
				return err
			}
			if found == nil {
				found = make([]catalogue.Asset, 0, roomFor(limit))
			}
			found = append(found, a)
			bytesRead += len(a.Data)
			through += len(k) + len(record)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("list assets: %w", err)
	}
	db.wentThrough(through)
	return found, next, nil
}
