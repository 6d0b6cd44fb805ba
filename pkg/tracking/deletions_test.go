package tracking_test

import (
	"testing"
	"time"

	"github.com/dam-delivery/dz/pkg/tracking"
)

func TestDeletionsAreOfLateForTenMinutes(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	var d tracking.Deletions
	for minute := range 20 {
		d = d.Add(2, at(minute))
	}
	for _, tt := range []struct {
		name    string
		now     int
		recent  uint64
		rewound uint64 // five minutes later, when those from the future were moved to now
	}{
		{"at once", 19, 20, 10},
		{"later", 24, 10, 0},
		{"when all have passed", 29, 0, 0},
		{"the clock was set back by less than a minute", 18, 20, 12},
		{"the clock was set back by nine minutes", 10, 20, 20},
		{"the clock was set back by a year", -365 * 24 * 60, 20, 20},
	} {
		if got := d.Recent(at(tt.now)); got != tt.recent {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.recent)
		}
		moved, _ := d.Rewind(at(tt.now))
		if got := moved.Recent(at(tt.now)); got != tt.recent {
			t.Errorf("%s, moved: %d, want %d", tt.name, got, tt.recent)
		}
		if got := moved.Recent(at(tt.now + 5)); got != tt.rewound {
			t.Errorf("%s, moved, five minutes later: %d, want %d", tt.name, got, tt.rewound)
		}
		if again, ahead := moved.Rewind(at(tt.now)); ahead {
			t.Errorf("%s: there is something to move in %v", tt.name, again)
		}
	}
}

// What is held when the clock is set back was not looked at by who released others.
func TestAReleaseFromTheFutureIsForgotten(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	d := tracking.Deletions{Released: noon}.Add(1, noon)
	for back, forgotten := range map[time.Duration]bool{-time.Hour: false, 0: false, time.Minute: false, 61 * time.Second: true} {
		got, moved := d.Rewind(noon.Add(-back))
		if moved != forgotten || got.Released.IsZero() != forgotten {
			t.Errorf("set back by %s: moved %v, released %s", back, moved, got.Released)
		}
	}
}
