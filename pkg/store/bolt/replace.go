package bolt

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A store's file is replaced as a whole: the new one is filled under another
// name beside it, checked, flushed, and renamed. Whoever looks, and whatever
// crashes, finds the old file or the new one.
//
// The lock is on the file, not on its name. Who waited for it while the file was
// replaced would get a file without a name, and lose all that is written to it
// when it is closed. So openInPlace looks again once it has the lock.

// step is told what has been done, for tests. An error ends the work there.
type step func(done string) error

func noStep(string) error { return nil }

// tempPattern is what os.CreateTemp names files that are made for a purpose.
func tempPattern(path, purpose string) string {
	return "." + filepath.Base(path) + "." + purpose + "-*"
}

// replacement is a file in the making that is to replace a store's.
type replacement struct {
	path string // of the store
	temp string
}

// newReplacement makes an empty file beside the store, after it has removed what
// a crash may have left of others. The caller holds the store's lock, if there
// is a store.
func newReplacement(path, purpose string) (*replacement, error) {
	left, err := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(path)), escapeGlob("."+filepath.Base(path)+"."+purpose)+"-*"))
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return nil, err
		}
	}
	temp, err := os.CreateTemp(filepath.Dir(path), tempPattern(path, purpose))
	if err != nil {
		return nil, err
	}
	r := &replacement{path: path, temp: temp.Name()}
	if err := temp.Close(); err != nil {
		return nil, errors.Join(err, r.discard())
	}
	if err := r.takeOwner(); err != nil {
		return nil, errors.Join(err, r.discard())
	}
	return r, nil
}

// escapeGlob makes a pattern that means text itself.
func escapeGlob(text string) string {
	var pattern []byte
	for _, c := range []byte(text) {
		switch c {
		case '*', '?', '[', '\\':
			pattern = append(pattern, '\\')
		}
		pattern = append(pattern, c)
	}
	return string(pattern)
}

// takeOwner gives the file the owner of the store it replaces, or of the folder:
// root may do this for the daemon.
func (r *replacement) takeOwner() error {
	like, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		like, err = os.Stat(filepath.Dir(r.path))
	}
	if err != nil {
		return err
	}
	return chownLike(r.temp, like)
}

// discard removes the file, if it has not replaced the store's.
func (r *replacement) discard() error {
	if err := os.Remove(r.temp); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openInPlace opens a database for writing and makes sure, once it is locked,
// that it is still the one at path.
func openInPlace(path string, opts *bbolt.Options) (*bbolt.DB, error) {
	for {
		var file *os.File
		opts.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		}
		b, err := bbolt.Open(path, 0o600, opts)
		if err != nil {
			return nil, err
		}
		same, err := isAt(file, path)
		if err == nil && same {
			return b, nil
		}
		if err := errors.Join(err, b.Close()); err != nil {
			return nil, err
		}
	}
}

// isAt reports whether a file is the one at path.
func isAt(file *os.File, path string) (bool, error) {
	opened, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(opened, there), nil
}

// lockFile locks the file at path as bbolt does, whatever is in it.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		if err := waitForLock(ctx, file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		same, err := isAt(file, path)
		if err == nil && same {
			return file, nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
}

// InUse reports whether a process has the file at path open as its store. Where
// files can't be locked it does not know, and says no.
func InUse(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	locked, err := tryLock(file)
	if errors.Is(err, errors.ErrUnsupported) {
		locked, err = true, nil
	}
	return !locked && err == nil, errors.Join(err, file.Close())
}

// waitForLock waits as long for a lock as Open does.
func waitForLock(ctx context.Context, file *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, bolterrors.ErrTimeout)
	defer cancel()
	retry := time.NewTicker(lockTimeout / 10)
	defer retry.Stop()
	for {
		locked, err := tryLock(file)
		if err != nil || locked {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-retry.C:
		}
	}
}

// syncFile flushes a file to its disk.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
