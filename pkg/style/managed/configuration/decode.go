package configuration

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/endpoint"
)

// The bounds of a text.
const (
	maxSize   = 256 << 10 // bytes
	maxValues = 10_000    // of a configuration: objects, arrays and what is in them
	maxTerms  = 5_000     // of a schema, whose compiling takes the square of them
	maxDepth  = 64        // of nesting
	maxDigits = 100       // of a number as it is written, and the size of its exponent
)

// decode reads a text within the bounds and of at most so many values, numbers as
// they are written.
func decode(raw json.RawMessage, values int) (any, error) {
	switch {
	case len(raw) > maxSize:
		return nil, fmt.Errorf("it is longer than %d bytes", maxSize)
	case !utf8.Valid(raw):
		return nil, errors.New("it is not UTF-8")
	}
	value, err := endpoint.DecodeJSON(raw)
	if err != nil {
		return nil, err
	}
	left := values
	if err := measure(value, 1, &left); err != nil {
		return nil, err
	}
	if left < 0 {
		return nil, fmt.Errorf("it has more than %d values", values)
	}
	return value, nil
}

func measure(value any, depth int, left *int) error {
	if *left--; *left < 0 {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if err := measure(member, depth+1, left); err != nil {
				return err
			}
		}
	case []any:
		for _, element := range v {
			if err := measure(element, depth+1, left); err != nil {
				return err
			}
		}
	case json.Number:
		return measureNumber(string(v))
	}
	return nil
}

// measureNumber refuses numbers that only arithmetic of any precision can hold.
func measureNumber(text string) error {
	_, exponent, has := strings.Cut(strings.ToLower(text), "e")
	size := 0
	if has {
		var err error
		if size, err = strconv.Atoi(exponent); err != nil {
			size = maxDigits + 1
		}
	}
	if len(text) > maxDigits || size > maxDigits || size < -maxDigits {
		return fmt.Errorf("a number in it has more than %d digits", maxDigits)
	}
	return nil
}

// kindOf names the type of a JSON value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
