package timespan

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
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
		"5":                     `has no unit: write "5s" or "00:00:05"`,
		"100":                   `has no unit: write "100s" or "00:01:40"`,
		"90000":                 `has no unit: write "90000s" or "1.01:00:00"`,
		"1.5":                   `has no unit: write "1.5s" or "00:00:01.5"`,
		"1e3":                   `has no unit: write "5s" or "00:00:05"`,
		"Inf":                   `has no unit: write "5s" or "00:00:05"`,
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

// clock is .NET's constant form, with any number of digits.
var clock = regexp.MustCompile(`^(?:([0-9]+)\.)?([0-9]+):([0-9]+):([0-9]+)(?:\.([0-9]{1,7}))?$`)

// clockSpan reads .NET's form in another way than Parse does: nil if text is
// not of that form, or too large for a Span.
func clockSpan(text string) *big.Int {
	match := clock.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil {
		return nil
	}
	match[5] += strings.Repeat("0", 7-len(match[5]))
	sum := new(big.Int)
	for i, unit := range []struct{ limit, nanoseconds int64 }{
		{106750, int64(24 * time.Hour)}, {23, int64(time.Hour)}, {59, int64(time.Minute)}, {59, int64(time.Second)}, {9_999_999, 100},
	} {
		n, ok := new(big.Int).SetString("0"+match[i+1], 10)
		if !ok || n.Cmp(big.NewInt(unit.limit)) > 0 {
			return nil
		}
		sum.Add(sum, n.Mul(n, big.NewInt(unit.nanoseconds)))
	}
	return sum
}

// What is read is what .NET or Go means by it, is never negative, and is printed
// so that it reads back; what is neither's is refused.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"7s", "00:00:07", "7.00:00:00", "1.02:03:04.5", "-1s", "::", "106750.23:59:59.9999999", "106751.00:00:00", "24:00:00",
		"-00:00:01", "+1h", "0", "-0", "5", "1e3s", ".5h", "1h-2m", "9223372036854775807ns", " 1us ", "00:00:07.", "0x1p4", "٣s",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		span, err := Parse(text)
		if strings.Contains(text, ":") {
			if want := clockSpan(text); (want == nil) != (err != nil) || want != nil && want.Cmp(big.NewInt(int64(span))) != 0 {
				t.Fatalf("Parse(%q) = %d, %v; .NET means %v", text, span, err, want)
			}
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "duration ") && !strings.HasPrefix(err.Error(), "a duration ") || !utf8.ValidString(err.Error()) {
				t.Fatalf("Parse(%q) is refused with %q", text, err)
			}
			return
		}
		if span < 0 {
			t.Fatalf("Parse(%q) = %v: negative", text, span)
		}
		if d, err := time.ParseDuration(strings.TrimSpace(text)); err == nil && d != span.Std() {
			t.Fatalf("Parse(%q) = %v; Go means %v", text, span, d)
		}
		again, err := Parse(span.String())
		if err != nil || again != span {
			t.Fatalf("Parse(%q) = %v, which prints %q and reads back as %v, %v", text, span.Std(), span, again, err)
		}
	})
}
