package render

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// drawGrid aligns cells that already have the width they are to have, and may
// be coloured. right says which columns are numbers.
func drawGrid(out *page, header []string, rows [][]string, right []bool) {
	align := make([]tw.Align, len(header))
	padding := make([]tw.Padding, len(header))
	for i := range header {
		align[i] = tw.AlignLeft
		if right[i] {
			align[i] = tw.AlignRight
		}
		padding[i] = tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true}
	}
	padding[len(padding)-1] = tw.Padding{Overwrite: true}
	cells := tw.CellConfig{
		// The default form of headers breaks colours.
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Padding:    tw.CellPadding{PerColumn: padding},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	var grid bytes.Buffer
	table := tablewriter.NewTable(&grid,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: cells, Row: cells, Behavior: tw.Behavior{TrimSpace: tw.Off},
		}),
	)
	table.Header(header)
	if err := table.Bulk(rows); err != nil {
		out.fail(err)
		return
	}
	if err := table.Render(); err != nil {
		out.fail(err)
		return
	}
	for line := range strings.Lines(grid.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
}
