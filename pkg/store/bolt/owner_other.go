//go:build !unix

package bolt

import (
	"errors"
	"io/fs"
	"os"
)

// chownLike does nothing where files have no such owner.
func chownLike(string, fs.FileInfo) error { return nil }

// tryLock can't lock where there is no flock(2).
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
