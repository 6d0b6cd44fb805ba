package bolt

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockHolder names the process that has the file locked, as /proc/locks tells:
// "1: FLOCK  ADVISORY  WRITE 4711 08:02:1234 0 EOF".
func lockHolder(path string) string {
	const unknown = "another process"
	info, err := os.Stat(path)
	if err != nil {
		return unknown
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	inode := fmt.Sprintf(":%d", stat.Ino)
	lines := bufio.NewScanner(bytes.NewReader(locks))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) || fields[4] == "0" {
			continue
		}
		if name, err := os.ReadFile("/proc/" + fields[4] + "/comm"); err == nil {
			return fmt.Sprintf("process %s (%s)", fields[4], strings.TrimSpace(string(name)))
		}
	}
	return unknown
}
