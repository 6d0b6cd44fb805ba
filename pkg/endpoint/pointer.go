package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/suggest"
)

// SetJSON returns root, as DecodeJSON reads it, with a value at the place of a
// JSON pointer (RFC 6901), in objects that are made where there are none. In an
// array it replaces an element, or adds one behind the last, which "-" names too.
// It may write into root.
func SetJSON(root any, pointer string, value any) (any, error) {
	names, err := parsePointer(pointer)
	if err != nil {
		return nil, err
	}
	return setAt(root, names, "", value)
}

func setAt(into any, names []string, before string, value any) (any, error) {
	if len(names) == 0 {
		return value, nil
	}
	name := names[0]
	at := before + "/" + EscapePointer(name)
	switch v := into.(type) {
	case nil:
		return setAt(map[string]any{}, names, before, value)
	case map[string]any:
		member, err := setAt(v[name], names[1:], at, value)
		if err != nil {
			return nil, err
		}
		v[name] = member
		return v, nil
	case []any:
		i, err := strconv.Atoi(name)
		if name == "-" {
			i, err = len(v), nil
		}
		if err != nil || i < 0 || i > len(v) {
			return nil, fmt.Errorf("%s: the next element of the array is %d, or -", at, len(v))
		}
		if i == len(v) {
			v = append(v, nil)
		}
		if v[i], err = setAt(v[i], names[1:], at, value); err != nil {
			return nil, err
		}
		return v, nil
	default:
		return nil, fmt.Errorf("%s is a value of its own, in which there is no %s", orWhole(before), at)
	}
}

// UnsetJSON removes the member of an object at the place of a JSON pointer from
// root, as DecodeJSON reads it. The error names the nearest member if there is
// none of that name.
func UnsetJSON(root any, pointer string) error {
	names, err := parsePointer(pointer)
	if err != nil {
		return err
	}
	into, at := root, ""
	for i, name := range names {
		at += "/" + EscapePointer(name)
		last := i == len(names)-1
		switch v := into.(type) {
		case map[string]any:
			member, ok := v[name]
			if !ok {
				return fmt.Errorf("there is no %s%s", at, suggest.Clause(name, slices.Sorted(maps.Keys(v))))
			}
			if last {
				delete(v, name)
			}
			into = member
		case []any:
			index, err := strconv.Atoi(name)
			if err != nil || index < 0 || index >= len(v) {
				return fmt.Errorf("there is no %s", at)
			}
			if last {
				return fmt.Errorf("%s is an element of an array: set the whole array", at)
			}
			into = v[index]
		default:
			return fmt.Errorf("there is no %s", at)
		}
	}
	return nil
}

// parsePointer reads a JSON pointer to something in a document.
func parsePointer(pointer string) ([]string, error) {
	if !strings.HasPrefix(pointer, "/") {
		return nil, errors.New(`a JSON pointer begins with "/", such as /apiKey`)
	}
	names := strings.Split(pointer[1:], "/")
	for i, name := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	}
	return names, nil
}
