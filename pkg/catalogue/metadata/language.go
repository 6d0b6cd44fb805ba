package metadata

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/dam-delivery/dz/pkg/rawjson"
)

// InLanguage returns an asset's data, a JSON object, as it is in one language,
// named as the DAM names it ("en", "da-DK", "3"); data itself if the language is
// "" or changes nothing.
//
// What is written in several languages is an object with languages as its
// names, such as {"en":"Sea","da-DK":"Hav"} or {"3":"Sea","1":"Hav"}: one of
// them is the language, and all of them look alike, either tags or numbers. It
// is replaced by what it has in the language. That is done with the members of
// the asset, if they have nothing but texts by language, with the fields of its
// metadata, and with the members of objects that are elements of its metadata.
// Of the metadata editor's answer, the labels of other languages are left out,
// and with them the values that they label; a field that has no label in the
// language keeps all.
func InLanguage(data json.RawMessage, language string) (json.RawMessage, error) {
	if language == "" {
		return data, nil
	}
	object, err := rawjson.Parse(data)
	if err != nil {
		return nil, err
	}
	if object[0] != '{' {
		return nil, errors.New("no JSON object")
	}
	l := localizer{language: []byte(language)}
	out := rewrite(make([]byte, 0, len(data)), object, func(dst []byte, m rawjson.Member) []byte {
		switch {
		case !IsContainer(m.Name):
			return l.appendValue(dst, m.Value, true)
		case m.Value[0] == '[':
			return l.appendElements(dst, m.Value)
		case m.Value[0] != '{':
			return append(dst, m.Value...)
		}
		if e, ok := readEditor(m.Value); ok {
			return l.appendEditor(dst, m.Value, e)
		}
		return l.appendMembers(dst, m.Value)
	})
	if !l.changed {
		return data, nil
	}
	return out, nil
}

// localizer writes values in a language.
type localizer struct {
	language []byte
	changed  bool // whether anything was left out
}

func (l *localizer) appendMembers(dst []byte, object rawjson.Value) []byte {
	return rewrite(dst, object, func(dst []byte, m rawjson.Member) []byte { return l.appendValue(dst, m.Value, false) })
}

func (l *localizer) appendElements(dst []byte, array rawjson.Value) []byte {
	dst = append(dst, '[')
	begin := len(dst)
	for element := range array.Elements {
		dst = separate(dst, begin)
		if element[0] == '{' {
			dst = l.appendMembers(dst, element)
		} else {
			dst = append(dst, element...)
		}
	}
	return append(dst, ']')
}

// appendValue appends a value, or what it has in the language if it has
// languages.
func (l *localizer) appendValue(dst []byte, value rawjson.Value, textsOnly bool) []byte {
	own := value
	numbers := isNumber(l.language)
	for m := range value.Members {
		if numbers && !isNumber(m.Name) || !numbers && !isTag(m.Name) ||
			textsOnly && m.Value[0] != '"' && m.Value[0] != 'n' {
			return append(dst, value...)
		}
		if bytes.EqualFold(m.Name, l.language) {
			own = m.Value
		}
	}
	l.changed = l.changed || len(own) < len(value)
	return append(dst, own...)
}

// isNumber reports whether a language is one of those that are numbers.
func isNumber(name []byte) bool {
	for _, c := range name {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(name) > 0 && len(name) < 10
}

// isTag reports whether a name looks like a language tag (BCP 47, or with
// underscores): "en", "zh-Hant-TW", "pt_BR".
func isTag(name []byte) bool {
	length, subtags := 0, 0
	for _, c := range name {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		switch {
		case c == '-' || c == '_':
			if length == 0 || subtags == 0 && length < 2 {
				return false
			}
			subtags++
			length = 0
			continue
		case !letter && (subtags == 0 || c < '0' || c > '9'):
			return false
		}
		if length++; length > 8 || subtags == 0 && length > 3 {
			return false
		}
	}
	return length > 0 && (subtags > 0 || length > 1)
}

// appendEditor leaves out the labels and the values of other languages.
func (l *localizer) appendEditor(dst []byte, object rawjson.Value, e editor) []byte {
	others := make(ids)
	for field := range e.fields.Elements {
		if !l.hasLabel(field) {
			continue
		}
		for _, label := range labelsOf(field) {
			if !bytes.EqualFold(label.Name, l.language) {
				l.changed = true
				others.add(label.Value, memberLabelID)
			}
		}
	}
	return rewrite(dst, object, func(dst []byte, m rawjson.Member) []byte {
		switch {
		case m.Value[0] != '[':
		case is(m.Name, memberFields):
			return l.appendFields(dst, m.Value)
		case is(m.Name, memberValues):
			return selectElements(dst, m.Value, func(v rawjson.Value) bool { return !others.hasOf(v, memberLabelID) })
		}
		return append(dst, m.Value...)
	})
}

// hasLabel reports whether a field has a label in the language.
func (l *localizer) hasLabel(field rawjson.Value) bool {
	for _, label := range labelsOf(field) {
		if bytes.EqualFold(label.Name, l.language) {
			return true
		}
	}
	return false
}

// appendFields appends fields with their labels in the language alone.
func (l *localizer) appendFields(dst []byte, fields rawjson.Value) []byte {
	dst = append(dst, '[')
	begin := len(dst)
	for field := range fields.Elements {
		dst = separate(dst, begin)
		if !l.hasLabel(field) {
			dst = append(dst, field...)
			continue
		}
		dst = rewrite(dst, field, func(dst []byte, m rawjson.Member) []byte {
			if !is(m.Name, memberLabels) {
				return append(dst, m.Value...)
			}
			return selectMembers(dst, m.Value, func(label rawjson.Member) bool { return bytes.EqualFold(label.Name, l.language) })
		})
	}
	return append(dst, ']')
}
