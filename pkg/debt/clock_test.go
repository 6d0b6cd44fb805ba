package debt

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

func TestADebtFromTheFutureWaitsForWhatItHadYetToWait(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	window := endpoint.Window{Interval: 5 * time.Second, MaxWait: time.Minute}
	d := New(ID{}, Change{Key: "k", Event: &event.Event{Type: "AssetCreated"}, Window: window}, start)
	d.Merge(Change{Key: "k", Event: &event.Event{Type: "AssetCreated"}, Window: window}, start.Add(3*time.Second))

	if d.Rewind(start.Add(-30 * time.Second)) {
		t.Errorf("half a minute is taken for a clock that was set back")
	}
	now := start.Add(-time.Hour)
	if !d.FromFuture(now) || !d.Rewind(now) {
		t.Fatalf("an hour is not taken for a clock that was set back")
	}
	if !d.LastSeen.Equal(now) || !d.Due.Equal(now.Add(5*time.Second)) || !d.FirstSeen.Equal(now.Add(-3*time.Second)) {
		t.Errorf("seen %v to %v and due %v, want %v to %v and 5 s later", d.FirstSeen, d.LastSeen, d.Due, now.Add(-3*time.Second), now)
	}
	if !d.LastAttempt.IsZero() {
		t.Errorf("a debt that was never tried has its last attempt at %v", d.LastAttempt)
	}
	if d.Rewind(now) {
		t.Errorf("a debt is moved twice")
	}
}
