//go:build !unix

package bolt

// releasePages does nothing where the system can't be told.
func (db *DB) releasePages() {}

// diskFree can't tell; a full disk then shows when it is written to.
func diskFree(string) (bytes int64, ok bool) { return 0, false }
