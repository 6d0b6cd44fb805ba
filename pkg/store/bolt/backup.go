package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/failpoint"
	"github.com/dam-delivery/dz/pkg/store"
)

// Backup writes the file as it is at one moment. A reader keeps freed pages from
// being used again, so the file is copied first, as fast as the disk allows, and
// w, which may be slow, gets the copy. That needs as much room again on the
// store's disk; store.ErrFull if there is not. The copy has no name: nothing is
// left of it, whatever happens.
func (db *DB) Backup(ctx context.Context, w io.Writer) error {
	snapshot, err := db.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	_, err = io.Copy(w, readerUntil(ctx, snapshot))
	if err = errors.Join(err, snapshot.Close()); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	return nil
}

// snapshot copies the store into a file without a name, one caller at a time.
func (db *DB) snapshot(ctx context.Context) (*os.File, error) {
	select {
	case db.snapshots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-db.snapshots }()
	file, err := os.CreateTemp(filepath.Dir(db.path), tempPattern(db.path, "backup"))
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	db.copying.Store(true)
	err = db.view(func(tx *bbolt.Tx) error {
		// What goes on meanwhile changes no more than there is, so a small store needs
		// less beside the copy than a large one.
		beside := min(tx.Size(), reservedOnDisk)
		if free, ok := diskFree(db.path); ok && free < tx.Size()+beside {
			return fmt.Errorf("%w: no room on its disk for a copy of %d bytes and %d for what goes on meanwhile: %d are free; "+
				"free some, or stop the daemon and copy the file itself", store.ErrFull, tx.Size(), beside, free)
		}
		_, err := tx.WriteTo(writerUntil(ctx, file))
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx) // of which bbolt may keep only the words
		}
		failpoint.Reach(failpoint.Snapshot)
		return explainWrite(err)
	})
	db.copying.Store(false)
	if ctx.Err() != nil {
		err = context.Cause(ctx) // bbolt keeps no more of it than the text
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// ioFunc makes a reader or a writer of a function.
type ioFunc func(p []byte) (int, error)

func (f ioFunc) Read(p []byte) (int, error)  { return f(p) }
func (f ioFunc) Write(p []byte) (int, error) { return f(p) }

// readerUntil reads until ctx ends.
func readerUntil(ctx context.Context, r io.Reader) io.Reader { return until(ctx, r.Read) }

// writerUntil writes until ctx ends.
func writerUntil(ctx context.Context, w io.Writer) io.Writer { return until(ctx, w.Write) }

func until(ctx context.Context, do ioFunc) ioFunc {
	return func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return do(p)
	}
}
