package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
)

// Variables that are no setting of their own: they stand for flags.
const (
	variableConfig = "DZ_CONFIG"
	variableSocket = "DZ_SOCKET"
	variableOutput = "DZ_OUTPUT"
)

// variables reads every setting that the environment holds.
//
// Viper reads the process's own environment and nothing else, which would make
// the outcome depend on more than Options; so they are read here.
func (o Options) variables(env environment) (*reading, error) {
	all := newReading(origin{home: o.Home})
	for _, s := range settings() {
		name, text := socketVariable(env, s.key)
		if text == "" {
			continue
		}
		all.from.name = name
		value := &node{kind: isText, text: text}
		if s.list {
			value = &node{kind: isList}
			for _, item := range strings.Split(text, ",") {
				value.items = append(value.items, &node{kind: isText, text: item})
			}
		}
		all.setting(s, value)
	}
	if text := env[variable(keySources)]; text != "" {
		all.from.name = variable(keySources)
		list, err := parseYAML([]byte(text))
		if err != nil {
			all.fail(0, "%w", err)
		} else if list.kind != isNothing {
			list.withoutLines()
			all.sources(list)
		}
	}
	return all, errors.Join(all.errs...)
}

// socketVariable returns the variable that sets a key and its value. The
// socket's path has two: DZ_SOCKET, which clients read, tells the daemon too.
func socketVariable(env environment, key string) (name, text string) {
	name = variable(key)
	if key == keySocketPath && env[name] == "" {
		name = variableSocket
	}
	return name, env[name]
}

// withoutLines forgets the lines, which say nothing in a variable.
func (n *node) withoutLines() {
	n.line = 0
	for _, item := range n.items {
		item.withoutLines()
	}
	for i := range n.entries {
		n.entries[i].line = 0
		n.entries[i].value.withoutLines()
	}
}

// unknownVariables warns of variables that look like settings and are none. It
// is no error: what runs dz may have DZ_ variables of its own.
func unknownVariables(env environment) []string {
	known := []string{variableConfig, variableSocket, variableOutput}
	for _, key := range keys() {
		known = append(known, variable(key))
	}
	var warnings []string
	for name := range env {
		if strings.HasPrefix(name, "DZ_") && !slices.Contains(known, name) {
			warnings = append(warnings, fmt.Sprintf("variable %s has no effect%s", name, suggest.Clause(name, known)))
		}
	}
	slices.Sort(warnings)
	return warnings
}
