package daemon

import (
	"runtime/debug"
	"testing"
	"time"
)

// The heap may grow by the room at work, or double, while collections follow each
// other; and no more than double when there is little to collect.
func TestGarbageIsCollectedSeldomAtWorkAlone(t *testing.T) {
	before := debug.SetGCPercent(usualPercent)
	defer debug.SetGCPercent(before)
	begun := time.Now()
	g := &garbage{last: begun, percent: usualPercent}
	for _, step := range []struct {
		name  string
		after time.Duration
		live  uint64
		room  uint64
	}{
		{"it has just begun, with a small heap", 10 * time.Millisecond, 6 << 20, 6 << 20},
		{"and goes on", 20 * time.Millisecond, 6 << 20, 6 << 20},
		{"and goes on", 30 * time.Millisecond, 6 << 20, 6 << 20},
		{"and goes on", 40 * time.Millisecond, 6 << 20, 6 << 20},
		{"it is at work", 50 * time.Millisecond, 12 << 20, roomAtWork},
		{"with a heap that is large", 60 * time.Millisecond, 100 << 20, 100 << 20},
		{"and small again", 200 * time.Millisecond, 8 << 20, roomAtWork},
		{"at rest", 2 * time.Minute, 12 << 20, 12 << 20},
		{"looked at once", 2*time.Minute + time.Millisecond, 12 << 20, 12 << 20},
	} {
		g.collected(begun.Add(step.after), step.live)
		percent := debug.SetGCPercent(g.percent)
		if room := step.live * uint64(percent) / 100; room < step.room*9/10 || room > step.room {
			t.Errorf("%s: %d bytes may grow by %d, want %d", step.name, step.live, room, step.room)
		}
	}
}
