//go:build unix

package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// chownLike gives a file the owner and the group of another.
func chownLike(path string, like fs.FileInfo) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	want, ok := like.Sys().(*syscall.Stat_t)
	is, alsoOK := info.Sys().(*syscall.Stat_t)
	if !ok || !alsoOK || (want.Uid == is.Uid && want.Gid == is.Gid) {
		return nil
	}
	err = os.Chown(path, int(want.Uid), int(want.Gid))
	if errors.Is(err, fs.ErrPermission) && want.Uid == is.Uid {
		return nil // a group of which this user is no member; the file is for its owner alone
	}
	if err != nil {
		return fmt.Errorf("%w: run this as root or as user %d, whose store it is", err, want.Uid)
	}
	return nil
}

// tryLock locks a file for this process alone, as bbolt does.
func tryLock(file *os.File) (bool, error) {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
