package bolt

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

const (
	// generationLead is how far a restored debt's generation is raised: past all
	// that were sent after the backup. Else a receiver would take what is sent
	// now for one of those, by its webhook-id, and pass over it.
	generationLead = 1 << 20
	// restorePage is how many rows of debts are raised in one commit.
	restorePage = 20_000
)

// Restoration says what a restore did.
type Restoration struct {
	Inspection        // of the store as it is now
	Kept       string // the name that the store before has now; "" if there was none
}

// ErrSameFile says that a store can't be restored from itself.
var ErrSameFile = errors.New("that is the store itself")

// Restore puts a backup in the place of the store at path, which is not in use:
// store.ErrLocked while it is. The store before, damaged or not, is kept under a
// name with now in it. The backup is read in full first and not changed;
// store.ErrDamaged if it is not sound. After an error, or a crash, the file at
// path is what it was before, or the backup.
func Restore(ctx context.Context, backup, path string, now time.Time) (Restoration, error) {
	done, err := restore(ctx, backup, path, now, noStep)
	if err != nil {
		return Restoration{}, fmt.Errorf("restore: %w", err)
	}
	return done, nil
}

func restore(ctx context.Context, backup, path string, now time.Time, did step) (done Restoration, err error) {
	found, err := Examine(ctx, backup)
	if err == nil {
		err = found.Damage()
	}
	if err != nil {
		return done, err
	}
	if path, err = resolve(path); err != nil {
		return done, err
	}
	before, err := lockFile(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return done, fmt.Errorf("store %s: %w", path, explainOffline(path, err))
	default:
		defer func() { err = errors.Join(err, before.Close()) }()
		if same, err := isAt(before, backup); err != nil || same {
			return done, errors.Join(err, ErrSameFile)
		}
	}
	r, err := newReplacement(path, "restore")
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, r.discard()) }()
	if err := did("made"); err != nil {
		return done, err
	}
	if err := fillFrom(ctx, r.temp, backup); err != nil {
		return done, explainWrite(err)
	}
	if err := did("copied"); err != nil {
		return done, err
	}
	if done.Inspection, err = InspectFile(ctx, r.temp); err != nil {
		return done, fmt.Errorf("check the copy: %w", err)
	}
	failpoint.Reach(failpoint.RestoreCopied)
	done.Path = path
	if done.Kept, err = r.take(before != nil, now, did); err != nil {
		return done, err
	}
	return done, did("replaced")
}

// resolve follows links, so that the file is replaced and not a link to it.
func resolve(path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return resolved, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// take puts the replacement in its place and returns the name that the store
// before has from now on. There is a whole file at the path at any time.
func (r *replacement) take(replaces bool, now time.Time, did step) (kept string, err error) {
	if !replaces {
		// Link, unlike rename, does not replace what was made in the meantime.
		if err := os.Link(r.temp, r.path); err != nil {
			return "", err
		}
		return "", syncDir(filepath.Dir(r.path))
	}
	if kept, err = r.keep(now); err != nil {
		return "", fmt.Errorf("keep the present store: %w", err)
	}
	err = syncDir(filepath.Dir(r.path))
	if err == nil {
		err = did("kept")
	}
	failpoint.Reach(failpoint.RestoreKept)
	if err == nil {
		err = os.Rename(r.temp, r.path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(kept))
	}
	failpoint.Reach(failpoint.RestoreRenamed)
	return kept, syncDir(filepath.Dir(r.path))
}

// keep gives the store before another name, beside its own. It has the time in
// it and, if there is one of that second already, a number.
func (r *replacement) keep(now time.Time) (kept string, err error) {
	first := r.path + ".before-restore-" + now.UTC().Format("20060102T150405Z")
	kept = first
	for n := 2; ; n++ {
		if err := os.Link(r.path, kept); !errors.Is(err, fs.ErrExist) {
			return kept, err
		}
		kept = fmt.Sprintf("%s-%d", first, n)
	}
}

// fillFrom copies a backup into a file, makes it a store of its own, and flushes
// it.
func fillFrom(ctx context.Context, path, backup string) (err error) {
	from, err := os.Open(backup)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, readerUntil(ctx, from))
	if err := errors.Join(err, to.Close()); err != nil {
		return err
	}
	if err := rebase(ctx, path); err != nil {
		return err
	}
	return syncFile(path)
}

// rebase makes what is sent from a restored store differ from all that was sent
// after the backup, and from what another restored from the same one sends.
func rebase(ctx context.Context, path string) (err error) {
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
		return putUint64(tx.Bucket(bucketMeta), metaSalt, uint64(binary.BigEndian.Uint16(salt[:])))
	})
	var last []byte
	for err == nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = b.Update(func(tx *bbolt.Tx) error {
			last, err = raiseGenerations(tx.Bucket(bucketOwed), last)
			return err
		})
		if last == nil {
			break
		}
		releasePages(b)
	}
	return err
}

// raiseGenerations raises those of the rows of debts after a key, and returns the
// last key, nil if there are no more.
func raiseGenerations(owed *bbolt.Bucket, after []byte) (last []byte, err error) {
	type record struct{ key, value []byte }
	var raised []record
	cursor := owed.Cursor()
	k, v := cursor.Seek(after)
	if after != nil && string(k) == string(after) {
		k, v = cursor.Next()
	}
	for ; k != nil && len(raised) < restorePage; k, v = cursor.Next() {
		var w row
		if err := w.decode(v); err != nil {
			return nil, err
		}
		for n, one := range w.records {
			if w.uses(n) == 0 {
				continue
			}
			s, err := decodeDebt(0, "", one)
			if err != nil {
				return nil, err
			}
			s.Generation += generationLead
			w.records[n] = encodeShared(nil, s)
		}
		raised = append(raised, record{append([]byte(nil), k...), w.encode(nil)})
		last = raised[len(raised)-1].key
	}
	for _, r := range raised {
		if err := owed.Put(r.key, r.value); err != nil {
			return nil, err
		}
	}
	return last, nil
}
