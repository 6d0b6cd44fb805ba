package endpoint

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dam-delivery/dz/pkg/timespan"
)

func TestDefaultScheduleMakesTenAttemptsIn75Hours(t *testing.T) {
	t.Parallel()
	s := DefaultSchedule()
	if got := s.String(); got != "5s,5m,30m,2h,5h,10h,14h,20h,24h" {
		t.Errorf("schedule %s", got)
	}
	attempts, total := 1, time.Duration(0) // the first at once
	for {
		delay, again := s.Next(attempts, 0)
		if !again {
			break
		}
		attempts++
		total += delay
	}
	if attempts != 10 || total.Round(time.Hour) != 76*time.Hour || total != 75*time.Hour+35*time.Minute+5*time.Second {
		t.Errorf("%d attempts in %s", attempts, total)
	}
}

func TestNextKeepsToTheSchedule(t *testing.T) {
	t.Parallel()
	s := Schedule{timespan.Span(10 * time.Second), timespan.Span(time.Minute)}
	for _, c := range []struct {
		failed int
		jitter float64
		delay  time.Duration
		again  bool
	}{
		{0, 0, 0, true},
		{1, 0, 10 * time.Second, true},
		{1, 0.5, 10500 * time.Millisecond, true},
		{2, 0, time.Minute, true},
		{3, 0, 0, false},
		{1000, 0, 0, false},
	} {
		if delay, again := s.Next(c.failed, c.jitter); delay != c.delay || again != c.again {
			t.Errorf("after %d failures with jitter %v: %s, %v; want %s, %v", c.failed, c.jitter, delay, again, c.delay, c.again)
		}
	}
	if _, again := new(Schedule).Next(1, 0); again {
		t.Error("an empty schedule retries")
	}
}

func TestJitterLengthensByATenthAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plain := time.Duration(rapid.Int64Range(0, int64(30*24*time.Hour)).Draw(rt, "delay"))
		jitter := rapid.Float64Range(0, 0.999999).Draw(rt, "jitter")
		delay, again := Schedule{timespan.Span(plain)}.Next(1, jitter)
		if !again || delay < plain || delay > plain+plain/10+1 {
			rt.Fatalf("%s became %s with jitter %v", plain, delay, jitter)
		}
	})
}

func TestScheduleReadsTextAndArrays(t *testing.T) {
	t.Parallel()
	want := Schedule{timespan.Span(5 * time.Second), timespan.Span(5 * time.Minute)}
	for _, raw := range []string{`"5s,5m"`, `" 5s , 00:05:00 "`, `["5s","5m"]`, `["00:00:05","300s"]`} {
		var got Schedule
		if err := json.Unmarshal([]byte(raw), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %s, %v", raw, got, err)
		}
	}
	got := Schedule{1}
	if err := json.Unmarshal([]byte(`null`), &got); err != nil || got != nil {
		t.Errorf("null: %s, %v", got, err)
	}
	raw, err := json.Marshal(want)
	if err != nil || string(raw) != `["5s","5m"]` {
		t.Errorf("it prints %s, %v", raw, err)
	}
}

func TestScheduleSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`""`:                                     "a duration is empty",
		`"5s,"`:                                  "a duration is empty",
		`"5s,x"`:                                 `duration "x" can't be read`,
		`"-5s"`:                                  "negative",
		`"5"`:                                    "has no unit",
		`["5s","-1"]`:                            "negative",
		`[5]`:                                    "write an array of durations",
		`5`:                                      "write an array of durations",
		`{}`:                                     "write an array of durations",
		`"` + strings.Repeat("1s,", 100) + `1s"`: "101 delays are more than 100",
	} {
		var s Schedule
		if err := json.Unmarshal([]byte(raw), &s); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "retry schedule") {
			t.Errorf("%.40s: %v, want %q", raw, err, want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, seed := range []string{"5s,5m,30m", "00:00:05", "", ",", "5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := ParseSchedule(s.String())
		if err != nil || !slices.Equal(s, again) {
			t.Fatalf("%q is %s, which reads back as %s, %v", text, s, again, err)
		}
	})
}
