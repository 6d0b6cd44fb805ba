package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
	gometrics "runtime/metrics"
	"time"
)

// The collector of garbage begins anew when the heap has doubled. dz's is small,
// some megabytes, whatever it delivers: at full speed it doubles every few
// milliseconds, and collecting takes a fifth of the processor's time.
const (
	// usualPercent is Go's own.
	usualPercent = 100
	// dz is at work when so many collections have each followed another so soon; a
	// start takes some too.
	hurried      = 250 * time.Millisecond
	hurriedAtAll = 5
	// roomAtWork is how many bytes are allocated between two collections then, at
	// least; and so how much larger the process is.
	roomAtWork = 48 << 20
)

// CollectSeldom has garbage be collected less often for as long as there is much
// of it. It is for the whole process, once; and does nothing if the variable GOGC
// says how often. now is the clock.
func CollectSeldom(now func() time.Time) {
	if os.Getenv("GOGC") != "" {
		return
	}
	g := &garbage{percent: usualPercent, last: now()}
	// A finalizer runs after the collection that finds its object unused.
	var again func(*[32]byte)
	again = func(object *[32]byte) {
		g.collected(now(), liveHeap())
		runtime.SetFinalizer(object, again)
	}
	runtime.SetFinalizer(new([32]byte), again)
}

// garbage is what is known of the last collections.
type garbage struct {
	last    time.Time
	hurried int // how many have followed each other
	percent int // is set
}

// collected sets when the next collection is due, after one that left so many bytes
// in use.
func (g *garbage) collected(now time.Time, live uint64) {
	if g.hurried++; now.Sub(g.last) >= hurried {
		g.hurried = 0
	}
	g.last = now
	percent := usualPercent
	if g.hurried >= hurriedAtAll {
		percent = max(percent, int(100*roomAtWork/max(live, 1<<20)))
	}
	if percent != g.percent {
		g.percent = percent
		debug.SetGCPercent(percent)
	}
}

// liveHeap is how many bytes the last collection left in use.
func liveHeap() uint64 {
	sample := []gometrics.Sample{{Name: "/gc/heap/live:bytes"}}
	gometrics.Read(sample)
	if sample[0].Value.Kind() != gometrics.KindUint64 {
		return roomAtWork // this Go does not say it
	}
	return sample[0].Value.Uint64()
}
