package render

import "github.com/charmbracelet/x/ansi"

// gap is the distance between columns.
const gap = 2

// column describes a column. When the terminal is too narrow, columns with a
// least width are cut down to it, the widest first; if that is not enough, the
// column with the highest drop goes, and so on.
type column struct {
	title string
	right bool // numbers
	least int  // may be cut down to this width; 0: never cut
	drop  int  // 0: never dropped
	tail  bool // the end says more than the beginning: a path, for example
}

// cell is one value: plain text, and how to colour it once it has been cut.
type cell struct {
	text  string
	paint func(string) string
}

func plain(text string) cell { return cell{text: clean(text)} }

func painted(text string, paint func(string) string) cell { return cell{clean(text), paint} }

// table prints rows beneath a header, without lines, cut to the page's width.
// Columns that are empty in every row are left out.
func (out *page) table(columns []column, rows [][]cell) {
	widths := fit(columns, naturalWidths(columns, rows), out.width)
	var shown []int
	for i, width := range widths {
		if width > 0 {
			shown = append(shown, i)
		}
	}
	if len(shown) == 0 {
		return
	}
	header, right := make([]string, len(shown)), make([]bool, len(shown))
	for at, i := range shown {
		header[at] = out.paint.bold(ansi.Truncate(columns[i].title, widths[i], "…"))
		right[at] = columns[i].right
	}
	lines := make([][]string, len(rows))
	for n, row := range rows {
		lines[n] = make([]string, len(shown))
		for at, i := range shown {
			text := columns[i].cut(row[i].text, widths[i])
			if row[i].paint != nil && text != "" {
				text = row[i].paint(text)
			}
			lines[n][at] = text
		}
	}
	drawGrid(out, header, lines, right)
}

// cut shortens text to width.
func (c column) cut(text string, width int) string {
	excess := ansi.StringWidth(text) - width
	if c.tail && excess > 0 {
		return ansi.TruncateLeft(text, excess+1, "…")
	}
	return ansi.Truncate(text, width, "…")
}

// naturalWidths are those that cut nothing; 0 for columns without any text.
func naturalWidths(columns []column, rows [][]cell) []int {
	widths := make([]int, len(columns))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], ansi.StringWidth(c.text))
		}
	}
	for i, width := range widths {
		if width > 0 {
			widths[i] = max(width, ansi.StringWidth(columns[i].title))
		}
	}
	return widths
}

// fit returns the widths to use within limit; 0 is for a column that is not
// shown.
func fit(columns []column, natural []int, limit int) []int {
	natural = append([]int(nil), natural...)
	for {
		widths := append([]int(nil), natural...)
		if limit <= 0 || squeeze(columns, widths, limit) {
			return widths
		}
		last := -1
		for i, c := range columns {
			if natural[i] > 0 && c.drop > 0 && (last < 0 || c.drop > columns[last].drop) {
				last = i
			}
		}
		if last < 0 {
			return widths
		}
		natural[last] = 0
	}
}

// squeeze cuts columns down until they fit, the widest first; false if they
// can't.
func squeeze(columns []column, widths []int, limit int) bool {
	for total(widths) > limit {
		widest := -1
		for i, c := range columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

func total(widths []int) int {
	sum := -gap
	for _, width := range widths {
		if width > 0 {
			sum += width + gap
		}
	}
	return sum
}
