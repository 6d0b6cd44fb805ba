package rawjson

import (
	"math"
	"strconv"
)

// maxExact is the largest size up to which a float64 has every integer.
const maxExact = 1 << 53

// Decode makes a Go value of a JSON value: nil, bool, string, []any and
// map[string]any, and of a number an int if it is whole (and of a size that it
// can be), else a float64. Of members with one name the last counts.
func Decode(text []byte) (any, error) {
	s := scanner{text: text}
	s.space()
	v, err := s.decode()
	if err != nil {
		return nil, err
	}
	return v, s.ends()
}

func (s *scanner) decode() (any, error) {
	begin := s.at
	switch {
	case s.takes('{'):
		members := make(map[string]any)
		err := s.object(func(name quoted) (err error) {
			members[string(s.name(name))], err = s.decode()
			return err
		})
		return members, err
	case s.takes('['):
		elements := []any{}
		err := s.array(func() error {
			element, err := s.decode()
			elements = append(elements, element)
			return err
		})
		return elements, err
	}
	if err := s.value(); err != nil {
		return nil, err
	}
	value := Value(s.text[begin:s.at])
	switch value[0] {
	case '"':
		text, _ := value.String()
		return string(text), nil
	case 'n':
		return nil, nil
	case 't':
		return true, nil
	case 'f':
		return false, nil
	default:
		return number(string(value)), nil
	}
}

// number reads a valid number. One that is too large becomes infinite.
func number(text string) any {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	f, _ := strconv.ParseFloat(text, 64) // an error is one of range, and then f is infinite
	if f == math.Trunc(f) && math.Abs(f) <= maxExact {
		return int(f)
	}
	return f
}
