//go:build !torture

package cmd

import "time"

// systemClock tells the time.
func systemClock() func() time.Time { return time.Now }
