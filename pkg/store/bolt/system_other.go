//go:build !unix

package bolt

import "go.etcd.io/bbolt"

// releasePages does nothing where the system can't be told.
func releasePages(*bbolt.DB) {}

// diskFree can't tell; a full disk then shows when it is written to.
func diskFree(string) (bytes int64, ok bool) { return 0, false }
