package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Default is the origin of a setting that nothing sets.
const Default = "default"

// Setting is one key of the configuration in effect.
type Setting struct {
	Key    string `json:"key"`    // dotted; a source's begins "sources[0]"
	Value  string `json:"value"`  // as it is written in a file
	Origin string `json:"origin"` // "file:line", a variable, a flag, or Default
}

// Explain returns every setting and where it comes from, in the order of the
// documentation.
func (c *Config) Explain() []Setting {
	var all []Setting
	add := func(key, value string) {
		all = append(all, Setting{key, value, c.origin(key)})
	}
	for _, s := range settings() {
		value := s.value(c)
		if list, ok := texts(value); ok {
			add(s.key, "["+strings.Join(list, ", ")+"]")
			continue
		}
		add(s.key, fmt.Sprint(value))
	}
	if len(c.Sources) == 0 {
		add(keySources, "[]")
	}
	for i, source := range c.Sources {
		add(sourceKey(i)+".name", source.Name)
		add(sourceKey(i)+".type", source.Type)
		add(sourceKey(i)+".path", source.Path)
	}
	return all
}

func (c *Config) origin(key string) string {
	if from := c.Origins[key]; from != "" {
		return from
	}
	return Default
}

// YAML prints the configuration as a file that would set it, each value with a
// comment that says where it comes from.
func (c *Config) YAML() ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range settings() {
		names := strings.Split(s.key, ".")
		last := len(names) - 1
		section := root
		for _, name := range names[:last] {
			section = yamlSection(section, name)
		}
		c.yamlSet(section, names[last], yamlValue(s.value(c)), s.key)
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i, source := range c.Sources {
		item := &yaml.Node{Kind: yaml.MappingNode}
		c.yamlSet(item, "name", yamlText(source.Name), sourceKey(i)+".name")
		c.yamlSet(item, "type", yamlText(source.Type), sourceKey(i)+".type")
		c.yamlSet(item, "path", yamlText(source.Path), sourceKey(i)+".path")
		list.Content = append(list.Content, item)
	}
	if len(c.Sources) == 0 {
		list.Style = yaml.FlowStyle
		c.yamlSet(root, keySources, list, keySources)
	} else {
		root.Content = append(root.Content, yamlText(keySources), list)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("print configuration: %w", err)
	}
	return out.Bytes(), nil
}

// yamlSet appends a key with a comment on its origin. key is the dotted name.
func (c *Config) yamlSet(section *yaml.Node, name string, value *yaml.Node, key string) {
	value.LineComment = c.origin(key)
	section.Content = append(section.Content, yamlText(name), value)
}

// yamlSection returns the section called name, and makes it if it is not the
// last one: settings of one section follow each other.
func yamlSection(parent *yaml.Node, name string) *yaml.Node {
	if n := len(parent.Content); n > 0 && parent.Content[n-2].Value == name {
		return parent.Content[n-1]
	}
	section := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, yamlText(name), section)
	return section
}

func yamlValue(value any) *yaml.Node {
	if list, ok := texts(value); ok {
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, text := range list {
			node.Content = append(node.Content, yamlText(text))
		}
		return node
	}
	switch value := value.(type) {
	case Size:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value.String()}
	case int, float64:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(value)}
	default:
		return yamlText(fmt.Sprint(value))
	}
}

func yamlText(text string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(text)
	return node
}

// texts returns the items of a setting that is a list.
func texts(value any) ([]string, bool) {
	switch list := value.(type) {
	case []string:
		return list, true
	case []netip.Prefix:
		all := make([]string, len(list))
		for i, prefix := range list {
			all[i] = prefix.String()
		}
		return all, true
	default:
		return nil, false
	}
}
