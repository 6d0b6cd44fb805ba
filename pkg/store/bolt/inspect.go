package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/store"
)

// inspectPage is how many records Inspect counts in one transaction.
const inspectPage = 20_000

// Inspection is what a store's file holds, and what takes its room.
type Inspection struct {
	Path      string
	Format    int
	Size      int64 // of the file in bytes
	PageSize  int   // bytes
	Pages     uint64
	FreePages uint64 // of them, those that hold nothing
	Buckets   []BucketSize
	Contents
}

// BucketSize is what one bucket holds.
type BucketSize struct {
	Name    string
	Entries uint64
	Bytes   int64 // of keys and values, without what keeps them in order
}

// Contents is what a store holds, in dz's words.
type Contents struct {
	Endpoints int
	Debts     store.Counts // of all endpoints
	Events    uint64       // recent ones
	// EventBytes is what they take, compressed. Oldest and Newest are when they
	// came in, zero without any.
	EventBytes     int64
	Oldest, Newest time.Time
}

// Free is how many bytes of the file hold nothing.
func (i *Inspection) Free() int64 { return int64(i.FreePages) * int64(i.PageSize) }

// Inspect looks at the store while it is in use. It counts in short
// transactions, so what is written meanwhile may be counted or not.
func (db *DB) Inspect(ctx context.Context) (Inspection, error) {
	stats, info := db.bolt.Stats(), db.bolt.Info()
	i := Inspection{
		Path: db.path, Format: Format, PageSize: info.PageSize,
		FreePages: uint64(stats.FreePageN + stats.PendingPageN),
	}
	err := db.view(func(tx *bbolt.Tx) (err error) {
		i.Pages = uint64(tx.Size()) / uint64(i.PageSize)
		i.Contents, err = readContents(tx)
		return err
	})
	if err != nil {
		return i, fmt.Errorf("inspect store: %w", err)
	}
	if i.Size, err = fileSize(db.path); err != nil {
		return i, fmt.Errorf("inspect store: %w", err)
	}
	for _, name := range buckets() {
		size, err := db.measure(ctx, name)
		if err != nil {
			return i, fmt.Errorf("inspect bucket %s: %w", name, err)
		}
		i.Buckets = append(i.Buckets, size)
	}
	return i, nil
}

// measure counts one bucket, page by page.
func (db *DB) measure(ctx context.Context, name []byte) (BucketSize, error) {
	size := BucketSize{Name: string(name)}
	var last []byte
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return size, context.Cause(ctx)
		}
		err := db.view(func(tx *bbolt.Tx) error {
			cursor := tx.Bucket(name).Cursor()
			k, v := cursor.Seek(last)
			if last != nil && bytes.Equal(k, last) {
				k, v = cursor.Next()
			}
			for range inspectPage {
				if k == nil {
					more = false
					return nil
				}
				size.Entries++
				size.Bytes += int64(len(k) + len(v))
				last = append(last[:0], k...)
				k, v = cursor.Next()
			}
			return nil
		})
		if err != nil {
			return size, err
		}
		db.releasePages()
	}
	return size, nil
}

// readContents reads what is counted already.
func readContents(tx *bbolt.Tx) (Contents, error) {
	var c Contents
	var err error
	if c.Debts, err = decodeCounts(tx.Bucket(bucketCounts).Get(endpointKey(0))); err != nil {
		return c, err
	}
	names := tx.Bucket(bucketNames).Cursor()
	for k, _ := names.First(); k != nil; k, _ = names.Next() {
		c.Endpoints++
	}
	totals := readTotals(tx.Bucket(bucketMeta))
	events := tx.Bucket(bucketEvents).Cursor()
	first, oldest := events.First()
	if len(first) != 8 {
		return c, nil
	}
	c.Events = totals.eventSeq - number64(first, 0) + 1
	c.EventBytes = int64(totals.eventBytes)
	header, err := readChunkHeader(oldest)
	if err != nil {
		return c, err
	}
	c.Oldest = header.received
	_, newest := events.Last()
	if header, err = readChunkHeader(newest); err != nil {
		return c, err
	}
	c.Newest = header.received
	return c, nil
}
