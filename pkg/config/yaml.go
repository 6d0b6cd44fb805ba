package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds a YAML file after its aliases are followed, which may refer
// to themselves or multiply.
const maxNodes = 100_000

func parseYAML(raw []byte) (*node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return &node{kind: isNothing}, nil // comments only
	}
	if err != nil {
		return nil, yamlError(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, &syntaxError{second.Line, "a second YAML document: a configuration is one"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	reader := yamlReader{budget: maxNodes}
	root := reader.node(&document)
	if reader.budget < 0 {
		return nil, &syntaxError{1, "not a configuration: more than " + strconv.Itoa(maxNodes) + " values"}
	}
	return root, nil
}

// yamlError takes the line out of the library's text, which leaves it out if it
// is the first.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if match := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); match != nil {
		if n, err := strconv.Atoi(match[1]); err == nil {
			line = n
		}
		text = text[len(match[0]):]
	}
	return &syntaxError{line, "not YAML: " + text}
}

type yamlReader struct{ budget int }

func (r *yamlReader) node(y *yaml.Node) *node {
	r.budget--
	if r.budget < 0 {
		return &node{kind: isNothing}
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return r.node(y.Content[0])
	case yaml.AliasNode:
		return r.node(y.Alias)
	case yaml.SequenceNode:
		list := &node{kind: isList, line: y.Line}
		for _, item := range y.Content {
			list.items = append(list.items, r.node(item))
		}
		return list
	case yaml.MappingNode:
		section := &node{kind: isSection, line: y.Line}
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			name := key.Value
			if key.Kind != yaml.ScalarNode {
				name = "?" // a key that is a list or a section: unknown in any case
			}
			section.entries = append(section.entries, entry{name, key.Line, r.node(y.Content[i+1])})
		}
		return section
	default:
		return &node{kind: yamlKind(y), line: y.Line, text: y.Value}
	}
}

func yamlKind(scalar *yaml.Node) kind {
	switch scalar.Tag {
	case "!!null":
		return isNothing
	case "!!bool":
		return isBoolean
	case "!!int", "!!float":
		return isNumber
	default:
		return isText
	}
}
