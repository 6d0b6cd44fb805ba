package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// MaskJSON masks every value in JSON that is no object and no array. Names of
// members stay, and how many elements an array has.
func MaskJSON(raw json.RawMessage) (json.RawMessage, error) {
	value, err := DecodeJSON(raw)
	if err != nil {
		return nil, err
	}
	return EncodeJSON(masked(value))
}

func masked(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = masked(member)
		}
		return v
	case []any:
		for i, element := range v {
			v[i] = masked(element)
		}
		return v
	default:
		return Masked
	}
}

// UnmaskJSON returns sent with what is masked in it taken from the same place in
// stored, which is nil if nothing is. Elements of an array have a place only in
// one as long as the stored one. The error names, by its JSON pointer, a mask
// that stands for nothing.
func UnmaskJSON(sent, stored json.RawMessage) (json.RawMessage, error) {
	// "*" may be escaped.
	if !bytes.Contains(sent, []byte(Masked)) && !bytes.Contains(bytes.ToLower(sent), []byte(`\u002a`)) {
		return bytes.Clone(sent), nil
	}
	value, err := DecodeJSON(sent)
	if err != nil {
		return nil, err
	}
	var old any
	if stored != nil {
		if old, err = DecodeJSON(stored); err != nil {
			return nil, fmt.Errorf("the stored value can't be read")
		}
	}
	whole, err := unmasked(value, old, stored != nil, "")
	if err != nil {
		return nil, err
	}
	return EncodeJSON(whole)
}

// unmasked fills in the masks of a value. exists says whether old is stored.
func unmasked(value, old any, exists bool, pointer string) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		members, _ := old.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			before, known := members[name]
			var err error
			if v[name], err = unmasked(v[name], before, known, pointer+"/"+EscapePointer(name)); err != nil {
				return nil, err
			}
		}
	case []any:
		elements, _ := old.([]any)
		for i := range v {
			var before any
			alike := len(elements) == len(v)
			if alike {
				before = elements[i]
			}
			var err error
			if v[i], err = unmasked(v[i], before, alike, pointer+"/"+strconv.Itoa(i)); err != nil {
				return nil, err
			}
		}
	case string:
		if v != Masked {
			return v, nil
		}
		switch old.(type) {
		case map[string]any, []any:
			exists = false // it is not shown as one mask
		}
		if !exists {
			return nil, fmt.Errorf("%s has the value %s, which stands for a stored one, and none is stored there", orWhole(pointer), Masked)
		}
		return old, nil
	}
	return value, nil
}

func orWhole(pointer string) string {
	if pointer == "" {
		return "it"
	}
	return pointer
}

// EscapePointer writes a member's name as a token of a JSON pointer (RFC 6901).
func EscapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// DecodeJSON reads one JSON value, with numbers as they are written. The error
// does not repeat what was read.
func DecodeJSON(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("it is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is more than one JSON value")
	}
	return value, nil
}

// EncodeJSON writes a JSON value on one line, members by name.
func EncodeJSON(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSpace(text.Bytes()), nil
}
