package bolt

import (
	"errors"
	"syscall"
	"testing"
)

// smallDisk mounts a disk of 40 MiB, in memory.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=40m"); err != nil {
		t.Skipf("no disk to fill: mounting one needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func isNoSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) }
