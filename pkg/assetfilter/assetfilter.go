// Package assetfilter owns the expressions that say which assets an integration
// wants (https://expr-lang.org/docs/language-definition). An expression sees the
// asset's data as asset, and is true or false:
//
//	asset.assetType == 4                            its type
//	inChannel(42)                                   where it is published
//	"Chair" in meta("keywords")                     a list in its metadata
//	meta("title") matches "^Sea", asset.metadata.medium contains "oil"
//	inTree("places/UK counties"), inTree(114)       its place in trees
//	meta("width") > 1000 and not (asset.fileExtension in ["tif", "psd"])
//
// What an asset does not have is nil, at any depth and of whatever kind the
// value is in which it would be. What is nil is equal to nil alone, less and more
// than nothing, contains, begins with, ends with and matches nothing, and has no
// elements and no length. Whatever else can't be done with a value, such as
// looking for a text in a number, is an error. Numbers are ints where they are
// whole.
//
// A program's memory and steps are bounded. Where the data comes from, and what
// becomes of the answer, is not the package's business.
package assetfilter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/dam-delivery/dz/pkg/expression"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// What a filter may use. maxNodes bounds its syntax tree, memoryBudget what the
// language counts of the values that a run makes, maxSteps how many elements a
// run looks at with predicates, such as those of any and filter.
const (
	maxNodes     = 4000
	memoryBudget = 200_000
	maxSteps     = 100_000
)

// Filter is a compiled expression. It may be used by several goroutines at a
// time.
type Filter struct {
	program   *vm.Program
	fields    []string
	members   []string
	usesAsset bool // whether the expression names the asset, and not functions alone
}

// Compile reads an expression of at most 8 KiB. The error says in one line what
// is wrong with it, and where.
func Compile(text string) (*Filter, error) {
	if err := expression.CheckLength(text); err != nil {
		return nil, err
	}
	names := &namer{seen: make(map[string]bool)}
	options := append(operators(),
		expr.Env(scope{}), expr.AsBool(), expr.DisableBuiltin("type"), expr.MaxNodes(maxNodes),
		expr.Patch(names), expr.Patch(forgiver{}))
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, fmt.Errorf("filter: %s", expression.Explain(err, "asset", "inChannel", "inTree", "meta"))
	}
	return &Filter{program: program, fields: names.fields, members: names.members, usesAsset: names.asset}, nil
}

// Fields returns the metadata fields that the expression names: in
// asset.metadata.x, asset.additionalMetadata["x"], meta("x") and inTree(…, "x").
// A field whose name is computed, or that is reached through a variable, is not
// among them.
func (f *Filter) Fields() []string { return slices.Clone(f.fields) }

// Members returns the members of the asset's object that the expression names, as
// in asset.x, its metadata apart.
func (f *Filter) Members() []string { return slices.Clone(f.members) }

// Match reports whether an asset with that data, a JSON object or nil, is
// wanted. An error says, in one line, why that can't be told; then it is not. So
// is an asset for which the expression gives nil.
func (f *Filter) Match(data json.RawMessage) (bool, error) {
	var asset rawjson.Value
	if len(data) > 0 {
		var err error
		if asset, err = rawjson.Parse(data); err != nil {
			return false, fmt.Errorf("filter: the asset's data: %w", err)
		}
		if asset[0] != '{' {
			return false, errors.New("filter: the asset's data is no JSON object")
		}
	}
	s, err := f.scope(asset)
	if err != nil {
		return false, fmt.Errorf("filter: the asset's data: %w", err)
	}
	machine := vm.VM{MemoryBudget: memoryBudget}
	result, err := machine.Run(f.program, s)
	if err != nil {
		return false, fmt.Errorf("filter: %s", expression.Explain(err))
	}
	wanted, ok := result.(bool)
	return wanted && ok, nil
}

// kindOf names the kind of a value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case int, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("a %T", v)
	}
}
