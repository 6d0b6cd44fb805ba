//go:build !linux

package bolt

import "testing"

func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	t.Skip("no disk to fill: only Linux mounts one in memory")
	return ""
}

func isNoSpace(error) bool { return false }
