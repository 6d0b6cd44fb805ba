//go:build torture

package failpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unsafe"
)

// Now is the time of a clock that is off by what the file that ClockVariable
// names says; without one, by nothing.
//
// A clock that is set changes the time of day and not Go's monotonic reading, so
// that durations measured across it stay right. Time.Add changes both, and a
// time without the reading would be wrong where a real one is not; so the time
// of day is changed where a Time keeps it: whole seconds since 1885 in the 33
// bits above the 30 of the nanoseconds, as the package time has it.
func Now() time.Time {
	now := time.Now()
	path := os.Getenv(ClockVariable)
	if path == "" {
		return now
	}
	off, err := offset(path)
	if err != nil {
		panic(err) // a test that goes on with another clock proves nothing
	}
	const nanosecondBits = 30
	wall := (*uint64)(unsafe.Pointer(&now)) //nolint:gosec // it is a Time's first field
	*wall += uint64(int64(off/time.Second)) << nanosecondBits
	return now
}

func offset(path string) (time.Duration, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	off, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil || off%time.Second != 0 {
		return 0, fmt.Errorf("%s: %q is no duration of whole seconds", path, text)
	}
	return off, nil
}
