package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
)

// origin is a place where settings are written: a file, or one variable.
type origin struct {
	name   string // for people
	folder string // which relative paths start from; "" is the working directory
	home   string // which ~/ is; "" if there is none
}

// at names a line of the place.
func (o origin) at(line int) string {
	if line == 0 {
		return o.name
	}
	return o.name + ":" + strconv.Itoa(line)
}

// reading turns nodes into values, key by key, and collects every error.
type reading struct {
	from    origin
	values  map[string]any    // by key
	origins map[string]string // by key, sources' members too
	errs    []error
}

func newReading(from origin) *reading {
	return &reading{from: from, values: map[string]any{}, origins: map[string]string{}}
}

func (r *reading) fail(line int, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(r.from.at(line)+": "+format, args...))
}

// file reads a whole file.
func (r *reading) file(raw []byte) error {
	root, err := r.parse(raw)
	if err != nil {
		return err
	}
	switch root.kind {
	case isSection:
		r.section(root, "")
	case isNothing:
	default:
		r.fail(root.line, "the file holds %s where keys are due (%s)", root.kind, strings.Join(children(""), ", "))
	}
	return errors.Join(r.errs...)
}

// parse reads a file as nodes.
func (r *reading) parse(raw []byte) (*node, error) {
	root, err := parse(r.from.name, raw)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("%s: %w", r.from.at(syntax.line), err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.from.name, err)
	}
	return root, nil
}

// section reads the settings below prefix, "" or a dotted key.
func (r *reading) section(section *node, prefix string) {
	r.entries(section, prefix, children(prefix), func(name string, e entry) {
		key := join(prefix, name)
		if key == keySources {
			r.sources(e.value)
			return
		}
		for _, s := range settings() {
			if s.key == key {
				r.setting(s, e.value)
				return
			}
		}
		if e.value.kind != isSection {
			r.fail(e.line, "%s is %s where a section is due (with %s)", key, e.value.kind, strings.Join(children(key), ", "))
			return
		}
		r.section(e.value, key)
	})
}

// entries calls take for each known entry of a section, its name in lower
// case. A key with nothing behind it is as good as left out.
func (r *reading) entries(section *node, prefix string, known []string, take func(name string, e entry)) {
	lines := map[string]int{}
	for _, e := range section.entries {
		name := strings.ToLower(e.name)
		if first, repeated := lines[name]; repeated {
			r.fail(e.line, "%q is there twice; first on line %d", join(prefix, e.name), first)
			continue
		}
		lines[name] = e.line
		switch {
		case !slices.Contains(known, name):
			r.fail(e.line, "unknown key %q%s", join(prefix, e.name), meant(prefix, e.name, known))
		case e.value.kind != isNothing:
			take(name, e)
		}
	}
}

// meant says which key an unknown one was to be: one that looks like it beside
// it, or one of its name elsewhere.
func meant(prefix, name string, known []string) string {
	if strings.Contains(name, ".") {
		if clause := suggest.Clause(join(prefix, name), keys()); clause != "" {
			return clause
		}
	}
	if near := suggest.Nearest(name, known); near != "" {
		return "; did you mean " + join(prefix, near) + "?"
	}
	var elsewhere []string
	for _, key := range keys() {
		for ; key != ""; key = parent(key) {
			if strings.EqualFold(strings.TrimPrefix(key, parent(key)+"."), name) && !slices.Contains(elsewhere, key) {
				elsewhere = append(elsewhere, key)
			}
		}
	}
	if len(elsewhere) > 0 {
		return "; did you mean " + strings.Join(elsewhere, " or ") + "?"
	}
	return "; known here: " + strings.Join(known, ", ")
}

// setting reads one setting's value, a scalar or a list of them.
func (r *reading) setting(s setting, n *node) {
	if !s.list {
		if value, ok := r.scalar(s, s.key, n); ok {
			r.values[s.key] = value
			r.origins[s.key] = r.from.at(n.line)
		}
		return
	}
	if n.kind != isList {
		r.fail(n.line, "%s is %s where a list is due", s.key, n.kind)
		return
	}
	values := []any{}
	for i, item := range n.items {
		if value, ok := r.scalar(s, s.key+"["+strconv.Itoa(i)+"]", item); ok {
			values = append(values, value)
		}
	}
	r.values[s.key] = values
	r.origins[s.key] = r.from.at(n.line)
}

// scalar reads one scalar; name is what errors call it.
func (r *reading) scalar(s setting, name string, n *node) (any, bool) {
	if n.kind != isText && (n.kind != isNumber || !s.numeric) {
		r.fail(n.line, "%s is %s where a text is due", name, n.kind)
		return nil, false
	}
	value, err := s.read(n.text, r.from)
	if err != nil {
		r.fail(n.line, "%s: %w", name, err)
		return nil, false
	}
	return value, true
}

// sources reads the list of sources.
func (r *reading) sources(list *node) {
	if list.kind != isList {
		r.fail(list.line, "%s is %s where a list is due", keySources, list.kind)
		return
	}
	sources := []Source{}
	for i, item := range list.items {
		prefix := sourceKey(i)
		r.origins[prefix] = r.from.at(item.line)
		if item.kind != isSection {
			r.fail(item.line, "%s is %s where a section is due (with name, type, path)", prefix, item.kind)
			continue
		}
		sources = append(sources, r.source(item, prefix))
	}
	r.values[keySources] = sources
	r.origins[keySources] = r.from.at(list.line)
}

func (r *reading) source(section *node, prefix string) Source {
	var source Source
	r.entries(section, prefix, []string{"name", "type", "path"}, func(name string, e entry) {
		key := join(prefix, name)
		member, read := &source.Name, readText
		switch name {
		case "type":
			member = &source.Type
		case "path":
			member, read = &source.Path, readPath
		}
		if value, ok := r.scalar(setting{read: read}, key, e.value); ok {
			*member, _ = value.(string)
			r.origins[key] = r.from.at(e.value.line)
		}
	})
	return source
}

// sourceKey is what settings of the source with an index begin with.
func sourceKey(index int) string { return keySources + "[" + strconv.Itoa(index) + "]" }

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// parent returns the dotted key of the section that key is in, "" for the top.
func parent(key string) string {
	return key[:max(strings.LastIndex(key, "."), 0)]
}

// children returns the names directly below a dotted key, "" for the top.
func children(prefix string) []string {
	if prefix != "" {
		prefix += "."
	}
	var names []string
	for _, key := range keys() {
		rest, ok := strings.CutPrefix(key, prefix)
		name, _, _ := strings.Cut(rest, ".")
		if ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
