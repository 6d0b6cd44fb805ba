//go:build unix

package file

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// fileID is what a file is to its system, whatever its name. The number of a
// file that was removed is given to another.
type fileID struct{ dev, inode uint64 }

// identify returns the numbers of a file.
func identify(info fs.FileInfo) (fileID, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, fmt.Errorf("%s: its file system gives no inode numbers", info.Name())
	}
	return fileID{dev: uint64(st.Dev), inode: st.Ino}, nil //nolint:unconvert // Dev is an int32 on macOS
}

// isRemoved reports whether an open file has no name any more.
func isRemoved(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// openFile opens a file for reading. It does not hang if a FIFO took the file's
// place in the meantime.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// closeRead closes what was only read: nothing can be lost.
func closeRead(c io.Closer) {
	_ = c.Close()
}

// refuse says why something that is no regular file can't be tailed; nil if it
// can.
func refuse(path string, mode fs.FileMode) error {
	what := "is no regular file"
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "is a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "is a FIFO"
	case mode&fs.ModeSocket != 0:
		what = "is a socket"
	case mode&fs.ModeDevice != 0:
		what = "is a device"
	}
	return fmt.Errorf("%s %s: dz tails regular files, which can be read again after a crash", path, what)
}
