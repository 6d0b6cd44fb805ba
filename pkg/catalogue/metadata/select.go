package metadata

import (
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// Select appends a container with just those of its fields that are wanted, as
// they are written and in their order. A container that is neither object nor
// array has no field to keep, and becomes null.
func Select(dst []byte, container rawjson.Value, wanted Names) []byte {
	switch {
	case container[0] == '{' && wanted.isEmpty():
		return append(dst, "{}"...)
	case container[0] == '[' && wanted.isEmpty():
		return append(dst, "[]"...)
	case container[0] == '{':
		begin, e := len(dst), editor{}
		dst = selectMembers(dst, container, func(m rawjson.Member) bool {
			e.note(m)
			return wanted.hasMember(m)
		})
		if !e.is() {
			return dst
		}
		return e.selectFields(dst[:begin], container, wanted)
	case container[0] == '[':
		return selectElements(dst, container, wanted.hasElement)
	default:
		return append(dst, "null"...)
	}
}

// hasMember reports whether a member of an object by field is wanted.
func (n Names) hasMember(m rawjson.Member) bool {
	return n.Has(m.Name) || n.guids && n.names(m.Value, guidIdentities)
}

// hasElement reports whether an object in an array is about a wanted field.
func (n Names) hasElement(element rawjson.Value) bool {
	return n.names(element, identities)
}

func selectMembers(dst []byte, object rawjson.Value, keep func(rawjson.Member) bool) []byte {
	dst = append(dst, '{')
	begin := len(dst)
	for m := range object.Members {
		if keep(m) {
			dst = append(separate(dst, begin), m.Text...)
		}
	}
	return append(dst, '}')
}

func selectElements(dst []byte, array rawjson.Value, keep func(rawjson.Value) bool) []byte {
	dst = append(dst, '[')
	begin := len(dst)
	for element := range array.Elements {
		if keep(element) {
			dst = append(separate(dst, begin), element...)
		}
	}
	return append(dst, ']')
}

// rewrite appends an object with each member's value as appendValue appends it.
func rewrite(dst []byte, object rawjson.Value, appendValue func(dst []byte, m rawjson.Member) []byte) []byte {
	dst = append(dst, '{')
	begin := len(dst)
	for m := range object.Members {
		dst = append(separate(dst, begin), m.Text[:len(m.Text)-len(m.Value)]...) // the name and the colon
		dst = appendValue(dst, m)
	}
	return append(dst, '}')
}

// separate appends a comma if something has been appended since begin.
func separate(dst []byte, begin int) []byte {
	if len(dst) > begin {
		dst = append(dst, ',')
	}
	return dst
}
