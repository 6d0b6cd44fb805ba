package endpoint

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/attempt"
)

// clock is when an outcome in a test happened.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)} }

func (c *clock) pass(d time.Duration) time.Time {
	c.now = c.now.Add(d)
	return c.now
}

// outcome is of an attempt that began and ended now.
func (c *clock) outcome(verdict attempt.Verdict) attempt.Outcome {
	o := attempt.Outcome{Verdict: verdict, Reason: attempt.ServerError, Status: 500, Error: "answered 500", Started: c.now}
	if verdict == attempt.Delivered {
		o.Reason, o.Status, o.Error = attempt.OK, 200, ""
	}
	return o
}

// sick returns the health of an endpoint that has just fallen sick.
func sick(c *clock) Health {
	var h Health
	for range sickAfter {
		h = h.After(c.outcome(attempt.Unavailable))
	}
	return h
}

func TestANewEndpointIsHealthy(t *testing.T) {
	t.Parallel()
	var h Health
	if got := h.Permit(newClock().now, true, 8); got != (Permit{Slots: 8}) || h.State(true) != Healthy {
		t.Errorf("%s, %+v", h.State(true), got)
	}
}

func TestFiveFailuresInARowMakeItSick(t *testing.T) {
	t.Parallel()
	c := newClock()
	var h Health
	for range sickAfter - 1 {
		h = h.After(c.outcome(attempt.Unavailable))
		if h.State(true) != Healthy || h.Permit(c.now, true, 8).Slots != 8 {
			t.Fatalf("sick after %d failures", h.Failures)
		}
	}
	h = h.After(c.outcome(attempt.Delivered))
	for range sickAfter - 1 {
		h = h.After(c.outcome(attempt.Unavailable))
	}
	if h.State(true) != Healthy {
		t.Error("a success in between does not count")
	}
	h = h.After(c.outcome(attempt.Unavailable))
	if h.State(true) != Sick || h.LastError != "answered 500" || h.LastStatus != 500 || h.LastReason != attempt.ServerError {
		t.Errorf("%s: %+v", h.State(true), h)
	}
}

func TestASickEndpointIsProbedByOneRequestAtGrowingDistances(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := sick(c)
	for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		want := time.Duration(seconds) * time.Second
		if got := h.Permit(c.now, true, 8); got != (Permit{Until: c.now.Add(want)}) {
			t.Fatalf("probe %d: %+v, want none for %s", i, got, want)
		}
		if got := h.Permit(c.now.Add(want-1), true, 8); got.Slots != 0 {
			t.Fatalf("probe %d came too early", i)
		}
		if got := h.Permit(c.pass(want), true, 8); got != (Permit{Slots: 1}) {
			t.Fatalf("probe %d: %+v, want one slot", i, got)
		}
		h = h.After(c.outcome(attempt.Unavailable))
	}
}

func TestAProbeThatSucceedsOpensTheEndpoint(t *testing.T) {
	t.Parallel()
	for _, verdict := range []attempt.Verdict{attempt.Delivered, attempt.Refused} {
		c := newClock()
		h := sick(c)
		c.pass(time.Second)
		h = h.After(c.outcome(verdict))
		if got := h.Permit(c.now, true, 8); h.State(true) != Healthy || got.Slots != 8 || h.Failures != 0 || h.Probes != 0 {
			t.Errorf("%s: %s, %+v", verdict, h.State(true), got)
		}
		if verdict == attempt.Delivered && (h.LastError != "" || h.LastReason != "" || !h.LastSuccess.Equal(c.now)) {
			t.Errorf("after a success: %+v", h)
		}
		if verdict == attempt.Refused && (h.LastError == "" || !h.LastSuccess.IsZero()) {
			t.Errorf("after a refusal: %+v", h)
		}
	}
}

func TestAttemptsUnderWayWhenItFellSickAreNoProbes(t *testing.T) {
	t.Parallel()
	c := newClock()
	under := c.outcome(attempt.Unavailable)
	under.Duration = 10 * time.Second
	c.pass(5 * time.Second)
	h := sick(c)
	h = h.After(under)
	if h.Probes != 0 || !h.NotBefore.Equal(c.now.Add(firstProbe)) {
		t.Errorf("%d probes, next at %s", h.Probes, h.NotBefore.Sub(c.now))
	}
}

func TestRefusalsSayNothingAgainstTheReceiver(t *testing.T) {
	t.Parallel()
	c := newClock()
	var h Health
	for range 100 {
		h = h.After(c.outcome(attempt.Refused))
	}
	if h.State(true) != Healthy || h.LastError == "" {
		t.Errorf("%s: %+v", h.State(true), h)
	}
}

func TestRetryAfterHoldsTheWholeEndpointBackInFull(t *testing.T) {
	t.Parallel()
	c := newClock()
	asked := c.outcome(attempt.Unavailable)
	asked.NotBefore = c.now.Add(time.Hour)
	h := Health{}.After(asked)
	if got := h.Permit(c.now.Add(time.Hour-1), true, 8); got != (Permit{Until: asked.NotBefore}) || h.State(true) != Sick {
		t.Errorf("%s, %+v", h.State(true), got)
	}

	// Others were under way; what they come to shortens nothing.
	c.pass(time.Second)
	for _, verdict := range []attempt.Verdict{attempt.Delivered, attempt.Refused, attempt.Unavailable} {
		after := h.After(c.outcome(verdict))
		if got := after.Permit(c.now, true, 8); got != (Permit{Until: asked.NotBefore}) {
			t.Errorf("after one %s: %+v", verdict, got)
		}
	}
	shorter := c.outcome(attempt.Unavailable)
	shorter.NotBefore = c.now.Add(time.Minute)
	if got := h.After(shorter).Permit(c.now, true, 8); got != (Permit{Until: asked.NotBefore}) {
		t.Errorf("after a shorter wish: %+v", got)
	}

	// Then it is probed, and a success opens it.
	c.pass(time.Hour)
	if got := h.Permit(c.now, true, 8); got != (Permit{Slots: 1}) {
		t.Errorf("when it is over: %+v", got)
	}
	h = h.After(c.outcome(attempt.Delivered))
	if got := h.Permit(c.now, true, 8); got != (Permit{Slots: 8}) || !h.RetryAfter.IsZero() {
		t.Errorf("after a success: %+v, %+v", got, h)
	}
}

