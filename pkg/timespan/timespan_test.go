package timespan

import (
	"strings"
	"testing"
	"time"
)

func TestParseReadsBothForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"7s":               7 * time.Second,
		"1h30m":            90 * time.Minute,
		"250ms":            250 * time.Millisecond,
		"0":                0,
		"0s":               0,
		" 5s ":             5 * time.Second,
		"00:00:07":         7 * time.Second,
		"0:0:7":            7 * time.Second,
		"7.00:00:00":       7 * 24 * time.Hour,
		"1.02:03:04.5":     26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"00:00:00.0000001": 100 * time.Nanosecond,
		"23:59:59.9999999": 24*time.Hour - 100*time.Nanosecond,
	} {
		got, err := Parse(text)
		if err != nil || got.Std() != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "empty",
		"-5s":                   "negative",
		"-00:00:05":             "negative",
		"5":                     `has no unit: write "5s"`,
		"1.5":                   "has no unit",
		"five":                  "can't be read",
		"00:07":                 "hours, minutes and seconds",
		"24:00:00":              "hours are more than 23",
		"00:60:00":              "minutes are more than 59",
		"00:00:61":              "seconds are more than 59",
		"00:00:+1":              "not a digit",
		"00:00:01.":             "1 to 7 digits",
		"00:00:01.12345678":     "1 to 7 digits",
		".00:00:01":             "days are missing",
		"99999999999.00:00:00":  "days are more than",
		"2000000000.00:00:00":   "at most 106750 days",
		"99999999999999999999h": "can't be read",
	} {
		got, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v; want an error with %q", text, got, err, want)
		}
	}
}

func TestStringLeavesOutZeroUnits(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration]string{
		0: "0s", 5 * time.Minute: "5m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		10 * time.Second: "10s", time.Hour + time.Second: "1h0m1s", 20 * time.Hour: "20h",
	} {
		if got := Span(span).String(); got != want {
			t.Errorf("%v prints %q, want %q", span, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"7s", "00:00:07", "7.00:00:00", "1.02:03:04.5", "-1s", "::", "106750.23:59:59.9999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := Parse(text)
		if err != nil {
			return
		}
		if span < 0 {
			t.Fatalf("Parse(%q) = %v: negative", text, span)
		}
		again, err := Parse(span.String())
		if err != nil || again != span {
			t.Fatalf("Parse(%q) = %v, which prints %q and reads back as %v, %v", text, span.Std(), span, again, err)
		}
	})
}
