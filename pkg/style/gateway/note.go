package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/event"
)

// noteVersion is the first byte of a note.
const noteVersion = 1

// note is what a ping tells of a change beyond what its debt holds.
//
// It is stored as the version, a byte, and then user, session, domain, refnr and
// streamtype, each behind its length in bytes as an unsigned varint: ids as
// their JSON texts, and nothing for what the event does not say. The note of a
// change that says none of them is empty.
type note struct {
	user, session, domain event.ID
	refNr, streamType     string
}

func noteOf(e *event.Event) note {
	return note{user: e.User, session: e.Session, domain: e.Domain, refNr: e.RefNr, streamType: e.StreamType}
}

// encode returns the stored form; nil if there is nothing to note.
func (n note) encode() []byte {
	if n == (note{}) {
		return nil
	}
	texts := [...]string{n.user.JSON(), n.session.JSON(), n.domain.JSON(), n.refNr, n.streamType}
	size := 1
	for _, text := range texts {
		size += binary.MaxVarintLen16 + len(text)
	}
	buf := append(make([]byte, 0, size), noteVersion)
	for _, text := range texts {
		buf = binary.AppendUvarint(buf, uint64(len(text)))
		buf = append(buf, text...)
	}
	return buf
}

// decodeNote reads the stored form.
func decodeNote(raw []byte) (note, error) {
	if len(raw) == 0 {
		return note{}, nil
	}
	if raw[0] != noteVersion {
		return note{}, fmt.Errorf("the debt's note has version %d, and this dz reads %d", raw[0], noteVersion)
	}
	var n note
	var text []byte
	var err error
	rest := raw[1:]
	for _, id := range []*event.ID{&n.user, &n.session, &n.domain} {
		if text, rest, err = cut(rest); err != nil {
			return note{}, err
		}
		if len(text) == 0 {
			continue
		}
		if err := id.UnmarshalJSON(text); err != nil {
			return note{}, fmt.Errorf("the debt's note can't be read: %w", err)
		}
	}
	for _, field := range []*string{&n.refNr, &n.streamType} {
		if text, rest, err = cut(rest); err != nil {
			return note{}, err
		}
		*field = string(text)
	}
	if len(rest) > 0 {
		return note{}, errors.New("the debt's note goes on beyond its end")
	}
	return n, nil
}

// cut takes one text off a note.
func cut(raw []byte) (text, rest []byte, err error) {
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		return nil, nil, errors.New("the debt's note is cut off")
	}
	raw = raw[n:]
	return raw[:size], raw[size:], nil
}
