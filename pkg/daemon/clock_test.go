package daemon

import (
	"testing"
	"time"
)

func TestTheClockNoticesWhatItHasTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := newClock(func() time.Time { return now })
	step := func(d time.Duration, told, want bool) {
		t.Helper()
		now = now.Add(d)
		if told {
			c.now()
		}
		if got := c.look(); got != want {
			t.Errorf("set by %v: %t, want %t", d, got, want)
		}
	}
	step(0, true, false)
	step(time.Hour, true, false)
	step(-time.Second, true, false) // NTP
	step(-59*time.Minute, true, true)
	step(0, true, true)              // what was under way
	step(2*time.Second, true, false) // time passes
	step(time.Hour, false, false)
	step(-time.Hour, true, false) // nobody was told
	now = now.Add(time.Hour)
	c.now()
	step(-time.Hour, true, true) // forth and back between two looks
	step(2*time.Second, true, true)
	step(2*time.Second, true, false)
}

func TestAClockThatIsSetBackHoldsUpNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.stop()
		b.ahead.Store(int64(time.Hour))
		b.start()
		b.change(1, 2)
		b.wait(time.Second)
		b.stop()
		b.ahead.Store(0)
		b.start()
		b.wait(time.Minute)
		b.want(2, "a minute after the clock was set back by an hour")
	})
}

func TestAClockThatIsSetForthAndSoonBackHoldsUpNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.add("shop")
		b.wait(lookEvery + lookEvery/4)
		b.ahead.Store(int64(time.Hour))
		b.change(1, 2)
		b.wait(lookEvery / 4)
		b.ahead.Store(0)
		b.wait(time.Minute)
		b.want(2, "a minute after the clock was set back")
	})
}
