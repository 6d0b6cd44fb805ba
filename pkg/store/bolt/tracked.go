package bolt

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// maxTrackedPage bounds a page of tracked assets: after so many bytes of states it
// ends.
const maxTrackedPage = 4 << 20

// states reads those of tracked assets into allocations of several together, as slab
// does with data.
type states struct {
	text   strings.Builder
	buf    []byte // of one that is compressed
	assets int    // that are still to be read, at most
}

// unpack returns a state that was packed.
func (s *states) unpack(c *chunkCoder, packed []byte) (string, error) {
	if len(packed) == 0 {
		return "", nil
	}
	text := packed[1:]
	if packed[0] != packedPlain {
		var err error
		if s.buf, err = c.unpack(s.buf[:0], packed); err != nil {
			return "", err
		}
		text = s.buf
	}
	if len(text) > slabSize/8 {
		return string(text), nil
	}
	if s.text.Cap()-s.text.Len() < len(text) {
		s.text.Reset() // what was read from it stays
		s.text.Grow(min(slabSize, len(text)*max(1, s.assets)))
	}
	begin := s.text.Len()
	s.text.Write(text)
	return s.text.String()[begin:], nil
}

// Tracked returns what an endpoint tracks of ids.
func (db *DB) Tracked(_ context.Context, endpoint uint64, ids []event.ID) ([]tracking.Asset, error) {
	found := make([]tracking.Asset, 0, len(ids))
	err := db.view(func(tx *bbolt.Tx) error {
		tracked, texts := newFollower(tx.Bucket(bucketTracked)), new(states)
		var key []byte
		for i, id := range ids {
			key = appendTrackedKey(key[:0], endpoint, id)
			record := tracked.get(key)
			if record == nil {
				continue
			}
			texts.assets = len(ids) - i
			a, err := db.chunks.decodeTracked(texts, id, record)
			if err != nil {
				return err
			}
			found = append(found, a)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tracked assets: %w", err)
	}
	return found, nil
}

// trackedCursor is the key at which a cursor, the JSON text of an id, stands; "" stands
// before all.
func trackedCursor(endpoint uint64, cursor string) ([]byte, error) {
	if cursor == "" {
		return endpointKey(endpoint), nil
	}
	var id event.ID
	if err := id.UnmarshalJSON([]byte(cursor)); err != nil || id.IsZero() {
		return nil, store.ErrCursor
	}
	return appendTrackedKey(nil, endpoint, id), nil
}

// eachTracked visits what an endpoint tracks after a key. visit returns false to end that.
func eachTracked(tx *bbolt.Tx, endpoint uint64, after []byte, visit func(id event.ID, k, record []byte) (bool, error)) error {
	prefix := endpointKey(endpoint)
	c := tx.Bucket(bucketTracked).Cursor()
	k, record := c.Seek(after)
	if k != nil && bytes.Equal(k, after) {
		k, record = c.Next()
	}
	for ; k != nil && bytes.HasPrefix(k, prefix); k, record = c.Next() {
		id, err := splitAssetKey(k[len(prefix):])
		if err != nil {
			return err
		}
		if more, err := visit(id, k, record); err != nil || !more {
			return err
		}
	}
	return nil
}

// ListTracked returns a page of tracked assets. The cursor is the JSON text of an
// id.
func (db *DB) ListTracked(_ context.Context, endpoint uint64, cursor string, limit int) ([]tracking.Asset, string, error) {
	after, err := trackedCursor(endpoint, cursor)
	if err != nil {
		return nil, "", fmt.Errorf("list tracked assets: %w", err)
	}
	var found []tracking.Asset
	next := ""
	through, bytesRead, texts := 0, 0, &states{assets: limit}
	err = db.view(func(tx *bbolt.Tx) error {
		return eachTracked(tx, endpoint, after, func(id event.ID, k, record []byte) (bool, error) {
			if len(found) > 0 && (len(found) >= limit || bytesRead >= maxTrackedPage) {
				next = found[len(found)-1].ID.JSON()
				return false, nil
			}
			a, err := db.chunks.decodeTracked(texts, id, record)
			if err != nil {
				return false, err
			}
			if found == nil {
				found = make([]tracking.Asset, 0, roomFor(limit))
			}
			found = append(found, a)
			bytesRead += len(a.State.Text)
			through += len(k) + len(record)
			return true, nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("list tracked assets: %w", err)
	}
	db.wentThrough(through)
	return found, next, nil
}

// TrackedWithin returns what an endpoint tracks between two cursors.
func (db *DB) TrackedWithin(_ context.Context, endpoint uint64, after, upTo string, limit int) (found []tracking.Asset, more bool, err error) {
	first, err := trackedCursor(endpoint, after)
	var last []byte
	if err == nil && upTo != "" {
		last, err = trackedCursor(endpoint, upTo)
	}
	if err != nil {
		return nil, false, fmt.Errorf("list tracked assets: %w", err)
	}
	through := 0
	err = db.view(func(tx *bbolt.Tx) error {
		return eachTracked(tx, endpoint, first, func(id event.ID, k, record []byte) (bool, error) {
			if last != nil && bytes.Compare(k, last) > 0 {
				return false, nil
			}
			if more = len(found) >= limit; more {
				return false, nil
			}
			a, _, err := decodeTrackedHead(id, record)
			if err != nil {
				return false, err
			}
			if found == nil {
				found = make([]tracking.Asset, 0, roomFor(limit))
			}
			found = append(found, a)
			through += len(k) + len(record)
			return true, nil
		})
	})
	if err != nil {
		return nil, false, fmt.Errorf("list tracked assets: %w", err)
	}
	db.wentThrough(through)
	return found, more, nil
}
