package render

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// palette holds the few colours in use, each with one meaning. They are of the
// terminal's own sixteen, so that they fit its theme.
type palette struct {
	ok, warning, failure, faint, strong lipgloss.Style
}

// newPalette makes the colours, or none. The terminal is never asked for its
// abilities: that takes time and may hang.
func newPalette(color bool) palette {
	renderer := lipgloss.NewRenderer(io.Discard)
	renderer.SetColorProfile(termenv.Ascii)
	if color {
		renderer.SetColorProfile(termenv.ANSI)
	}
	style := renderer.NewStyle()
	return palette{
		ok:      style.Foreground(lipgloss.ANSIColor(2)),
		warning: style.Foreground(lipgloss.ANSIColor(3)),
		failure: style.Foreground(lipgloss.ANSIColor(1)),
		faint:   style.Faint(true),
		strong:  style.Bold(true),
	}
}

func (p palette) good(text string) string { return p.ok.Render(text) }
func (p palette) warn(text string) string { return p.warning.Render(text) }
func (p palette) bad(text string) string  { return p.failure.Render(text) }
func (p palette) dim(text string) string  { return p.faint.Render(text) }
func (p palette) bold(text string) string { return p.strong.Render(text) }

// state colours the word of a state: of an endpoint, a source or a failure.
func (p palette) state(word string) string {
	switch word {
	case "healthy", "caught up", "idle", "delivered":
		return p.good(word)
	case "sick", "retrying", "reading", "busy":
		return p.warn(word)
	case "gone", "failed", "error":
		return p.bad(word)
	default:
		return p.dim(word)
	}
}
