package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
)

// kind is what a node of a configuration file is, in words for people.
type kind string

const (
	isText    kind = "a text"
	isNumber  kind = "a number"
	isBoolean kind = "true or false"
	isNothing kind = "nothing"
	isList    kind = "a list"
	isSection kind = "a section"
)

// node is a value of a configuration file in any of its formats. Scalars keep
// the text they were written as: 00:00:05 is a number to some YAML readers and
// a time of day to TOML, and here a duration.
type node struct {
	kind    kind
	line    int // from 1; 0 if it has none
	text    string
	items   []*node
	entries []entry // in the order of the file, repetitions included
}

// entry is a key of a section and its value.
type entry struct {
	name  string
	line  int
	value *node
}

// syntaxError says that a file is not of its format. line is 0 if unknown.
type syntaxError struct {
	line int
	what string
}

func (e *syntaxError) Error() string { return e.what }

// parse reads a file by its name's extension. An empty file is nothing.
func parse(name string, raw []byte) (*node, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	var format func([]byte) (*node, error)
	switch extension := strings.ToLower(filepath.Ext(name)); extension {
	case ".yaml", ".yml":
		format = parseYAML
	case ".json":
		format = parseJSON
	case ".toml":
		format = parseTOML
	default:
		return nil, fmt.Errorf("the format is told by the name's end: .yaml, .yml, .json or .toml, not %q", extension)
	}
	return format(raw)
}

// lines finds the line of an offset.
type lines []int // offsets of the newlines

func splitLines(raw []byte) lines {
	var newlines lines
	for i, b := range raw {
		if b == '\n' {
			newlines = append(newlines, i)
		}
	}
	return newlines
}

// at returns the line, from 1, of the byte at offset.
func (l lines) at(offset int) int { return sort.SearchInts(l, offset) + 1 }
