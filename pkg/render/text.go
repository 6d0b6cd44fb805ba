package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// clean makes text fit for one line of a terminal: white space becomes a blank,
// other control characters and bytes that are not UTF-8 become "�", so that no
// escape sequence of a stranger gets through.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r', r == '\u2028', r == '\u2029':
			return ' '
		case unsafe(r):
			return utf8.RuneError
		default:
			return r
		}
	}, text))
}

// cleanBlock is clean for text of several lines, which it keeps.
func cleanBlock(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unsafe(r) {
			return utf8.RuneError
		}
		return r
	}, text), "\n")
}

// unsafe reports whether a terminal may take r as a command: control characters
// and those that turn the direction of writing.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// count groups digits by three: 10,054.
func count(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var grouped strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	return grouped.String()
}

// size writes bytes with a binary unit: 1.5 MiB. A negative size is unknown.
func size(bytes int64) string {
	if bytes < 0 {
		return "unknown"
	}
	if bytes < 1<<10 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value := float64(bytes)
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	unit := -1
	for value >= 1<<10 && unit < len(units)-1 {
		value /= 1 << 10
		unit++
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}

// span writes a length of time with its one or two largest units: 3h12m, 5d2h.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	two := func(large time.Duration, largeUnit string, small time.Duration, smallUnit string) string {
		text := strconv.FormatInt(int64(d/large), 10) + largeUnit
		if rest := d % large / small; rest > 0 {
			text += strconv.FormatInt(int64(rest), 10) + smallUnit
		}
		return text
	}
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	case d < time.Hour:
		return two(time.Minute, "m", time.Second, "s")
	case d < day:
		return two(time.Hour, "h", time.Minute, "m")
	default:
		return two(day, "d", time.Hour, "h")
	}
}

// relative writes t as seen from now with its largest unit: "3m ago", "in 2s".
// The zero time is "".
func relative(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	switch {
	case d > -time.Second && d < time.Second:
		return "now"
	case d < 0:
		return "in " + largest(-d)
	default:
		return largest(d) + " ago"
	}
}

func largest(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{365 * day, "y"}, {day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= unit.length {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

// relativeTo is relative for a time that there may not be.
func relativeTo(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	return relative(*t, now)
}

// moment writes a time in full, where now is, with how long ago it is.
func moment(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(now.Location()).Format(time.RFC3339) + " (" + relative(t, now) + ")"
}

// Count writes "1 debt", "2 debts".
func Count(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
