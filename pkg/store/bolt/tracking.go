package bolt

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/store"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// A tracking record is
//
//	version(1) flags(1) first(time) synced(time) syncs attempts digest(16) print(8), then the state as packed
//
// and ends after the print if the endpoint gave no state.
const (
	trackedVersion  = 2
	trackedVersion1 = 1 // without the print
	trackedState    = 1 // flag
)

func appendTrackedKey(buf []byte, endpoint uint64, id event.ID) []byte {
	return appendAssetKey(binary.BigEndian.AppendUint32(buf, uint32(endpoint)), id)
}

// appendTracked appends the record of a.
func (db *DB) appendTracked(buf []byte, a *tracking.Asset) []byte {
	buf = appendTrackedHead(buf, a)
	switch text := a.State.Text; {
	case !a.State.Given || text == "":
		return buf
	case len(text) < minPacked:
		return append(append(buf, packedPlain), text...)
	default:
		return append(buf, db.pack(json.RawMessage(text))...)
	}
}

// appendTrackedHead appends all but the state.
func appendTrackedHead(buf []byte, a *tracking.Asset) []byte {
	var flags byte
	if a.State.Given {
		flags = trackedState
	}
	buf = append(buf, trackedVersion, flags)
	buf = appendTime(buf, a.First)
	buf = appendTime(buf, a.Synced)
	buf = binary.AppendUvarint(buf, a.Syncs)
	buf = binary.AppendUvarint(buf, a.Attempts)
	buf = append(buf, a.Digest[:]...)
	return binary.BigEndian.AppendUint64(buf, a.Print)
}

// decodeTracked reads what appendTracked wrote.
func (c *chunkCoder) decodeTracked(texts *states, id event.ID, record []byte) (tracking.Asset, error) {
	a, packed, err := decodeTrackedHead(id, record)
	if err == nil && a.State.Given {
		a.State.Text, err = texts.unpack(c, packed)
	}
	return a, err
}

// decodeTrackedHead reads all but the state, which it returns as packed: a part of
// record.
func decodeTrackedHead(id event.ID, record []byte) (a tracking.Asset, packed []byte, err error) {
	a.ID = id
	r := reader{rest: record}
	version := r.byte()
	if version != trackedVersion && version != trackedVersion1 {
		return a, nil, damaged("a tracking record has version %d, not %d", version, trackedVersion)
	}
	flags := r.byte()
	a.First, a.Synced = r.time(), r.time()
	a.Syncs, a.Attempts = r.uvarint(), r.uvarint()
	copy(a.Digest[:], r.bytes(len(a.Digest)))
	if version != trackedVersion1 {
		a.Print = r.uint64()
	}
	if r.err != nil {
		return a, nil, damaged("the tracking record of asset %s: %w", id, r.err)
	}
	a.State.Given = flags&trackedState != 0
	return a, r.rest, nil
}

// acknowledge tracks what an endpoint says that it knows of an asset, which it may have
// taken before without saying so. A deletion that a person wanted is none of those that the
// guard counts.
func (t *txn) acknowledge(endpoint uint64, ack *tracking.Acknowledgement, attempts uint64, taken, wanted bool, now time.Time) error {
	if t.tracked == nil {
		t.tracked = t.bucket(bucketTracked)
		t.findTracked = newFinder(t.tracked)
	}
	t.key = appendTrackedKey(t.key[:0], endpoint, ack.ID)
	record := t.findTracked.get(t.key)
	if ack.Delete {
		d, err := t.getDeletions(endpoint)
		if err != nil {
			return err
		}
		if (record != nil || taken) && !wanted {
			d = d.Add(1, now)
		}
		if now.After(d.Told) {
			d.Told = now
		}
		t.deletionsOf[endpoint] = d
		if record == nil {
			return nil
		}
		if err := t.tally.add(endpoint, store.Counts{Tracked: ^uint64(0)}); err != nil {
			return err
		}
		return t.findTracked.cursor.Delete()
	}
	known := tracking.Asset{ID: ack.ID}
	if record != nil {
		var err error
		if known, _, err = decodeTrackedHead(ack.ID, record); err != nil { // its state is replaced
			return err
		}
	} else if err := t.tally.add(endpoint, store.Counts{Tracked: 1}); err != nil {
		return err
	}
	known = known.After(*ack, attempts, now)
	t.record = t.db.appendTracked(t.record[:0], &known)
	t.rows.grown += int64(len(t.record) - len(record))
	return t.tracked.Put(t.key, t.rows.keep(t.record))
}

// deletes reports whether a debt is the deletion of an asset that is tracked, or that the
// endpoint may have taken.
func (t *txn) deletes(d *debt.Debt) (bool, error) {
	if d.MayBeTaken() && d.Deletes() && d.Object.Kind == event.Asset {
		return true, nil
	}
	return t.deletesTracked(d)
}

// deletesTracked reports whether a debt is the deletion of an asset that is tracked.
func (t *txn) deletesTracked(d *debt.Debt) (bool, error) {
	if !d.Deletes() || d.Object.Kind != event.Asset {
		return false, nil
	}
	counts, err := t.tally.of(d.Endpoint)
	if err != nil || counts.Tracked == 0 {
		return false, err
	}
	t.key = appendTrackedKey(t.key[:0], d.Endpoint, d.Object.BaseID)
	return t.bucket(bucketTracked).Get(t.key) != nil, nil
}

func (t *txn) getDeletions(endpoint uint64) (tracking.Deletions, error) {
	if d, ok := t.deletionsOf[endpoint]; ok {
		return d, nil
	}
	d, err := readDeletions(t.bucket(bucketDeletions), endpoint)
	t.deletionsOf[endpoint] = d
	return d, err
}

func readDeletions(b *bbolt.Bucket, endpoint uint64) (d tracking.Deletions, err error) {
	if record := b.Get(endpointKey(endpoint)); record != nil {
		if err := decodeJSON(record, &d); err != nil {
			return d, damaged("the deletions of endpoint %d: %w", endpoint, err)
		}
	}
	return d, nil
}

// countSkip counts a change that an endpoint was not told.
func (t *txn) countSkip(endpoint uint64, reason attempt.Reason) error {
	t.skips[string(append(endpointKey(endpoint), reason...))]++
	return nil
}

// flushTracking writes what was kept at hand.
func (t *txn) flushTracking() error {
	for endpoint, d := range t.deletionsOf {
		record, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("encode deletions: %w", err)
		}
		if err := t.bucket(bucketDeletions).Put(endpointKey(endpoint), record); err != nil {
			return err
		}
	}
	for key, n := range t.skips {
		b := t.bucket(bucketSkips)
		if err := putUint64(b, []byte(key), getUint64(b, []byte(key))+n); err != nil {
			return err
		}
	}
	return nil
}

// tracked checks that each tracked asset can be read, and counts them.
func (c *recordCheck) tracked(k, v []byte) {
	if len(k) < 4 {
		c.fault("a tracked asset has a key of %d bytes", len(k))
		return
	}
	if c.isRemoved(k) {
		return
	}
	id, err := splitAssetKey(k[4:])
	if err == nil {
		_, err = c.chunks.decodeTracked(new(states), id, v)
	}
	if err != nil {
		c.fault("%s", plain(err))
		return
	}
	endpoint := endpointOf(k)
	counts := c.counted[endpoint]
	counts.Tracked++
	c.counted[endpoint] = counts
}

// deletions checks that those of late can be read.
func (c *recordCheck) deletions(_, v []byte) {
	if err := decodeJSON(v, new(tracking.Deletions)); err != nil {
		c.fault("the deletions of late can't be read: %v", err)
	}
}
