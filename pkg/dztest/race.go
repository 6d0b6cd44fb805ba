package dztest

import (
	"runtime/debug"
	"slices"
)

// RaceDetected reports whether the test was built with -race, which makes minutes
// of seconds and takes memory of its own.
func RaceDetected() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
