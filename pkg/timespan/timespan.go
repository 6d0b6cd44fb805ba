// Package timespan reads and prints lengths of time the way both sides of a
// delivery write them: Go's ("7s", "1h30m") and .NET's TimeSpan constant form
// ("00:00:07", "7.00:00:00"), which the configuration of a DAM carries.
//
// A time span in dz is never negative.
package timespan

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Span is a length of time, ≥ 0, in nanoseconds. Its zero value is no time at
// all. It marshals as Go's form and unmarshals from either.
type Span time.Duration

// Std returns s as the standard library's type.
func (s Span) Std() time.Duration { return time.Duration(s) }

// String prints Go's form without the zero units at its end: "5m", not "5m0s".
func (s Span) String() string {
	text := time.Duration(s).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText prints Go's form.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads either form; see Parse for the errors.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = d
	return nil
}

// Set reads either form. With String and Type it makes a Span a command line flag.
func (s *Span) Set(text string) error { return s.UnmarshalText([]byte(text)) }

// Type names the flag's value in help texts.
func (s *Span) Type() string { return "duration" }

// Parse reads Go's form or .NET's constant form [d.]hh:mm:ss[.fffffff]
// (https://learn.microsoft.com/dotnet/standard/base-types/standard-timespan-format-strings).
// It refuses negative spans, and bare numbers other than 0: .NET reads "5" as
// five days, most people mean seconds.
func Parse(text string) (Span, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return 0, errors.New(`a duration is empty: write "5s" or "00:00:05"`)
	case strings.HasPrefix(text, "-"):
		return 0, fmt.Errorf("duration %q is negative: write 0 or more", text)
	case text == "0":
		return 0, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf(`duration %q has no unit: write %s`, text, seconds(text))
	}
	if strings.Contains(text, ":") {
		return parseClock(text)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf(`duration %q can't be read: write "5s", "1h30m" or "00:00:05"`, text)
	}
	return Span(d), nil
}

// seconds writes a number, as somebody wrote it without a unit, as seconds in both
// forms; or any, where it is no number of seconds.
func seconds(text string) string {
	d, err := time.ParseDuration(text + "s")
	if err != nil {
		return `"5s" or "00:00:05"`
	}
	clock := fmt.Sprintf("%02d:%02d:%02d", d/time.Hour%24, d/time.Minute%60, d/time.Second%60)
	if days := d / (24 * time.Hour); days > 0 {
		clock = fmt.Sprintf("%d.%s", days, clock)
	}
	if ticks := d % time.Second / 100; ticks > 0 {
		clock += "." + strings.TrimRight(fmt.Sprintf("%07d", ticks), "0")
	}
	return fmt.Sprintf(`"%ss" or %q`, text, clock)
}

// parseClock reads [d.]hh:mm:ss[.fffffff].
func parseClock(text string) (Span, error) {
	bad := func(what string) (Span, error) {
		return 0, fmt.Errorf("duration %q: %s; the form is [days.]hh:mm:ss", text, what)
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return bad("needs hours, minutes and seconds")
	}
	var days, hours int
	var err error
	hourText := parts[0]
	if before, after, found := strings.Cut(hourText, "."); found {
		if days, err = number(before, math.MaxInt32); err != nil {
			return bad("days " + err.Error())
		}
		hourText = after
	}
	if hours, err = number(hourText, 23); err != nil {
		return bad("hours " + err.Error())
	}
	minutes, err := number(parts[1], 59)
	if err != nil {
		return bad("minutes " + err.Error())
	}
	secondText, fraction, hasFraction := strings.Cut(parts[2], ".")
	seconds, err := number(secondText, 59)
	if err != nil {
		return bad("seconds " + err.Error())
	}
	var ticks int // of 100 ns, seven digits as .NET prints them
	if hasFraction {
		if len(fraction) == 0 || len(fraction) > 7 {
			return bad("a fraction has 1 to 7 digits")
		}
		if ticks, err = number(fraction+strings.Repeat("0", 7-len(fraction)), 9_999_999); err != nil {
			return bad("fraction " + err.Error())
		}
	}
	const maxDays = int(math.MaxInt64/int64(24*time.Hour)) - 1
	if days > maxDays {
		return bad(fmt.Sprintf("at most %d days", maxDays))
	}
	d := time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour +
		time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second +
		time.Duration(ticks)*100*time.Nanosecond
	return Span(d), nil
}

// number reads an unsigned decimal of ASCII digits, at most limit.
func number(text string, limit int) (int, error) {
	if text == "" {
		return 0, errors.New("are missing")
	}
	for _, r := range text {
		if r < '0' || r > '9' {
			return 0, fmt.Errorf("hold %q, which is not a digit", r)
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > limit {
		return 0, fmt.Errorf("are more than %d", limit)
	}
	return n, nil
}
