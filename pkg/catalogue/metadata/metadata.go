// Package metadata owns what is known of how DAMs write the metadata of an
// asset: in which members of the asset it lies, where in them a field is, what
// it is called, and what a value in several languages looks like.
//
// It works on the JSON text as it was written and knows three shapes of a
// container, as Digizuite and others write them:
//
//   - an object by field: {"keywords":"sea","title":{"en":"Sea","da":"Hav"}}
//   - an array of objects that name their field:
//     [{"guid":"6afe…","name":"Keywords","values":[{"id":1,"label":"sea"}]}]
//   - the answer of Digizuite's metadata editor (POST …/api/metadata/editor),
//     whose values point to the labels of fields: {"groups":[{"groupId":7}],
//     "fields":[{"guid":"6afe…","name":"Keywords","groupId":7,
//     "labels":{"3":{"labelId":10438,"label":"Keywords"}}}],
//     "values":[{"type":60,"itemId":9588,"labelId":10438,"value":"sea"}]}
//
// All names are compared without regard to case.
package metadata

import (
	"bytes"
	"strings"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// IsContainer reports whether the member of an asset with that name holds its
// metadata.
func IsContainer(name []byte) bool {
	return is(name, "metadata") || is(name, "additionalmetadata")
}

// is compares without regard to case; lower is lower case and ASCII.
func is(name []byte, lower string) bool {
	return len(name) == len(lower) && strings.EqualFold(string(name), lower)
}

// Names is a set of names of fields: names, guids, or ids. Its zero value is
// empty. It may be used by several goroutines at a time.
type Names struct {
	lower map[string]bool
	guids bool // whether one of them looks like a guid
}

// NewNames returns the set of those names.
func NewNames(names ...string) Names {
	n := Names{lower: make(map[string]bool, len(names))}
	for _, name := range names {
		n.lower[strings.ToLower(name)] = true
		n.guids = n.guids || len(name) == guidLength
	}
	return n
}

const guidLength = len("6afe78b7-3f24-49f3-bf95-24890ea62696")

// Has reports whether the name is one of them.
func (n Names) Has(name []byte) bool {
	if n.isEmpty() {
		return false
	}
	var short [64]byte
	lower := AppendLower(short[:0], name)
	return n.lower[string(lower)]
}

func (n Names) isEmpty() bool { return len(n.lower) == 0 }

// AppendLower appends name in lower case.
func AppendLower(dst, name []byte) []byte {
	begin := len(dst)
	for _, c := range name {
		if c >= 0x80 {
			return append(dst[:begin], bytes.ToLower(name)...)
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// identities are the members by which an object names the field it is about.
var identities = NewNames(
	"name", "guid", "id", "key", "label", "labelId", "field", "fieldId", "fieldGuid", "fieldName", "itemGuid",
	"metafieldId", "metafieldGuid", "metafieldName", "metafieldItemId", "metafieldItemGuid", "metafieldItemName",
)

// guidIdentities are those of them by which a value in an object by field is
// known also under its guid.
var guidIdentities = NewNames("guid", "itemGuid", "fieldGuid", "metafieldGuid", "metafieldItemGuid")

// names reports whether an object has a member out of by whose value, a string
// or a number, is one of wanted.
func (n Names) names(object rawjson.Value, by Names) bool {
	for m := range object.Members {
		if by.Has(m.Name) && n.Has(scalar(m.Value)) {
			return true
		}
	}
	return false
}

// scalar returns what a string says, and other values as they are written.
func scalar(value rawjson.Value) []byte {
	if text, ok := value.String(); ok {
		return text
	}
	return value
}
