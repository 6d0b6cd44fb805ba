package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// A file never shrinks by itself: what is freed is used again for what comes
// later. Compacting writes what there is into a new file, in the order of its
// keys, and puts it in the old one's place.
const (
	// WorthFrom is the size from which a file is compacted by itself, in bytes.
	WorthFrom = 64 << 20
	// WorthUpTo is how much there may be to copy then, in bytes: what takes
	// seconds, as nothing is delivered meanwhile.
	WorthUpTo = 1 << 30
	// compactCommit is how much is copied in one commit, in bytes. It takes several
	// times that of memory.
	compactCommit = 4 << 20
)

// Compaction says what a compaction did to a file.
type Compaction struct {
	Before, After int64 // bytes
	// FormatBefore is the format that it had; it has Format now, also if it was not
	// worth compacting. 0 if the file was not opened.
	FormatBefore int
}

// Compact compacts a store that is not in use. store.ErrLocked while it is.
// After an error, or a crash, there is in the file what there was before; it may have
// Format by then, which FormatBefore tells also with an error.
func Compact(ctx context.Context, path string) (Compaction, error) {
	done, _, err := compactIf(ctx, path, func(*bbolt.DB) bool { return true }, noStep)
	return done, err
}

// CompactIfWorth is Compact for a file of which more than half is free, that is
// larger than WorthFrom, and in which there is no more than WorthUpTo to copy. It
// reports whether it was so. A file that does not exist is not worth it.
func CompactIfWorth(ctx context.Context, path string) (Compaction, bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && info.Size() < WorthFrom) {
		return Compaction{}, false, nil
	}
	return compactIf(ctx, path, isWorth, noStep)
}

// CompactIfThere is Compact for a store that may not exist yet.
func CompactIfThere(ctx context.Context, path string) (Compaction, bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Compaction{}, false, nil
	}
	return compactIf(ctx, path, func(*bbolt.DB) bool { return true }, noStep)
}

func isWorth(b *bbolt.DB) bool {
	size, err := fileSize(b.Path())
	if err != nil {
		return false // as long as it can be opened, it need not be compacted
	}
	live := liveBytes(b)
	return size >= WorthFrom && live < size/2 && live <= WorthUpTo
}

// liveBytes is how much there is to copy. The file may also be longer than what
// bbolt has ever used of it.
func liveBytes(b *bbolt.DB) (n int64) {
	stats := b.Stats()
	free := int64(stats.FreePageN+stats.PendingPageN) * int64(b.Info().PageSize)
	// A database that is open can be read.
	_ = b.View(func(tx *bbolt.Tx) error {
		n = tx.Size() - free
		return nil
	})
	return n
}

func compactIf(ctx context.Context, path string, wanted func(*bbolt.DB) bool, did step) (done Compaction, compacted bool, err error) {
	unresolved := path
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return done, false, fmt.Errorf("compact store %s: %w", unresolved, explainOffline(unresolved, err))
	}
	b, before, err := open(path, Options{})
	if err != nil {
		return done, false, fmt.Errorf("compact store %s: %w", path, explainOffline(path, err))
	}
	done.FormatBefore = before.format
	switch {
	case before.lastCommit != nil:
		err = before.lastCommit // which nobody would see any more in the new file
	case wanted(b):
		compacted = true
		done.Before, done.After, err = compact(ctx, b, path, did)
	}
	// The lock is held until the new file is in its place.
	if err = errors.Join(err, b.Close()); err != nil {
		return Compaction{FormatBefore: before.format}, false, fmt.Errorf("compact store %s: %w", path, err)
	}
	return done, compacted, nil
}

// compact replaces the file of an open database, which holds its lock.
func compact(ctx context.Context, b *bbolt.DB, path string, did step) (before, after int64, err error) {
	if before, err = fileSize(path); err != nil {
		return 0, 0, err
	}
	r, err := newReplacement(path, "compact")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.discard()) }()
	if err := hasRoom(b, path); err != nil {
		return 0, 0, err
	}
	if err := did("made"); err != nil {
		return 0, 0, err
	}
	if err := copyBuckets(ctx, b, r.temp); err != nil {
		return 0, 0, explainWrite(err)
	}
	if err := did("copied"); err != nil {
		return 0, 0, err
	}
	if _, err := look(r.temp); err != nil {
		return 0, 0, fmt.Errorf("check the compacted file: %w", err)
	}
	if after, err = fileSize(r.temp); err != nil {
		return 0, 0, err
	}
	failpoint.Reach(failpoint.CompactCopied)
	if err := os.Rename(r.temp, path); err != nil {
		return 0, 0, err
	}
	failpoint.Reach(failpoint.CompactRenamed)
	if err := syncDir(filepath.Dir(path)); err != nil {
		return 0, 0, err
	}
	return before, after, did("replaced")
}

// hasRoom reports that the disk can't hold the copy beside the file.
func hasRoom(b *bbolt.DB, path string) error {
	live := liveBytes(b)
	if free, ok := diskFree(path); ok && free < live {
		return fmt.Errorf("%w: no room on its disk for a copy of %d bytes: %d are free; free some", store.ErrFull, live, free)
	}
	return nil
}

// copyBuckets copies all there is into an empty file, and flushes it.
func copyBuckets(ctx context.Context, from *bbolt.DB, path string) (err error) {
	defer recoverDamage(&err)()
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: true,
		PageSize: from.Info().PageSize,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	c := &bucketCopy{ctx: ctx, from: from, to: to}
	err = from.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(c.bucket)
	})
	if err == nil {
		err = nameTwice(to)
	}
	if err != nil {
		return err
	}
	return to.Sync()
}

// bucketCopy copies buckets, some records a commit.
type bucketCopy struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call
	from, to *bbolt.DB
}

func (c *bucketCopy) bucket(name []byte, from *bbolt.Bucket) error {
	err := c.to.Update(func(tx *bbolt.Tx) error {
		to, err := tx.CreateBucket(name)
		if err != nil {
			return err
		}
		return to.SetSequence(from.Sequence())
	})
	if err != nil {
		return err
	}
	cursor := from.Cursor()
	k, v := cursor.First()
	for k != nil {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		err := c.to.Update(func(tx *bbolt.Tx) error {
			to := tx.Bucket(name)
			to.FillPercent = 0.95 // the keys come in order
			for size := 0; k != nil && size < compactCommit; k, v = cursor.Next() {
				if v == nil {
					return damaged("bucket %s holds a bucket, %x", name, k)
				}
				if err := to.Put(k, v); err != nil {
					return err
				}
				size += len(k) + len(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
		releasePages(c.from)
		releasePages(c.to)
	}
	return nil
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
