package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// parseJSON reads JSON with the standard library: a YAML reader refuses two
// things that JSON writers print, \/ and surrogate pairs.
func parseJSON(raw []byte) (*node, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &node{kind: isNothing}, nil
	}
	lines := splitLines(raw)
	var checked json.RawMessage
	if err := json.Unmarshal(raw, &checked); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			// The offset is behind the byte that is wrong.
			return nil, &syntaxError{lines.at(int(syntax.Offset) - 1), "not JSON: " + syntax.Error()}
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return (&jsonReader{decoder, lines}).node()
}

type jsonReader struct {
	decoder *json.Decoder
	lines   lines
}

// line is that of the token just read; no token spans two.
func (r *jsonReader) line() int { return r.lines.at(int(r.decoder.InputOffset()) - 1) }

func (r *jsonReader) node() (*node, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	line := r.line()
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return r.list(line)
		}
		return r.section(line)
	case string:
		return &node{kind: isText, line: line, text: token}, nil
	case json.Number:
		return &node{kind: isNumber, line: line, text: token.String()}, nil
	case bool:
		return &node{kind: isBoolean, line: line}, nil
	default:
		return &node{kind: isNothing, line: line}, nil
	}
}

func (r *jsonReader) list(line int) (*node, error) {
	list := &node{kind: isList, line: line}
	for r.decoder.More() {
		item, err := r.node()
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, item)
	}
	_, err := r.decoder.Token()
	return list, err
}

func (r *jsonReader) section(line int) (*node, error) {
	section := &node{kind: isSection, line: line}
	for r.decoder.More() {
		name, err := r.node()
		if err != nil {
			return nil, err
		}
		value, err := r.node()
		if err != nil {
			return nil, err
		}
		section.entries = append(section.entries, entry{name.text, name.line, value})
	}
	_, err := r.decoder.Token()
	return section, err
}
