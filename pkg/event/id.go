package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxIDLength bounds an id in bytes of JSON text, so that a key made of ids
// stays far below what any store allows.
const maxIDLength = 512

// ID identifies something in a DAM. DAMs use integers and strings; an ID goes
// out in the form in which it came in, so 5 and "5" are different ids. It is
// comparable; its zero value is no id.
type ID struct {
	text string // canonical JSON: an integer or a quoted string
}

// IntID returns the id of an integer.
func IntID(n int64) ID { return ID{strconv.FormatInt(n, 10)} }

// StringID returns the id of a string; the empty string is no id.
func StringID(s string) ID {
	if s == "" {
		return ID{}
	}
	quoted, err := encode(s)
	if err != nil {
		return ID{} // a string always marshals; kept for the signature's sake
	}
	return ID{string(quoted)}
}

// ParseID reads an id as people type it: digits make an integer, anything else
// a string; a string of digits is typed in double quotes.
func ParseID(text string) (ID, error) {
	if text == "" {
		return ID{}, errors.New("an id is empty")
	}
	if isInteger(text) || text[0] == '"' {
		var id ID
		err := id.UnmarshalJSON([]byte(text))
		return id, err
	}
	if !utf8.ValidString(text) {
		return ID{}, errors.New("an id is not UTF-8")
	}
	id := StringID(text)
	if len(id.text) > maxIDLength {
		return ID{}, fmt.Errorf("an id is longer than %d bytes", maxIDLength)
	}
	return id, nil
}

// CanonicalID returns the id whose JSON is that text, of which it keeps a part; false if
// the text is no JSON of an id, or an unusual one, which may have to be decoded.
func CanonicalID(text string) (ID, bool) {
	if len(text) > maxIDLength || text == "-0" || text == `""` || !isInteger(text) && !isPlain(text) {
		return ID{}, false
	}
	return ID{text}, true
}

// IsZero reports whether id is no id.
func (id ID) IsZero() bool { return id.text == "" }

// IsString reports whether id came as a string.
func (id ID) IsString() bool { return id.text != "" && id.text[0] == '"' }

// String returns the id for people, without quotes.
func (id ID) String() string {
	if !id.IsString() {
		return id.text
	}
	if isPlain(id.text) {
		return id.text[1 : len(id.text)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(id.text), &s); err != nil {
		return id.text
	}
	return s
}

// JSON returns the id's canonical JSON text, "" for no id. Different ids have
// different texts.
func (id ID) JSON() string { return id.text }

// MarshalJSON returns the id as it came in; no id is null.
func (id ID) MarshalJSON() ([]byte, error) {
	if id.IsZero() {
		return []byte("null"), nil
	}
	return []byte(id.text), nil
}

// UnmarshalJSON accepts an integer or a string, at most 512 bytes long, and
// null as no id.
func (id *ID) UnmarshalJSON(raw []byte) error {
	if known, ok := CanonicalID(string(raw)); ok {
		*id = known
		return nil
	}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) > maxIDLength:
		return fmt.Errorf("an id is longer than %d bytes", maxIDLength)
	case string(raw) == "null":
		*id = ID{}
		return nil
	case len(raw) > 0 && raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return fmt.Errorf("id %s is not a JSON string", raw)
		}
		if s == "" {
			return errors.New("an id is an empty string")
		}
		if !utf8.Valid(raw) || strings.ContainsRune(s, utf8.RuneError) && !writesReplacement(raw) {
			return errors.New("an id holds half a surrogate pair or is not UTF-8")
		}
		*id = StringID(s)
		if len(id.text) > maxIDLength {
			*id = ID{}
			return fmt.Errorf("an id is longer than %d bytes", maxIDLength)
		}
		return nil
	case isInteger(string(raw)):
		if string(raw) == "-0" {
			raw = []byte("0")
		}
		*id = ID{string(raw)}
		return nil
	default:
		return fmt.Errorf("id %.40s is neither an integer nor a string", raw)
	}
}

// isPlain reports whether JSON text is a string that stands for itself: printable
// ASCII without escapes. Nearly all ids are, and need no decoder.
func isPlain(text string) bool {
	last := len(text) - 1
	if last < 1 || text[0] != '"' || text[last] != '"' {
		return false
	}
	for i := 1; i < last; i++ {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// writesReplacement reports whether JSON text itself has U+FFFD, which the
// decoder puts in place of what is no character: without it, different broken
// ids would become one.
func writesReplacement(raw []byte) bool {
	return bytes.Contains(raw, []byte("\ufffd")) || bytes.Contains(bytes.ToLower(raw), []byte(`\ufffd`))
}

// isInteger reports whether text is a JSON number without fraction and exponent.
func isInteger(text string) bool {
	digits := text
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" || (digits[0] == '0' && len(digits) > 1) {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// encode marshals without escaping <, > and &, which are common in ids that are
// URLs or paths.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
