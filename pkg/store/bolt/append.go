package bolt

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// What records are made of. reader reads it back.

func appendString(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// appendTime writes a time that dz has read itself: Unix nanoseconds, and 0 for
// the zero time.
func appendTime(buf []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(buf, 0)
	}
	return binary.AppendVarint(buf, nanos(t))
}

// appendForeignTime writes a time that came from outside, and may be any that
// RFC 3339 can say: Unix seconds and then nanoseconds plus one, or 0 0 for the
// zero time.
func appendForeignTime(buf []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(buf, 0, 0)
	}
	buf = binary.AppendVarint(buf, t.Unix())
	return binary.AppendUvarint(buf, uint64(t.Nanosecond())+1)
}

// appendNear writes a time that dz has read itself as its distance from another
// one, in Unix nanoseconds: 0 for the zero time, and else one more than the
// distance in zigzag.
func appendNear(buf []byte, t time.Time, base int64) []byte {
	if t.IsZero() {
		return append(buf, 0)
	}
	d := nanos(t) - base
	return binary.AppendUvarint(buf, uint64(d<<1^d>>63)+1)
}

// sinceEpoch is t in Unix nanoseconds, 0 for the zero time.
func sinceEpoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return nanos(t)
}

// nanos is t in Unix nanoseconds, at least 1: 0 means "at once" in the index,
// and no time in a record.
func nanos(t time.Time) int64 { return max(t.UnixNano(), 1) }

// appendDebtID writes an id: its time as the distance, in milliseconds, from
// another one in Unix nanoseconds, its salt and its number.
func appendDebtID(buf []byte, id debt.ID, base int64) []byte {
	head := binary.BigEndian.Uint64(id[:])
	buf = binary.AppendVarint(buf, int64(head>>16)-base/1e6)
	buf = binary.BigEndian.AppendUint16(buf, uint16(head))
	return binary.AppendUvarint(buf, id.Seq())
}

// Forms of an id; beyond them stands the length of its JSON text plus idText.
const (
	idNone = iota
	idInteger
	idText
)

func appendID(buf []byte, id event.ID) []byte {
	text := id.JSON()
	if text == "" {
		return append(buf, idNone)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return binary.AppendVarint(append(buf, idInteger), n)
	}
	buf = binary.AppendUvarint(buf, uint64(len(text))+idText)
	return append(buf, text...)
}

func appendIDs(buf []byte, ids []event.ID) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(ids)))
	for _, id := range ids {
		buf = appendID(buf, id)
	}
	return buf
}
