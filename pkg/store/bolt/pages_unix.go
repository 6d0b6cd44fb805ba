package bolt

import (
	"unsafe"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// releaseFrom is the file's size from which it pays to give pages back, in bytes.
const releaseFrom = 32 << 20

// releasePages gives the pages of the mapped file back to the system. They are
// counted as this process's memory once they were read, as all of them are when
// the file is opened; the system's cache keeps them, and reading one again
// costs little.
func (db *DB) releasePages() {
	// A page that stays mapped does no harm, so no error is one.
	_ = db.view(func(tx *bbolt.Tx) error {
		size := tx.Size() // within the mapping, which can't move during a transaction
		if size < releaseFrom {
			return nil
		}
		info := db.bolt.Info()
		data := *(*unsafe.Pointer)(unsafe.Pointer(&info.Data))
		return unix.Madvise(unsafe.Slice((*byte)(data), size), unix.MADV_DONTNEED)
	})
}
