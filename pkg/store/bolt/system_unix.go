//go:build unix

package bolt

import (
	"unsafe"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// releaseFrom is the file's size from which it pays to give pages back, in bytes.
const releaseFrom = 32 << 20

// releasePages gives the pages of a mapped file back to the system. They are
// counted as this process's memory once they were read, as all of them are when
// the file is opened; the system's cache keeps them, and reading one again
// costs little.
func releasePages(b *bbolt.DB) {
	// A page that stays mapped does no harm, so no error is one.
	_ = b.View(func(tx *bbolt.Tx) error {
		size := tx.Size() // within the mapping, which can't move during a transaction
		if size < releaseFrom {
			return nil
		}
		info := b.Info()
		data := *(*unsafe.Pointer)(unsafe.Pointer(&info.Data)) //nolint:gosec // bbolt tells the mapping's address as a number
		mapped := unsafe.Slice((*byte)(data), size)            //nolint:gosec // never read here, only named to the system
		return unix.Madvise(mapped, unix.MADV_DONTNEED)
	})
}

// diskFree returns how many bytes this process may still write to the disk that
// holds path; not ok if the system does not say.
func diskFree(path string) (bytes int64, ok bool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * int64(fs.Bsize), true //nolint:unconvert // types differ between systems
}
