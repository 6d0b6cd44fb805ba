package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

func isAny(*bbolt.DB) bool { return true }

// patientOptions wait for the lock longer than Open does.
func patientOptions() *bbolt.Options {
	return &bbolt.Options{Timeout: 20 * time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType}
}

// waitForReader waits until this process has a file open twice: once more than
// it is mapped by who replaces it.
func waitForReader(path string) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for range 10_000 {
		links, err := filepath.Glob("/proc/self/fd/*")
		if err != nil || len(links) == 0 {
			return err // there is no /proc: the order is left to chance
		}
		n := 0
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && to == path {
				n++
			}
		}
		if n >= 2 {
			return nil
		}
		<-look.C
	}
	return fmt.Errorf("nobody waits for %s", path)
}
