// Package rawjson reads JSON text where it lies, without making Go values of
// it: the members of an object, the elements of an array, a canonical form.
//
// A text that it reads without an error is valid JSON throughout, as encoding/json
// understands RFC 8259, up to 10,000 levels deep. Reading takes time in
// proportion to the text, sorting aside. Bytes in strings that are not UTF-8 stay
// as they are. What the text means is not its business.
package rawjson

import (
	"errors"
	"fmt"
)

// maxDepth bounds how deep arrays and objects lie in one another; it is that of
// encoding/json.
const maxDepth = 10000

// Parse returns the value that text is, without the white space around it. The
// error says at which byte text is not JSON.
func Parse(text []byte) (Value, error) {
	s := scanner{text: text}
	s.space()
	begin := s.at
	if err := s.value(); err != nil {
		return nil, err
	}
	end := s.at
	return text[begin:end], s.ends()
}

// scanner stands at a byte of a text.
type scanner struct {
	text  []byte
	at    int
	depth int
}

var errDepth = errors.New("not JSON: arrays and objects lie more than 10000 levels deep")

// fails says what was to be expected here.
func (s *scanner) fails(what string) error {
	return fmt.Errorf("not JSON: %s at byte %d", what, s.at)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// takes passes by c if it is next.
func (s *scanner) takes(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// ends wants nothing more than white space.
func (s *scanner) ends() error {
	if s.space(); s.at < len(s.text) {
		return s.fails("more after the end")
	}
	return nil
}

// quoted is where a name lies in the text, with its quotes.
type quoted struct {
	begin, end int
	escaped    bool
}

// name decodes a name.
func (s *scanner) name(q quoted) []byte {
	name := s.text[q.begin+1 : q.end-1]
	if q.escaped {
		return unescape(name)
	}
	return name
}

// object reads an object from behind its brace; member has to read each
// member's value, at which the scanner then stands.
func (s *scanner) object(member func(name quoted) error) error {
	if s.depth++; s.depth > maxDepth {
		return errDepth
	}
	if s.space(); s.takes('}') {
		s.depth--
		return nil
	}
	for {
		s.space()
		begin := s.at
		escaped, err := s.str()
		if err != nil {
			return err
		}
		name := quoted{begin, s.at, escaped}
		if s.space(); !s.takes(':') {
			return s.fails("no colon after a name")
		}
		s.space()
		if err := member(name); err != nil {
			return err
		}
		switch s.space(); {
		case s.takes(','):
		case s.takes('}'):
			s.depth--
			return nil
		default:
			return s.fails("neither comma nor brace after a member")
		}
	}
}

// array reads an array from behind its bracket; element has to read each
// element.
func (s *scanner) array(element func() error) error {
	if s.depth++; s.depth > maxDepth {
		return errDepth
	}
	if s.space(); s.takes(']') {
		s.depth--
		return nil
	}
	for {
		s.space()
		if err := element(); err != nil {
			return err
		}
		switch s.space(); {
		case s.takes(','):
		case s.takes(']'):
			s.depth--
			return nil
		default:
			return s.fails("neither comma nor bracket after an element")
		}
	}
}

// value passes by a value, which begins here.
func (s *scanner) value() error {
	if s.at >= len(s.text) {
		return s.fails("no value")
	}
	switch c := s.text[s.at]; {
	case c == '"':
		_, err := s.str()
		return err
	case c == '{':
		s.at++
		return s.object(func(quoted) error { return s.value() })
	case c == '[':
		s.at++
		return s.array(s.value)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	default:
		return s.literal()
	}
}

func (s *scanner) literal() error {
	for _, word := range [...]string{"null", "true", "false"} {
		if rest := s.text[s.at:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.at += len(word)
			return nil
		}
	}
	return s.fails("no value")
}

// number passes by a number (RFC 8259, section 6).
func (s *scanner) number() error {
	s.takes('-')
	if !s.takes('0') && !s.digits() {
		return s.fails("no digit")
	}
	if s.takes('.') && !s.digits() {
		return s.fails("no digit after the point")
	}
	if s.takes('e') || s.takes('E') {
		if !s.takes('+') {
			s.takes('-')
		}
		if !s.digits() {
			return s.fails("no digit in the exponent")
		}
	}
	return nil
}

// digits reports whether there was at least one.
func (s *scanner) digits() bool {
	begin := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > begin
}
