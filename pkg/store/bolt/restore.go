package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

// Restoration says what a restore did.
type Restoration struct {
	Inspection        // of the store as it is now
	Kept       string // the name that the store before has now; "" if there was none
	// FormatBefore is the format of the backup, which is not changed.
	FormatBefore int
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
	if err := fillFrom(ctx, r.temp, backup, now); err != nil {
		return done, explainWrite(err)
	}
	if err := did("copied"); err != nil {
		return done, err
	}
	if done.Inspection, err = InspectFile(ctx, r.temp); err != nil {
		return done, fmt.Errorf("check the copy: %w", err)
	}
	failpoint.Reach(failpoint.RestoreCopied)
	done.Path, done.FormatBefore = path, found.Format
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
func fillFrom(ctx context.Context, path, backup string, now time.Time) (err error) {
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
	if err := rebase(ctx, path, now); err != nil {
		return err
	}
	return syncFile(path)
}
