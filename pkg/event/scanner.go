package event

import "strings"

// maxDepth is how deep a value may lie in others for a scanner to look at it.
const maxDepth = 64

// scanner goes through JSON. Once it has failed it stays where it is.
type scanner struct {
	text   string
	line   []byte // the same
	at     int
	depth  int
	first  bool // nothing of the object or array was read yet
	failed bool
}

// begin goes into an object or array.
func (s *scanner) begin(bracket byte) {
	s.expect(bracket)
	s.depth++
	s.failed = s.failed || s.depth > maxDepth
	s.first = true
}

// another reports whether there is another member or element; if not, it goes out
// of the object or array.
func (s *scanner) another(end byte) bool {
	if s.failed {
		return false
	}
	if s.peek() == end {
		s.at++
		s.depth--
		s.first = false
		return false
	}
	if !s.first {
		s.expect(',')
	}
	s.first = false
	return !s.failed
}

// name reads a member's name, which has no escapes and is ASCII, and the colon.
func (s *scanner) name() string {
	text, plain := s.quoted()
	s.expect(':')
	if s.failed || !plain || !isASCII(text) {
		s.failed = true
		return ""
	}
	return text[1 : len(text)-1]
}

// value passes over any value.
func (s *scanner) value() {
	switch s.peek() {
	case '{':
		for s.begin('{'); s.another('}'); {
			s.quoted()
			s.expect(':')
			s.value()
		}
	case '[':
		for s.begin('['); s.another(']'); {
			s.value()
		}
	case '"':
		s.quoted()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.number()
	}
}

// null passes over null, and reports whether it was there.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	s.word("null")
	return true
}

func (s *scanner) word(word string) {
	if !strings.HasPrefix(s.text[s.at:], word) {
		s.failed = true
		return
	}
	s.at += len(word)
}

func (s *scanner) expect(c byte) {
	if s.peek() != c {
		s.failed = true
	}
	if !s.failed {
		s.at++
	}
}

// peek returns the first byte after white space; 0 at the end, or after a failure.
func (s *scanner) peek() byte {
	for !s.failed && s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// quoted reads a string, and returns it as it is written; plain says that nothing
// in it is escaped.
func (s *scanner) quoted() (text string, plain bool) {
	if s.expect('"'); s.failed {
		return "", false
	}
	rest := s.text[s.at:]
	plain = true
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			from := s.at - 1
			s.at += i + 1
			return s.text[from:s.at], plain
		case c < ' ':
			s.failed = true
			return "", false
		case c == '\\':
			plain = false
			n := escapeLength(rest[i:])
			if n == 0 {
				s.failed = true
				return "", false
			}
			i += n - 1
		}
	}
	s.failed = true
	return "", false
}

// escapeLength is how many bytes the escape at the beginning of text has; 0 if it
// is none.
func escapeLength(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		const length = len(`\u0000`)
		if len(text) < length || strings.Trim(text[2:length], "0123456789abcdefABCDEF") != "" {
			return 0
		}
		return length
	default:
		return 0
	}
}

// number reads a number, and returns it as it is written.
func (s *scanner) number() string {
	s.peek()
	from := s.at
	s.accept('-')
	if !s.accept('0') {
		s.digits()
	}
	if s.accept('.') {
		s.digits()
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		s.digits()
	}
	return s.text[from:s.at]
}

func (s *scanner) accept(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// digits reads at least one digit.
func (s *scanner) digits() {
	from := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	s.failed = s.failed || s.at == from
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] > '~' {
			return false
		}
	}
	return true
}
