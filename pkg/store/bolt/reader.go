package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

var errShort = errors.New("it is cut off or garbled")

// reader takes a record apart. After the first fault it returns zero values and
// keeps the fault.
type reader struct {
	rest []byte
	// text, if it is given, is all that was to be read: strings become parts of
	// it, instead of copies each.
	text string
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		return errShort
	}
	return r.err
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads the length of a list, which can't have more elements than there
// are bytes left.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	b := r.bytes(r.count())
	if r.text == "" || r.err != nil {
		return string(b)
	}
	end := len(r.text) - len(r.rest)
	return r.text[end-len(b) : end]
}

func (r *reader) word() string {
	code := r.uvarint()
	if code == 0 {
		return r.string()
	}
	if code > uint64(len(words)) {
		r.fail(errShort)
		return ""
	}
	return words[code-1]
}

func (r *reader) optionalBytes() []byte {
	b := r.bytes(r.count())
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}

func (r *reader) time() time.Time {
	n := r.varint()
	if n < 0 {
		r.fail(errShort)
	}
	if n <= 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (r *reader) foreignTime() time.Time {
	seconds, nanoseconds := r.varint(), r.uvarint()
	switch {
	case nanoseconds == 0:
		return time.Time{}
	case nanoseconds > 1e9:
		r.fail(errShort)
		return time.Time{}
	default:
		return time.Unix(seconds, int64(nanoseconds)-1).UTC()
	}
}

// near reads what appendNear wrote.
func (r *reader) near(base int64) time.Time {
	n := r.uvarint()
	if n == 0 {
		return time.Time{}
	}
	n--
	at := base + (int64(n>>1) ^ -int64(n&1))
	if at <= 0 {
		r.fail(errShort)
		return time.Time{}
	}
	return time.Unix(0, at).UTC()
}

func (r *reader) debtID(base int64) (id debt.ID) {
	milliseconds := uint64(r.varint() + base/1e6)
	salt := r.bytes(2)
	seq := r.uvarint()
	if r.err != nil || milliseconds >= 1<<48 {
		r.fail(errShort)
		return debt.ID{}
	}
	binary.BigEndian.PutUint64(id[:], milliseconds<<16|uint64(binary.BigEndian.Uint16(salt)))
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

func (r *reader) id() event.ID {
	form := r.uvarint()
	switch {
	case form == idNone:
		return event.ID{}
	case form == idInteger:
		return event.IntID(r.varint())
	case form-idText > uint64(len(r.rest)):
		r.fail(errShort)
		return event.ID{}
	}
	var id event.ID
	if err := id.UnmarshalJSON(bytes.Clone(r.bytes(int(form - idText)))); err != nil {
		r.fail(err)
	}
	return id
}

func (r *reader) ids() []event.ID {
	ids := make([]event.ID, 0, r.count())
	for range cap(ids) {
		ids = append(ids, r.id())
	}
	return ids
}
