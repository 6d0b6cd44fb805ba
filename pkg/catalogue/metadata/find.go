package metadata

import (
	"iter"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// TypeTree is the type that Digizuite gives the values of tree fields.
const TypeTree = "300"

// Value is the value of a field.
type Value struct {
	// Type is what the container says of the value's type, a number in
	// Digizuite's; "" if it says nothing.
	Type string
	JSON rawjson.Value
}

// Find returns the value of the first field of an asset that is wanted; false
// if there is none.
func Find(asset rawjson.Value, wanted Names) (Value, bool) {
	for v := range values(asset, wanted) {
		return v, true
	}
	return Value{}, false
}

// All yields the values of all fields of an asset.
func All(asset rawjson.Value) iter.Seq[Value] { return values(asset, Names{}) }

// values yields the values of wanted fields, of all if none is named.
func values(asset rawjson.Value, wanted Names) iter.Seq[Value] {
	all := wanted.isEmpty()
	return func(yield func(Value) bool) {
		for container := range asset.Members {
			if !IsContainer(container.Name) {
				continue
			}
			if e, ok := readEditor(container.Value); ok {
				if !e.eachValue(wanted, yield) {
					return
				}
				continue
			}
			for m := range container.Value.Members {
				if (all || wanted.hasMember(m)) && !yield(held(m.Value)) {
					return
				}
			}
			for element := range container.Value.Elements {
				if element[0] == '{' && (all || wanted.hasElement(element)) && !yield(held(element)) {
					return
				}
			}
		}
	}
}

// eachValue yields the values of the labels of wanted fields; it returns false if
// that was broken off.
func (e *editor) eachValue(wanted Names, yield func(Value) bool) bool {
	labels, _ := e.labelled(wanted)
	for v := range e.values.Elements {
		if (wanted.isEmpty() || labels.hasOf(v, memberLabelID)) && !yield(held(v)) {
			return false
		}
	}
	return true
}

// held takes a value out of the object that holds it, if it is in one.
func held(holder rawjson.Value) Value {
	v := Value{JSON: holder}
	for m := range holder.Members {
		switch {
		case is(m.Name, "value"), is(m.Name, "values"), is(m.Name, "items"):
			v.JSON = m.Value
		case is(m.Name, "type"):
			v.Type = string(scalar(m.Value))
		}
	}
	return v
}
