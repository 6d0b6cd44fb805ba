//go:build torture

package cmd

import (
	"time"

	"github.com/dam-delivery/dz/pkg/failpoint"
)

// systemClock tells the time of a clock that scripts/torture can set.
func systemClock() func() time.Time { return failpoint.Now }
