package rawjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// plain tells the bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := ' '; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str passes by a string, and reports whether it is written with escapes.
func (s *scanner) str() (escaped bool, err error) {
	if !s.takes('"') {
		return false, s.fails("no string")
	}
	for {
		text := s.text
		i := passPlain(text, s.at)
		s.at = i
		if i >= len(text) {
			return escaped, s.fails("no end of a string")
		}
		switch text[i] {
		case '"':
			s.at++
			return escaped, nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return escaped, err
			}
		default:
			return escaped, s.fails("a control character in a string")
		}
	}
}

// passPlain returns where in text, from i on, is the first byte that is not plain.
func passPlain(text []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		// Eight bytes at a time: in found, the highest bit is set of the first byte
		// that is not plain, and perhaps of later ones.
		x := binary.LittleEndian.Uint64(text[i:])
		quote, backslash := x^ones*'"', x^ones*'\\'
		found := (x - ones*' ') & ^x
		found |= (quote - ones) & ^quote
		found |= (backslash - ones) & ^backslash
		if found &= high; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && plain[text[i]] {
		i++
	}
	return i
}

// escape passes by an escape, which begins here.
func (s *scanner) escape() error {
	s.at++
	if s.at >= len(s.text) {
		return s.fails("no end of a string")
	}
	c := s.text[s.at]
	s.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		if _, ok := hex4(s.text[s.at:]); ok {
			s.at += 4
			return nil
		}
	}
	return s.fails("no such escape in a string")
}

// hex4 reads four hexadecimal digits.
func hex4(text []byte) (r rune, ok bool) {
	if len(text) < 4 {
		return 0, false
	}
	for _, c := range text[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape decodes what lies between the quotes of a valid string.
func unescape(text []byte) []byte { return appendUnescaped(make([]byte, 0, len(text)), text) }

// appendUnescaped is unescape that appends. Half a surrogate pair becomes U+FFFD, as
// encoding/json has it. Of what is no string, it makes something.
func appendUnescaped(out, text []byte) []byte {
	for i := 0; i < len(text); {
		next := bytes.IndexByte(text[i:], '\\')
		if next < 0 {
			return append(out, text[i:]...)
		}
		out = append(out, text[i:i+next]...)
		if i += next; i+1 == len(text) {
			return append(out, text[i])
		}
		c := text[i+1]
		i += 2
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(text[i:])
			i = min(i+4, len(text))
			if utf16.IsSurrogate(r) {
				var low rune
				if rest := text[i:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
					low, _ = hex4(rest[2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return out
}

// AppendString appends text as a JSON string. Only what must be escaped is, so
// that a string written without escapes is appended as it was.
func AppendString(dst, text []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	rest := 0 // where what was not yet appended begins
	for i, c := range text {
		if plain[c] {
			continue
		}
		dst = append(dst, text[rest:i]...)
		rest = i + 1
		if c < ' ' {
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
	}
	dst = append(dst, text[rest:]...)
	return append(dst, '"')
}
