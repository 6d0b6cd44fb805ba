package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/timespan"
)

// maxRetries bounds a schedule's length.
const maxRetries = 100

// maxJitter is the part of a delay that is added at most. Jitter only ever
// lengthens a delay: a receiver is never asked sooner than promised.
const maxJitter = 0.1

// Schedule holds the delays between one failed attempt and the next. The first
// attempt is made at once, so a schedule of n delays makes n+1 attempts.
type Schedule []timespan.Span

// DefaultSchedule makes ten attempts within about 75 hours: at once, then after
// 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h.
func DefaultSchedule() Schedule {
	return Schedule{
		timespan.Span(5 * time.Second), timespan.Span(5 * time.Minute), timespan.Span(30 * time.Minute),
		timespan.Span(2 * time.Hour), timespan.Span(5 * time.Hour), timespan.Span(10 * time.Hour),
		timespan.Span(14 * time.Hour), timespan.Span(20 * time.Hour), timespan.Span(24 * time.Hour),
	}
}

// Next returns the delay after the given number of failed attempts (≥ 1), or
// false if no attempt is left. jitter in [0,1) lengthens the delay by up to a
// tenth.
func (s Schedule) Next(failed int, jitter float64) (time.Duration, bool) {
	if failed < 1 {
		return 0, true
	}
	if failed > len(s) {
		return 0, false
	}
	delay := s[failed-1].Std()
	return delay + time.Duration(float64(delay)*maxJitter*jitter), true
}

// ParseSchedule reads delays separated by commas ("5s,5m,30m").
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for _, part := range strings.Split(text, ",") {
		span, err := timespan.Parse(part)
		if err != nil {
			return nil, fmt.Errorf("retry schedule: %w", err)
		}
		s = append(s, span)
	}
	return s, s.validate()
}

func (s Schedule) validate() error {
	if len(s) > maxRetries {
		return fmt.Errorf("retry schedule: %d delays are more than %d", len(s), maxRetries)
	}
	return nil
}

// String joins the delays with commas.
func (s Schedule) String() string {
	parts := make([]string, len(s))
	for i, span := range s {
		parts[i] = span.String()
	}
	return strings.Join(parts, ",")
}

// UnmarshalJSON reads an array of durations or one text with commas; null is no
// schedule.
func (s *Schedule) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*s = nil
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		parsed, err := ParseSchedule(text)
		if err != nil {
			return err
		}
		*s = parsed
		return nil
	}
	var spans []timespan.Span
	if err := json.Unmarshal(raw, &spans); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			err = errors.New(`write an array of durations such as ["5s","5m"]`)
		}
		return fmt.Errorf("retry schedule: %w", err)
	}
	*s = spans
	return nil
}
