package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// maxExpired is how many chunks one commit drops at most.
const maxExpired = 64

// addChunk keeps the chunk of a batch, and drops the oldest ones if there are
// too many bytes of them.
func (t *txn) addChunk(chunk []byte, count int, now time.Time) error {
	if chunk == nil {
		return nil
	}
	events := t.bucket(bucketEvents)
	events.FillPercent = 0.95 // it grows at its end
	t.rows.grown += int64(len(chunk))
	if err := events.Put(seqKey(t.totals.eventSeq+1), chunk); err != nil {
		return err
	}
	t.totals.eventSeq += uint64(count)
	t.totals.eventBytes += uint64(len(chunk))
	t.totalsDirty = true
	_, err := t.expire(now)
	return err
}

// expire drops the oldest chunks that are too many or too old, and reports
// whether there may be more of them.
func (t *txn) expire(now time.Time) (more bool, err error) {
	events := t.bucket(bucketEvents)
	cursor := events.Cursor()
	var keys [][]byte
	for k, v := cursor.First(); k != nil; k, v = cursor.Next() {
		if len(keys) == maxExpired {
			more = true
			break
		}
		if t.totals.eventBytes <= uint64(t.db.opts.MaxEventBytes) {
			h, err := readChunkHeader(v)
			if err != nil {
				return false, err
			}
			if now.Sub(h.received) <= t.db.opts.KeepEvents {
				break
			}
		}
		keys = append(keys, bytes.Clone(k))
		t.totals.eventBytes -= min(uint64(len(v)), t.totals.eventBytes)
		t.rows.grown -= int64(len(v))
		t.totalsDirty = true
	}
	for _, k := range keys {
		if err := events.Delete(k); err != nil {
			return false, err
		}
	}
	return more, nil
}

// expireEvents drops what is too old even if nothing new comes in.
func (db *DB) expireEvents(ctx context.Context, now time.Time) error {
	for more := true; more; {
		old, err := db.oldestExpired(now)
		if err != nil || !old {
			return err
		}
		err = db.update(ctx, func(t *txn) (err error) {
			more, err = t.expire(now)
			return err
		})
		if err != nil {
			return fmt.Errorf("drop old events: %w", err)
		}
	}
	return nil
}

// oldestExpired reports whether there is anything to drop, too old or too much
// under a limit that was lowered, so that an idle store is not written to.
func (db *DB) oldestExpired(now time.Time) (expired bool, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		k, v := tx.Bucket(bucketEvents).Cursor().First()
		if k == nil {
			return nil
		}
		h, err := readChunkHeader(v)
		expired = now.Sub(h.received) > db.opts.KeepEvents ||
			readTotals(tx.Bucket(bucketMeta)).eventBytes > uint64(db.opts.MaxEventBytes)
		return err
	})
	return expired, err
}

// Events returns recent events, newest first.
func (db *DB) Events(ctx context.Context, before uint64, limit int) ([]store.Recent, error) {
	var found []store.Recent
	var last []byte // the chunk that was read last
	for len(found) < limit {
		seq, chunk, err := db.chunk(func(c *bbolt.Cursor) ([]byte, []byte) {
			switch {
			case last != nil:
				c.Seek(last)
				return c.Prev()
			case before == 0:
				return c.Last()
			default:
				if k, _ := c.Seek(seqKey(before)); k == nil {
					return c.Last()
				}
				return c.Prev()
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read recent events: %w", err)
		}
		if chunk == nil {
			break
		}
		last = seqKey(seq)
		events, err := db.chunks.readChunk(seq, chunk)
		if err != nil {
			return nil, fmt.Errorf("read recent events: %w", err)
		}
		for _, e := range slices.Backward(events) {
			if len(found) < limit && (before == 0 || e.Seq < before) {
				found = append(found, e)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// EventsSince returns recent events, oldest first.
func (db *DB) EventsSince(ctx context.Context, after uint64, since time.Time, limit int) ([]store.Recent, error) {
	var found []store.Recent
	var last []byte
	for len(found) < limit {
		seq, chunk, err := db.chunk(func(c *bbolt.Cursor) ([]byte, []byte) {
			switch {
			case last != nil:
				return c.Seek(append(last, 0)) // the next one, also if last was dropped meanwhile
			case after == 0:
				return c.First()
			default:
				// The chunk that holds after+1 begins at it or before it.
				k, v := c.Seek(seqKey(after + 1))
				if k != nil && number64(k, 0) == after+1 {
					return k, v
				}
				if k == nil {
					return c.Last()
				}
				if pk, pv := c.Prev(); pk != nil {
					return pk, pv
				}
				return c.First()
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read recent events: %w", err)
		}
		if chunk == nil {
			break
		}
		last = seqKey(seq)
		h, err := readChunkHeader(chunk)
		if err != nil {
			return nil, fmt.Errorf("read recent events: %w", err)
		}
		if h.received.Before(since) {
			continue
		}
		events, err := db.chunks.readChunk(seq, chunk)
		if err != nil {
			return nil, fmt.Errorf("read recent events: %w", err)
		}
		for _, e := range events {
			if len(found) < limit && e.Seq > after {
				found = append(found, e)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// chunk returns a copy of the chunk that move finds, nil if it finds none.
func (db *DB) chunk(move func(*bbolt.Cursor) (k, v []byte)) (seq uint64, chunk []byte, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		k, v := move(tx.Bucket(bucketEvents).Cursor())
		if k != nil {
			seq, chunk = number64(k, 0), bytes.Clone(v)
		}
		return nil
	})
	return seq, chunk, err
}

// Rejected returns rejections, newest first.
func (db *DB) Rejected(_ context.Context, before uint64, limit int) ([]store.Rejected, error) {
	var found []store.Rejected
	err := db.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketRejected).Cursor()
		k, v := cursor.Last()
		if before != 0 {
			if k, _ = cursor.Seek(seqKey(before)); k == nil {
				k, v = cursor.Last()
			} else {
				k, v = cursor.Prev()
			}
		}
		for ; k != nil && len(found) < limit; k, v = cursor.Prev() {
			r := store.Rejected{Seq: number64(k, 0)}
			if err := decodeJSON(v, &r.Rejection); err != nil {
				return damaged("rejected input: %w", err)
			}
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read rejected input: %w", err)
	}
	return found, nil
}

// Stats counts what the store holds and has seen.
func (db *DB) Stats(context.Context) (store.Stats, error) {
	stats := store.Stats{Endpoints: make(map[uint64]store.Counts), Path: db.path, MaxSize: db.opts.MaxSize}
	err := db.view(func(tx *bbolt.Tx) error {
		t := readTotals(tx.Bucket(bucketMeta))
		stats.Latest = time.Unix(0, int64(t.latest))
		stats.Ingested, stats.Rejected, stats.Size = t.ingested, t.rejected, tx.Size()
		return tx.Bucket(bucketCounts).ForEach(func(k, v []byte) error {
			counts, err := decodeCounts(v)
			if err != nil {
				return err
			}
			if id := endpointOf(k); id != 0 {
				stats.Endpoints[id] = counts
			} else {
				stats.Total = counts
			}
			return nil
		})
	})
	if err != nil {
		return store.Stats{}, fmt.Errorf("read counts: %w", err)
	}
	return stats, nil
}
