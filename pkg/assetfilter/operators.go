package assetfilter

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
)

// The functions that the compiler puts in place of what would fail with nil. No
// expression can name them.
const (
	memberOf = "member of"
	listOf   = "list of"
	oneStep  = "one step"
)

// comparisons are the operators that order.
var comparisons = map[string]func(a, b any) bool{
	"<": runtime.Less, "<=": runtime.LessOrEqual, ">": runtime.More, ">=": runtime.MoreOrEqual,
}

func comparison(operator string) string { return "compare " + operator }

func operators() []expr.Option {
	options := []expr.Option{
		expr.Function(memberOf, func(params ...any) (any, error) { return member(params[0], params[1]), nil }, new(func(any, any) any)),
		expr.Function(listOf, func(params ...any) (any, error) { return list(params[0], params[1]) }, new(func(any, string) any)),
	}
	for operator, holds := range comparisons {
		compare := func(params ...any) (any, error) {
			a, b := params[0], params[1]
			return a != nil && b != nil && holds(a, b), nil
		}
		options = append(options, expr.Function(comparison(operator), compare, new(func(any, any) bool)))
	}
	return options
}

// member returns an object's member or a list's element, counted from its end
// if it is below 0; nil if there is none.
func member(of, which any) any {
	switch of := of.(type) {
	case map[string]any:
		if name, ok := which.(string); ok {
			return of[name]
		}
	case []any:
		i, ok := which.(int)
		if ok && i < 0 {
			i += len(of)
		}
		if ok && i >= 0 && i < len(of) {
			return of[i]
		}
	}
	return nil
}

// list makes nil a list without elements, for the builtin named.
func list(v, builtin any) (any, error) {
	switch v.(type) {
	case nil:
		return []any{}, nil
	case []any, []string, []int, []float64:
		return v, nil
	}
	if of := reflect.ValueOf(v).Kind(); of == reflect.Slice || of == reflect.Array || builtin == "len" {
		return v, nil
	}
	return nil, fmt.Errorf("%s wants a list, and gets %s", builtin, kindOf(v))
}

// forgiver patches what may meet nil, and bounds predicates.
type forgiver struct{}

// Visit is called for each node after those below it.
func (forgiver) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		if base, ok := n.Node.(*ast.IdentifierNode); ok && base.Value == "$env" || !isLoose(n.Node) {
			return
		}
		patch(node, call(memberOf, n.Node, n.Property))
	case *ast.BinaryNode:
		if _, ok := comparisons[n.Operator]; ok && (isLoose(n.Left) || isLoose(n.Right)) {
			patch(node, call(comparison(n.Operator), n.Left, n.Right))
		}
	case *ast.PredicateNode:
		n.Node = at(n.Node, call(oneStep, n.Node))
	case *ast.BuiltinNode:
		if len(n.Arguments) == 0 || !isLoose(n.Arguments[0]) {
			return
		}
		_, predicate := n.Arguments[len(n.Arguments)-1].(*ast.PredicateNode)
		if predicate || n.Name == "len" || n.Name == "sum" || n.Name == "count" || n.Name == "reduce" || n.Name == "sortBy" {
			n.Arguments[0] = at(n.Arguments[0], call(listOf, n.Arguments[0], &ast.StringNode{Value: n.Name}))
		}
	}
}

func call(function string, arguments ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: arguments}
}

func patch(node *ast.Node, by ast.Node) { ast.Patch(node, at(*node, by)) }

// at gives a call the place in the text of the node that it stands for, so that
// errors say where they are.
func at(node, by ast.Node) ast.Node {
	by.SetLocation(node.Location())
	if c, ok := by.(*ast.CallNode); ok {
		c.Callee.SetLocation(node.Location())
	}
	return by
}

// isLoose reports whether nothing is known of the type of what a node gives, or
// just that it is an object or a list of anything.
func isLoose(node ast.Node) bool {
	if _, ok := node.(*ast.CallNode); ok && node.Type() == nil {
		return true // one that was put there just now
	}
	switch t := node.Type(); t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Map, reflect.Slice:
		return t.Elem().Kind() == reflect.Interface
	default:
		return false
	}
}

// namer notes what an expression names of the asset.
type namer struct {
	asset   bool
	fields  []string
	members []string
	seen    map[string]bool
}

// Visit is called for each node after those below it.
func (n *namer) Visit(node *ast.Node) {
	switch node := (*node).(type) {
	case *ast.IdentifierNode:
		n.asset = n.asset || node.Value == "asset" || node.Value == "$env"
	case *ast.MemberNode:
		if of, ok := unchained(node.Node).(*ast.IdentifierNode); ok && of.Value == "asset" {
			n.addMember(node.Property)
			return
		}
		container, ok := unchained(node.Node).(*ast.MemberNode)
		if !ok {
			return
		}
		of, ok := unchained(container.Node).(*ast.IdentifierNode)
		name, named := container.Property.(*ast.StringNode)
		if ok && of.Value == "asset" && named && metadata.IsContainer([]byte(name.Value)) {
			n.add(node.Property)
		}
	case *ast.CallNode:
		of, ok := node.Callee.(*ast.IdentifierNode)
		switch {
		case ok && of.Value == "meta" && len(node.Arguments) > 0:
			n.add(node.Arguments[0])
		case ok && of.Value == "inTree" && len(node.Arguments) > 1:
			n.add(node.Arguments[1])
		}
	}
}

func unchained(node ast.Node) ast.Node {
	if chain, ok := node.(*ast.ChainNode); ok {
		return chain.Node
	}
	return node
}

func (n *namer) add(node ast.Node) {
	field, ok := node.(*ast.StringNode)
	if ok && !n.seen[field.Value] {
		n.seen[field.Value] = true
		n.fields = append(n.fields, field.Value)
	}
}

func (n *namer) addMember(node ast.Node) {
	name, ok := node.(*ast.StringNode)
	if ok && !metadata.IsContainer([]byte(name.Value)) && !slices.Contains(n.members, name.Value) {
		n.members = append(n.members, name.Value)
	}
}
