package managed

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dam-delivery/dz/pkg/event"
)

// maxNoted bounds the fields and formats that a note names, each; of more it says
// that there are many.
const maxNoted = 128

// noteVersion is the first byte of a note.
const noteVersion = 1

// note is what matters of all changes that a debt stands for. Its stored form is
// the version, the flags, and then the number of fields and the fields, and
// likewise the formats (as JSON), each behind its length: numbers as unsigned
// varints.
type note struct {
	whatever   bool // it is to be told, whatever has changed
	unnamed    bool // a change does not say which fields it is of
	manyFields bool
	anyFormat  bool // a format was generated, and which is not known, or they are many
	created    bool // the asset was made
	fields     []string
	formats    []event.ID
}

// Flags of a note.
const (
	flagWhatever = 1 << iota
	flagUnnamed
	flagManyFields
	flagAnyFormat
	flagCreated
)

// noteOf notes an event. One that tells of formats alone concerns no field.
func noteOf(e *event.Event) note {
	n := note{fields: e.ChangedFields, formats: e.Formats, created: e.Type == "AssetCreated"}
	published := e.Type == "AssetProfilePublished"
	n.anyFormat = published && len(n.formats) == 0
	n.unnamed = len(n.fields) == 0 && (!published || n.anyFormat)
	n.bound()
	return n
}

// bound keeps a note from growing.
func (n *note) bound() {
	if len(n.fields) > maxNoted {
		n.fields, n.manyFields = nil, true
	}
	if len(n.formats) > maxNoted {
		n.formats, n.anyFormat = nil, true
	}
}

// fold makes one stored note of two. What can't be read says that it is to be told,
// whatever has changed: nothing is lost by that.
func fold(known, news []byte) []byte {
	a, err := decodeNote(known)
	b, errNews := decodeNote(news)
	if err != nil || errNews != nil {
		return note{whatever: true, unnamed: true}.encode()
	}
	a.whatever, a.unnamed = a.whatever || b.whatever, a.unnamed || b.unnamed
	a.manyFields, a.anyFormat, a.created = a.manyFields || b.manyFields, a.anyFormat || b.anyFormat, a.created || b.created
	a.fields, a.formats = union(a.fields, b.fields), union(a.formats, b.formats)
	a.bound()
	return a.encode()
}

func union[T comparable](all, more []T) []T {
	for _, x := range more {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	return all
}

func (n note) encode() []byte {
	var flags byte
	for i, on := range []bool{n.whatever, n.unnamed, n.manyFields, n.anyFormat, n.created} {
		if on {
			flags |= 1 << i
		}
	}
	buf := []byte{noteVersion, flags}
	buf = binary.AppendUvarint(buf, uint64(len(n.fields)))
	for _, field := range n.fields {
		buf = appendText(buf, field)
	}
	buf = binary.AppendUvarint(buf, uint64(len(n.formats)))
	for _, format := range n.formats {
		buf = appendText(buf, format.JSON())
	}
	return buf
}

func appendText(buf []byte, text string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(text))), text...)
}

var errNote = errors.New("the debt's note can't be read")

// decodeNote reads the stored form.
func decodeNote(raw []byte) (n note, err error) {
	if len(raw) < 2 || raw[0] != noteVersion {
		return note{}, errNote
	}
	flags, rest := raw[1], raw[2:]
	n.whatever, n.unnamed = flags&flagWhatever != 0, flags&flagUnnamed != 0
	n.manyFields, n.anyFormat, n.created = flags&flagManyFields != 0, flags&flagAnyFormat != 0, flags&flagCreated != 0
	rest, ok := eachText(rest, func(text string) bool {
		n.fields = append(n.fields, text)
		return true
	})
	if ok {
		rest, ok = eachText(rest, func(text string) bool {
			var id event.ID
			if id.UnmarshalJSON([]byte(text)) != nil || id.IsZero() {
				return false
			}
			n.formats = append(n.formats, id)
			return true
		})
	}
	if !ok || len(rest) > 0 {
		return note{}, errNote
	}
	return n, nil
}

// eachText reads a list of at most maxNoted texts, and returns what is behind it.
func eachText(raw []byte, take func(string) bool) (rest []byte, ok bool) {
	count, n := binary.Uvarint(raw)
	if n <= 0 || count > maxNoted {
		return nil, false
	}
	rest = raw[n:]
	for range count {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, false
		}
		rest = rest[n:]
		if !take(string(rest[:size])) {
			return nil, false
		}
		rest = rest[size:]
	}
	return rest, true
}
