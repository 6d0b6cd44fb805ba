package metadata

import (
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// The members of the metadata editor's answer.
const (
	memberGroups  = "groups"
	memberFields  = "fields"
	memberValues  = "values"
	memberGroupID = "groupid"
	memberLabelID = "labelid"
	memberLabels  = "labels"
)

// editor is the answer of the metadata editor.
type editor struct{ fields, values rawjson.Value }

// note notes a member of what may be such an answer.
func (e *editor) note(m rawjson.Member) {
	switch {
	case m.Value[0] != '[':
	case is(m.Name, memberFields):
		e.fields = m.Value
	case is(m.Name, memberValues):
		e.values = m.Value
	}
}

// is reports whether it is one.
func (e *editor) is() bool { return e.fields != nil && e.values != nil }

// readEditor returns false if the object is no such answer.
func readEditor(object rawjson.Value) (e editor, ok bool) {
	for m := range object.Members {
		e.note(m)
	}
	ok = e.is()
	return e, ok
}

// fieldIdentities and labelIdentities are the members by which a field of the
// editor is named.
var (
	fieldIdentities = NewNames("name", "guid", "itemId", "metafieldId")
	labelIdentities = NewNames("label", memberLabelID)
)

// hasField reports whether a field is wanted: by its own names, or by those of
// its labels.
func (n Names) hasField(field rawjson.Value) bool {
	if n.names(field, fieldIdentities) {
		return true
	}
	for _, label := range labelsOf(field) {
		if n.names(label.Value, labelIdentities) {
			return true
		}
	}
	return false
}

// labelsOf yields the labels of a field; their names are languages.
func labelsOf(field rawjson.Value) []rawjson.Member {
	var labels []rawjson.Member
	for m := range member(field, memberLabels).Members {
		labels = append(labels, m)
	}
	return labels
}

// member returns the value of a member by its lower case name; nil if there is
// none.
func member(object rawjson.Value, lower string) rawjson.Value {
	for m := range object.Members {
		if is(m.Name, lower) {
			return m.Value
		}
	}
	return nil
}

// ids is a set of ids, as scalars.
type ids map[string]bool

// add adds the id that an object has under the name.
func (s ids) add(object rawjson.Value, lower string) {
	if id := member(object, lower); id != nil {
		s[string(scalar(id))] = true
	}
}

// hasOf reports whether the id that an object has under the name is in the set.
func (s ids) hasOf(object rawjson.Value, lower string) bool {
	id := member(object, lower)
	return id != nil && s[string(scalar(id))]
}

// labelled returns the labels of wanted fields, and the groups they are in.
func (e *editor) labelled(wanted Names) (labels, groups ids) {
	labels, groups = make(ids), make(ids)
	for field := range e.fields.Elements {
		if !wanted.hasField(field) {
			continue
		}
		groups.add(field, memberGroupID)
		for _, label := range labelsOf(field) {
			labels.add(label.Value, memberLabelID)
		}
	}
	return labels, groups
}

// selectFields keeps wanted fields, the values of their labels and the groups
// they are in.
func (e *editor) selectFields(dst []byte, object rawjson.Value, wanted Names) []byte {
	labels, groups := e.labelled(wanted)
	return rewrite(dst, object, func(dst []byte, m rawjson.Member) []byte {
		switch {
		case m.Value[0] != '[':
		case is(m.Name, memberFields):
			return selectElements(dst, m.Value, wanted.hasField)
		case is(m.Name, memberValues):
			return selectElements(dst, m.Value, func(v rawjson.Value) bool { return labels.hasOf(v, memberLabelID) })
		case is(m.Name, memberGroups):
			return selectElements(dst, m.Value, func(group rawjson.Value) bool { return groups.hasOf(group, memberGroupID) })
		}
		return append(dst, m.Value...)
	})
}
