package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Widths of a bar, in columns; with less room there is none.
const (
	maxBar = 30
	minBar = 6
)

// Progress is how far work has come: on bytes, or on things that are counted.
type Progress struct {
	Done    int64
	Total   int64 // 0 is unknown
	Elapsed time.Duration
	Note    string // what else is to be said
	Counted bool   // Done and Total are no bytes
	// Uncounted: how much is done is not known, only for how long.
	Uncounted bool
}

// Line writes the progress in at most so many columns: a bar, the share and the
// time left where the total is known, and the rate.
func (p Progress) Line(width int) string {
	var parts []string
	if p.Total > 0 {
		parts = append(parts, fmt.Sprintf("%3.0f%%", 100*p.share()), p.amount(p.Done)+" of "+p.amount(p.Total))
	} else if !p.Uncounted {
		parts = append(parts, p.amount(p.Done))
	}
	if p.Note != "" {
		parts = append(parts, clean(p.Note))
	}
	if rate := p.rate(); rate > 0 {
		parts = append(parts, p.amount(int64(rate))+"/s")
		if left := p.left(rate).Round(time.Second); left > 0 {
			parts = append(parts, span(left)+" left")
		}
	}
	if p.Uncounted && p.Elapsed >= time.Second {
		parts = append(parts, span(p.Elapsed.Truncate(time.Second)))
	}
	text := strings.Join(parts, "  ")
	if room := min(maxBar, width-ansi.StringWidth(text)-len("[] ")); p.Total > 0 && room >= minBar {
		full := int(p.share() * float64(room))
		text = "[" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "] " + text
	}
	return ansi.Truncate(strings.TrimLeft(text, " "), width, "…")
}

func (p Progress) amount(n int64) string {
	if p.Counted {
		return count(uint64(max(0, n)))
	}
	return size(n)
}

// share is between 0 and 1: a file may have grown since its size was read.
func (p Progress) share() float64 { return min(1, float64(p.Done)/float64(p.Total)) }

// rate is what was done in a second; 0 while there is nothing to tell it by.
func (p Progress) rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Done) / p.Elapsed.Seconds()
}

func (p Progress) left(rate float64) time.Duration {
	return time.Duration(float64(max(0, p.Total-p.Done)) / rate * float64(time.Second))
}

// Columns is how many columns of a terminal a text takes.
func Columns(text string) int { return ansi.StringWidth(text) }
