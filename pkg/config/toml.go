package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML lets the library's decoder judge the file, which knows the rules
// for tables that are opened twice, and takes the positions, which the decoder
// does not tell, from its parser.
func parseTOML(raw []byte) (*node, error) {
	var judged map[string]any
	if err := toml.Unmarshal(raw, &judged); err != nil {
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			line, _ := decode.Position()
			return nil, &syntaxError{line, "not TOML: " + strings.TrimPrefix(decode.Error(), "toml: ")}
		}
		return nil, fmt.Errorf("not TOML: %w", err)
	}
	reader := tomlReader{lines: splitLines(raw)}
	root := &node{kind: isSection, line: 1}
	table := root
	var parser unstable.Parser
	parser.Reset(raw)
	for parser.NextExpression() {
		expression := parser.Expression()
		switch expression.Kind {
		case unstable.Table:
			table = reader.descend(root, reader.names(expression))
		case unstable.ArrayTable:
			names := reader.names(expression)
			last := len(names) - 1
			table = reader.appendTable(reader.descend(root, names[:last]), names[last])
		case unstable.KeyValue:
			reader.set(table, expression)
		default:
			// Comments are not kept; every other kind is part of one of these.
		}
	}
	if err := parser.Error(); err != nil {
		return nil, fmt.Errorf("not TOML: %w", err)
	}
	return root, nil
}

type tomlReader struct{ lines lines }

// names returns a dotted key as entries without values.
func (r tomlReader) names(n *unstable.Node) []entry {
	var names []entry
	keys := n.Key()
	for keys.Next() {
		key := keys.Node()
		names = append(names, entry{name: string(key.Data), line: r.lines.at(int(key.Raw.Offset))})
	}
	return names
}

// descend returns the table that names lead to, and makes what is missing.
func (r tomlReader) descend(table *node, names []entry) *node {
	for _, name := range names {
		next := table.last(name.name)
		if next != nil && next.kind == isList && len(next.items) > 0 {
			next = next.items[len(next.items)-1]
		}
		if next == nil || next.kind != isSection {
			next = &node{kind: isSection, line: name.line}
			name.value = next
			table.entries = append(table.entries, name)
		}
		table = next
	}
	return table
}

// appendTable opens one more table of the list called name.
func (r tomlReader) appendTable(table *node, name entry) *node {
	list := table.last(name.name)
	if list == nil || list.kind != isList {
		list = &node{kind: isList, line: name.line}
		name.value = list
		table.entries = append(table.entries, name)
	}
	item := &node{kind: isSection, line: name.line}
	list.items = append(list.items, item)
	return item
}

// last returns the value of a key, nil without one.
func (n *node) last(name string) *node {
	for i := len(n.entries) - 1; i >= 0; i-- {
		if n.entries[i].name == name {
			return n.entries[i].value
		}
	}
	return nil
}

func (r tomlReader) set(table *node, keyValue *unstable.Node) {
	names := r.names(keyValue)
	last := len(names) - 1
	name := names[last]
	name.value = r.value(keyValue.Value(), name.line)
	table = r.descend(table, names[:last])
	table.entries = append(table.entries, name)
}

// value reads a value; line is that of what it belongs to, for the kinds that
// have no position of their own.
func (r tomlReader) value(n *unstable.Node, line int) *node {
	if n.Raw.Length > 0 {
		line = r.lines.at(int(n.Raw.Offset))
	}
	children := n.Children()
	switch n.Kind {
	case unstable.Array:
		list := &node{kind: isList, line: line}
		for children.Next() {
			list.items = append(list.items, r.value(children.Node(), line))
		}
		return list
	case unstable.InlineTable:
		section := &node{kind: isSection, line: line}
		for children.Next() {
			r.set(section, children.Node())
		}
		return section
	case unstable.Bool:
		return &node{kind: isBoolean, line: line}
	case unstable.Integer, unstable.Float:
		return &node{kind: isNumber, line: line, text: string(n.Data)}
	default: // texts, and times as they are written
		return &node{kind: isText, line: line, text: string(n.Data)}
	}
}
