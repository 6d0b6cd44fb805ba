package rawjson

// Reader reads a text in one pass, value by value. What it passes by is checked as Parse
// checks it: what was read is known to be JSON as soon as End returns no error, and not
// before.
type Reader struct{ scanner scanner }

// NewReader returns a reader that stands at the text's value.
func NewReader(text []byte) Reader {
	r := Reader{scanner{text: text}}
	r.scanner.space()
	return r
}

// Next returns the byte that the next value begins with; 0 if nothing is left.
func (r *Reader) Next() byte {
	if r.scanner.at == len(r.scanner.text) {
		return 0
	}
	return r.scanner.text[r.scanner.at]
}

// Value reads the next value, whatever it is.
func (r *Reader) Value() (Value, error) {
	begin := r.scanner.at
	err := r.scanner.value()
	return r.scanner.text[begin:r.scanner.at], err
}

// Object reads the next value, which has to be an object; member has to read the value of
// each of its members. The name may be a part of the text.
func (r *Reader) Object(member func(name []byte) error) error {
	if !r.scanner.takes('{') {
		return r.scanner.fails("no object")
	}
	return r.scanner.object(func(name quoted) error { return member(r.scanner.name(name)) })
}

// Array reads the next value, which has to be an array; element has to read each of its
// elements.
func (r *Reader) Array(element func() error) error {
	if !r.scanner.takes('[') {
		return r.scanner.fails("no array")
	}
	return r.scanner.array(element)
}

// End wants nothing more than white space.
func (r *Reader) End() error { return r.scanner.ends() }
