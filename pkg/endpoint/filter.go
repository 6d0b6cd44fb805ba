package endpoint

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/expression"
)

// filter is a compiled expression (https://expr-lang.org) over one event.
type filter struct {
	program *vm.Program
}

// filterEvent is what a filter sees of an event. Naming its members makes a
// misspelt one an error when the filter is set, not silence when it runs.
type filterEvent struct {
	ID            string   `expr:"id"`
	Source        string   `expr:"source"`
	Type          string   `expr:"type"`
	Subject       string   `expr:"subject"`
	Kind          string   `expr:"kind"`
	ItemID        any      `expr:"itemId"`
	BaseID        any      `expr:"baseId"`
	Reason        string   `expr:"reason"`
	ChangedFields []string `expr:"changedFields"`
	Formats       []any    `expr:"formats"`
	Channels      []any    `expr:"channels"`
	User          any      `expr:"user"`
	Domain        any      `expr:"domain"`
	StreamType    string   `expr:"streamtype"`
	RefNr         string   `expr:"refnr"`
}

type filterEnv struct {
	Event filterEvent    `expr:"event"`
	Asset map[string]any `expr:"asset"` // empty if the event carries no snapshot
}

func compileFilter(text string) (*filter, error) {
	if err := expression.CheckLength(text); err != nil {
		return nil, err
	}
	program, err := expr.Compile(text, expr.Env(filterEnv{}), expr.AsBool())
	if err != nil {
		return nil, fmt.Errorf("filter: %s", explainFilter(err))
	}
	return &filter{program}, nil
}

// explainFilter says in one line what is wrong with an expression, and what
// there is instead of a name that there is not.
func explainFilter(err error) string {
	text := expression.Explain(err, expression.Names(filterEnv{})...)
	const ofEvent = "type endpoint.filterEvent has no"
	if !strings.Contains(text, ofEvent) {
		return text
	}
	return strings.Replace(text, ofEvent, "event has no", 1) + " (event has " + strings.Join(expression.Names(filterEvent{}), ", ") + ")"
}

// match reports false only if the expression says so. An expression that fails,
// or an asset that can't be read, excludes nothing.
func (f *filter) match(e *event.Event) bool {
	env := filterEnv{
		Event: filterEvent{
			ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject,
			Kind: string(e.Object.Kind), ItemID: plain(e.Object.ItemID), BaseID: plain(e.Object.BaseID),
			Reason: e.Reason, ChangedFields: e.ChangedFields,
			Formats: plainAll(e.Formats), Channels: plainAll(e.Channels),
			User: plain(e.User), Domain: plain(e.Domain), StreamType: e.StreamType, RefNr: e.RefNr,
		},
		Asset: map[string]any{},
	}
	if e.Asset != nil {
		if err := json.Unmarshal(e.Asset, &env.Asset); err != nil {
			return true
		}
	}
	result, err := expr.Run(f.program, env)
	if err != nil {
		return true
	}
	wanted, ok := result.(bool)
	return wanted || !ok
}

// plain turns an id into what an expression compares: an int or a string.
func plain(id event.ID) any {
	if id.IsZero() {
		return nil
	}
	if !id.IsString() {
		if n, err := strconv.Atoi(id.String()); err == nil {
			return n
		}
	}
	return id.String()
}

func plainAll(ids []event.ID) []any {
	all := make([]any, len(ids))
	for i, id := range ids {
		all[i] = plain(id)
	}
	return all
}
