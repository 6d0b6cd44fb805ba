package bolt

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// A store that is restored does not know what endpoints were told after the backup.
// So it takes nothing for certain that may have changed since:
//
//   - what is sent differs, by its id, from all that was sent;
//   - what an endpoint acknowledged last of an asset is not known (its digest and its
//     print are forgotten; the state that it gave is the best there is);
//   - what was owed at the backup, or comes in about that time, may have been taken:
//     the debt says so. So an asset that came and went after the backup, of which
//     the store knows nothing, is deleted at the endpoint when the source tells of it
//     again.

const (
	// generationLead is how far a restored debt's generation is raised: past all
	// that were sent after the backup. Else a receiver would take what is sent
	// now for one of those, by its webhook-id, and pass over it.
	generationLead = 1 << 20
	// clocksDiffer is how long after a restore a change may seem to have been made
	// that was made before, by the clock of the DAM; and how long one may take to
	// come in again that has no time.
	clocksDiffer = 24 * time.Hour
	// A commit of a restore rewrites so many records, or bytes of them.
	rebasePage  = 20_000
	rebaseBytes = 16 << 20
)

// rebase makes a copy of a backup the store that goes on from it at now.
func rebase(ctx context.Context, path string, now time.Time) (err error) {
	defer recoverDamage(&err)()
	b, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := migrate(b); err != nil {
		return err
	}
	err = b.Update(func(tx *bbolt.Tx) error {
		var salt [2]byte
		if _, err := rand.Read(salt[:]); err != nil {
			return err
		}
		meta := tx.Bucket(bucketMeta)
		if err := putUint64(meta, metaSalt, uint64(binary.BigEndian.Uint16(salt[:]))); err != nil {
			return err
		}
		return putUint64(meta, metaRestored, uint64(nanos(now)))
	})
	if err != nil {
		return err
	}
	if err := rewrite(ctx, b, bucketOwed, rebasedRow); err != nil {
		return err
	}
	return rewrite(ctx, b, bucketTracked, withoutDigest)
}

// rewrite gives all records of a bucket other values, some at a time.
func rewrite(ctx context.Context, b *bbolt.DB, bucket []byte, anew func(value []byte) ([]byte, error)) error {
	var last []byte
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := b.Update(func(tx *bbolt.Tx) (err error) {
			last, err = rewriteAfter(tx.Bucket(bucket), last, anew)
			return err
		})
		if err != nil || last == nil {
			return err
		}
		releasePages(b)
	}
}

// rewriteAfter rewrites records after a key, and returns the last key, nil if there
// are no more.
func rewriteAfter(bucket *bbolt.Bucket, after []byte, anew func([]byte) ([]byte, error)) (last []byte, err error) {
	type record struct{ key, value []byte }
	var page []record
	cursor, size := bucket.Cursor(), 0
	k, v := cursor.Seek(after)
	if after != nil && bytes.Equal(k, after) {
		k, v = cursor.Next()
	}
	for ; k != nil && len(page) < rebasePage && size < rebaseBytes; k, v = cursor.Next() {
		value, err := anew(v)
		if err != nil {
			return nil, err
		}
		page = append(page, record{bytes.Clone(k), value})
		last, size = page[len(page)-1].key, size+len(value)
	}
	for _, r := range page {
		if err := bucket.Put(r.key, r.value); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// rebasedRow returns a row whose debts are of later generations, and restored.
func rebasedRow(value []byte) ([]byte, error) {
	var w row
	if err := w.decode(value); err != nil {
		return nil, err
	}
	for slot := range uint64(rowSlots) {
		var s stored
		there, err := w.debt(&s, slot, "")
		if err != nil {
			return nil, err
		}
		if there {
			s.Generation += generationLead
			s.Restored = true
			w.courses[slot], _ = encodeShared(nil, &s)
		}
	}
	return w.encode(nil), nil
}

// withoutDigest returns a tracking record whose digest and print are those of nothing.
func withoutDigest(value []byte) ([]byte, error) {
	a, state, err := decodeTrackedHead(event.ID{}, value)
	if err != nil {
		return nil, err
	}
	a.Digest, a.Print = tracking.Digest{}, 0
	return append(appendTrackedHead(nil, &a), state...), nil
}

// doubtUntil is the end of the time of changes that endpoints may have been told
// before the store was restored; zero if it never was.
func doubtUntil(meta *bbolt.Bucket) time.Time {
	restored := getUint64(meta, metaRestored)
	if restored == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(restored)).Add(clocksDiffer)
}

// doubts reports whether an endpoint may have been told of a change that comes in at
// now, before the store was restored.
func (db *DB) doubts(e *event.Event, now time.Time) bool {
	if db.doubtUntil.IsZero() {
		return false
	}
	if !e.Time.IsZero() {
		now = e.Time
	}
	return now.Before(db.doubtUntil)
}
