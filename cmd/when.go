package cmd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/timespan"
)

// when is a flag for a moment: a length of time before now, or a date.
type when struct {
	now  func() time.Time
	text string
	time *time.Time // nil if it was not given
}

func (w *when) String() string { return w.text }
func (w *when) Type() string   { return "time" }

// Set reads 2h, 7d, 00:30:00, 2026-11-21, or RFC 3339.
func (w *when) Set(text string) error {
	moment, err := parseWhen(text, w.now())
	if err != nil {
		return err
	}
	w.text, w.time = text, &moment
	return nil
}

// orZero returns the moment, the zero time if it was not given.
func (w *when) orZero() time.Time {
	if w.time == nil {
		return time.Time{}
	}
	return *w.time
}

func parseWhen(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if moment, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return moment, nil
		}
	}
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if span, err := timespan.Parse(text); err == nil {
		return now.Add(-span.Std()), nil
	}
	return time.Time{}, fmt.Errorf(`%q is no time: write how long ago ("2h", "7d") or when ("2026-11-21", "2026-11-21T10:00:00Z")`, text)
}
