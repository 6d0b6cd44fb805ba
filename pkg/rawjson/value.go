package rawjson

import "bytes"

// Value is a JSON value as it is written, without white space around it. It comes
// from Parse or Known, or out of another one: that it is valid is known, and not
// checked again.
type Value []byte

// Known returns the value that text is, which was read without an error before, and
// is not checked again: that takes most of the time. Of a text that is not JSON
// after all, the members and the elements are some parts of it, and their names
// may be.
func Known(text []byte) Value {
	s := scanner{text: text}
	s.space()
	end := len(text)
	for end > s.at && isSpace[text[end-1]] {
		end--
	}
	return text[s.at:end]
}

// Member is a member of an object. Its slices are parts of the object's text, but
// for a name that is written with escapes.
type Member struct {
	Name  []byte // decoded
	Value Value
	Text  []byte // the name and the value, as written
	At    int    // where Value begins in the object
}

// Members yields the members of v, in their order; none if v is no object.
func (v Value) Members(yield func(Member) bool) {
	if len(v) == 0 || v[0] != '{' {
		return
	}
	s := scanner{text: v, at: 1}
	for s.space(); s.at < len(v) && v[s.at] != '}'; s.space() {
		if v[s.at] == ',' {
			s.at++
			s.space()
		}
		name := quoted{begin: s.at}
		s.at = passString(v, s.at)
		name.end = s.at
		s.space()
		s.at++ // the colon
		s.space()
		begin := s.at
		if s.pass(); s.at > len(v) || s.at == begin || name.end-name.begin < 2 {
			return // it is no JSON
		}
		name.escaped = bytes.IndexByte(v[name.begin:name.end], '\\') >= 0
		if !yield(Member{Name: s.name(name), Value: v[begin:s.at], Text: v[name.begin:s.at], At: begin}) {
			return
		}
	}
}

// Elements yields the elements of v, in their order; none if v is no array.
func (v Value) Elements(yield func(Value) bool) {
	if len(v) == 0 || v[0] != '[' {
		return
	}
	s := scanner{text: v, at: 1}
	for s.space(); s.at < len(v) && v[s.at] != ']'; s.space() {
		if v[s.at] == ',' {
			s.at++
			s.space()
		}
		begin := s.at
		if s.pass(); s.at > len(v) || s.at == begin {
			return // it is no JSON
		}
		if !yield(v[begin:s.at]) {
			return
		}
	}
}

// String returns what v says, and false if it is no string. The result may be a
// part of v.
func (v Value) String() (text []byte, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return nil, false
	}
	text = v[1 : len(v)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = unescape(text)
	}
	return text, true
}

// AppendText appends what String returns.
func (v Value) AppendText(dst []byte) (text []byte, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return dst, false
	}
	return appendUnescaped(dst, v[1:len(v)-1]), true
}

// nests tells the bytes at which pass has something to do.
var nests = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// pass passes by a value that is known to be valid, which begins here. It stands
// beyond the text's end if that was no JSON.
func (s *scanner) pass() {
	text, i := s.text, s.at
	if i >= len(text) {
		s.at = len(text) + 1
		return
	}
	switch text[i] {
	case '"':
		i = passString(text, i)
	case '{', '[':
		i = passNested(text, i)
	default:
		for i < len(text) && !follows[text[i]] {
			i++
		}
	}
	s.at = i
}

// passNested returns where the object or array ends that begins at i and is known
// to be valid; beyond the text's end if it does not.
func passNested(text []byte, i int) int {
	for depth := 0; ; {
		for i < len(text) && !nests[text[i]] {
			i++
		}
		if i >= len(text) {
			return len(text) + 1
		}
		switch text[i] {
		case '"':
			i = passString(text, i)
			continue
		case '{', '[':
			depth++
		default:
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
}

// follows tells the bytes that end a number or a literal.
var follows = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\n': true, '\r': true}

// isSpace tells the bytes that are white space.
var isSpace = [256]bool{' ': true, '\t': true, '\n': true, '\r': true}

// passString returns where the string ends that begins at i and is known to be
// valid; beyond the text's end if it does not.
func passString(text []byte, i int) int {
	for begin := i + 1; begin < len(text); {
		quote := bytes.IndexByte(text[begin:], '"')
		if quote < 0 {
			break
		}
		begin += quote + 1
		if end := begin - 1; text[end-1] != '\\' || !isEscaped(text[i+1:end]) {
			return begin
		}
	}
	return len(text) + 1
}

// isEscaped reports whether what follows text is escaped: an odd number of
// backslashes is at its end.
func isEscaped(text []byte) bool {
	return (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 1
}
