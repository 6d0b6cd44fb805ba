// Package render owns what the answers of the admin API look like: tables that
// fit the terminal for people, JSON, YAML and bare names for scripts. It is the
// only place that knows of colours and layout.
//
// It guarantees that what came from a stranger (an answer's body, an error, a
// line that was no event) can't steer the terminal: control characters never
// reach it. In tables times are relative to Printer.Now; in JSON and YAML they
// stay RFC 3339.
//
// It knows nothing of flags, sockets and terminals: whether there is one, and
// how wide it is, comes in as data.
package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dam-delivery/dz/pkg/api"
)

// Format is the form of the output.
type Format string

// The formats.
const (
	Table Format = "table" // for people
	JSON  Format = "json"
	YAML  Format = "yaml"
	Name  Format = "name" // names or ids, one a line
)

// Formats returns all of them.
func Formats() []string { return []string{string(Table), string(JSON), string(YAML), string(Name)} }

// Printer writes answers to Out. Its zero value, given an Out, prints plain
// tables of any width.
type Printer struct {
	Out    io.Writer
	Format Format
	Width  int  // columns of the terminal; 0 is unlimited
	Color  bool // Out is a terminal that wants colours
	Now    time.Time
}

// page is text in the making, written at once so that a broken pipe is seen and
// half a table is not.
type page struct {
	bytes.Buffer
	paint palette
	width int
	now   time.Time
	err   error // the first that drawing met
}

func (out *page) fail(err error) {
	if out.err == nil {
		out.err = fmt.Errorf("draw table: %w", err)
	}
}

func (p *Printer) page() *page {
	return &page{paint: newPalette(p.Color), width: p.Width, now: p.Now}
}

// show prints value in the printer's format. names are what stands for it in
// the format name, text makes the table.
func (p *Printer) show(value any, names []string, text func(*page)) error {
	out := p.page()
	switch p.Format {
	case JSON:
		if err := writeJSON(&out.Buffer, value); err != nil {
			return err
		}
	case YAML:
		if err := writeYAML(&out.Buffer, value); err != nil {
			return err
		}
	case Name:
		for _, name := range names {
			fmt.Fprintln(out, clean(name))
		}
	default:
		text(out)
	}
	return p.write(out)
}

func (p *Printer) write(out *page) error {
	if out.err != nil {
		return out.err
	}
	if _, err := p.Out.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// Text prints text as it is, whatever the format.
func (p *Printer) Text(text string) error {
	out := p.page()
	out.WriteString(text)
	return p.write(out)
}

// Result prints what an action did: value for scripts, the sentence for people.
func (p *Printer) Result(value any, name, sentence string) error {
	return p.Results(value, []string{name}, sentence)
}

// Results prints what an action did to several things, and, for people, beneath
// the sentence properties, if there are any.
func (p *Printer) Results(value any, names []string, sentence string, properties ...Property) error {
	return p.show(value, names, func(out *page) {
		fmt.Fprintln(out, clean(sentence))
		out.properties(properties)
	})
}

// Lines prints what an action did to several things: value for scripts, a sentence on
// each line for people.
func (p *Printer) Lines(value any, names, sentences []string) error {
	return p.show(value, names, func(out *page) {
		for _, sentence := range sentences {
			fmt.Fprintln(out, clean(sentence))
		}
	})
}

// ResultWith prints what an action did, and, for people, properties beneath the
// sentence.
func (p *Printer) ResultWith(value any, name, sentence string, properties []Property) error {
	return p.Results(value, []string{name}, sentence, properties...)
}

// pair is one line of a list of properties.
type pair struct{ label, value string }

// pairs prints properties beneath each other; those without a value are left
// out. A value of several lines keeps its indentation.
func (out *page) pairs(list ...pair) {
	longest := 0
	for _, p := range list {
		if p.value != "" {
			longest = max(longest, len(p.label))
		}
	}
	for _, p := range list {
		if p.value == "" {
			continue
		}
		label := out.paint.dim(fmt.Sprintf("%-*s", longest, p.label))
		indent := "\n" + strings.Repeat(" ", longest+2)
		fmt.Fprintf(out, "%s  %s\n", label, strings.ReplaceAll(p.value, "\n", indent))
	}
}

// Property is a label with its value.
type Property struct{ Label, Value string }

// Properties prints value as it is for scripts, and as properties for people.
func (p *Printer) Properties(value any, name string, properties []Property) error {
	return p.show(value, []string{name}, func(out *page) {
		out.properties(properties)
	})
}

func (out *page) properties(properties []Property) {
	list := make([]pair, len(properties))
	for i, property := range properties {
		list[i] = pair{property.Label, cleanBlock(property.Value)}
	}
	out.pairs(list...)
}

// Grid prints value as it is for scripts, and rows of text beneath a header for
// people. The last column is cut where the terminal is too narrow. Names are
// the first column's texts.
func (p *Printer) Grid(value any, header []string, rows [][]string) error {
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row[0]
	}
	return p.show(value, names, func(out *page) {
		columns := make([]column, len(header))
		for i, title := range header {
			columns[i] = column{title: title}
		}
		columns[len(columns)-1].least = 10
		cells := make([][]cell, len(rows))
		for i, row := range rows {
			cells[i] = make([]cell, len(row))
			for j, text := range row {
				cells[i][j] = plain(text)
			}
		}
		out.table(columns, cells)
	})
}

// Error prints what went wrong, as "dz: message: hint", each further line of
// the message beneath, or as {"error":{…}} for scripts.
func (p *Printer) Error(e api.Error) error {
	if p.Format == JSON || p.Format == YAML {
		return p.show(map[string]api.Error{"error": e}, nil, nil)
	}
	out := p.page()
	text := e.Message
	switch {
	case e.Hint == "":
	case strings.HasSuffix(text, "?"):
		text += " " + e.Hint
	default:
		text += ": " + e.Hint
	}
	text = strings.ReplaceAll(cleanBlock(text), "\n", "\n    ")
	fmt.Fprintf(out, "%s %s\n", out.paint.bad("dz:"), text)
	return p.write(out)
}