func TestGonePausesUntilAPersonSwitchesItOn(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := Health{}.After(c.outcome(attempt.Gone))
	h = h.After(c.outcome(attempt.Delivered)) // was under way
	if got := h.Permit(c.pass(365*24*time.Hour), true, 8); h.State(true) != Paused || got != (Permit{}) {
		t.Errorf("%s, %+v", h.State(true), got)
	}
	if h.Reset(time.Time{}).State(true) != Healthy {
		t.Error("it is still gone")
	}
}

func TestResetForgetsWhatHeldItBack(t *testing.T) {
	t.Parallel()
	c := newClock()
	asked := c.outcome(attempt.Unavailable)
	asked.NotBefore = c.now.Add(time.Hour)
	before := sick(c).After(asked)
	h := before.Reset(time.Time{})
	if got := h.Permit(c.now, true, 8); got != (Permit{Slots: 8}) || h.Revision <= before.Revision || h.LastError == "" {
		t.Errorf("%+v, %+v", got, h)
	}
}

func TestADisabledEndpointHasNoSlots(t *testing.T) {
	t.Parallel()
	c := newClock()
	for _, h := range []Health{{}, sick(c), {Gone: true}} {
		if got := h.Permit(c.now.Add(time.Hour), false, 8); got != (Permit{}) || h.State(false) != Disabled {
			t.Errorf("%s, %+v", h.State(false), got)
		}
	}
}

func TestAnAbortedAttemptCountsAgainstNobody(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := sick(c)
	c.pass(time.Minute)
	if got := h.After(c.outcome(attempt.Aborted)); got != h {
		t.Errorf("%+v, want %+v", got, h)
	}
}

func TestAClockSetBackHoldsNobody(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := sick(c)
	if got := h.Permit(c.now.Add(-24*time.Hour), true, 8); got != (Permit{Slots: 1}) {
		t.Errorf("%+v, want a probe", got)
	}
	// A moment read just before the outcome is no clock set back.
	if got := h.Permit(c.now.Add(-time.Second), true, 8); got.Slots != 0 {
		t.Errorf("%+v, want none", got)
	}
	c.pass(-24 * time.Hour)
	h = h.After(c.outcome(attempt.Unavailable))
	if got := h.Permit(c.now, true, 8); got.Slots != 0 || got.Until.Sub(c.now) > lastProbe {
		t.Errorf("after a probe: %+v", got)
	}
}

// A time that keeps Go's monotonic reading is compared by it with others that do,
// and a clock that was set back goes unnoticed: an endpoint that had fallen sick
// shortly before was left alone until the old time came again.
func TestHealthKeepsTimesOfDayAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	failed := attempt.Outcome{
		Verdict: attempt.Unavailable, Reason: attempt.RateLimited, Status: 429, Started: now, NotBefore: now.Add(time.Minute),
	}
	delivered := attempt.Outcome{Verdict: attempt.Delivered, Reason: attempt.OK, Status: 200, Started: now}
	var h Health
	h = h.Reset(now).After(failed).After(delivered).After(failed)
	for name, at := range map[string]time.Time{
		"Since": h.Since, "SickSince": h.SickSince, "NotBefore": h.NotBefore, "RetryAfter": h.RetryAfter,
		"LastAttempt": h.LastAttempt, "LastSuccess": h.LastSuccess, "LastFailure": h.LastFailure,
	} {
		if at.IsZero() || strings.Contains(at.String(), "m=") {
			t.Errorf("%s is %v", name, at)
		}
	}
}

// Whatever happens, an endpoint that is switched on and not gone is asked again
// within a minute, or when it asked for.
func TestNoHealthIsWithoutEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		var h Health
		latest := c.now
		for range rapid.IntRange(1, 40).Draw(rt, "attempts") {
			c.pass(time.Duration(rapid.IntRange(0, 90).Draw(rt, "pass")) * time.Second)
			o := c.outcome(rapid.SampledFrom([]attempt.Verdict{
				attempt.Delivered, attempt.Refused, attempt.Unavailable, attempt.Unavailable, attempt.Aborted,
			}).Draw(rt, "verdict"))
			if o.Verdict == attempt.Unavailable && rapid.Bool().Draw(rt, "asks") {
				o.NotBefore = c.now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "for")) * time.Second)
				latest = later(latest, o.NotBefore)
			}
			h = h.After(o)
			limit := later(latest, c.now.Add(lastProbe))
			switch permit := h.Permit(c.now, true, 8); {
			case permit.Slots == 0 && (permit.Until.IsZero() || permit.Until.After(limit) || !permit.Until.After(c.now)):
				rt.Fatalf("%+v at %s; %+v", permit, c.now, h)
			case permit.Slots > 0 && c.now.Before(latest):
				rt.Fatalf("%d slots before %s: %+v", permit.Slots, latest, h)
			}
			if h.Permit(limit, true, 8).Slots == 0 {
				rt.Fatalf("no slot at %s: %+v", limit, h)
			}
		}
	})
}
