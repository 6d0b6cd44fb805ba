package bolt

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// Records are written by hand, in binary, because a debt is read and written
// for every change. Each begins with a version, so that a later dz can read
// what an earlier one wrote without rewriting the store.
const (
	debtVersion    = 1
	troubleVersion = 1
)

// unfiled marks a debt that is not in the index of what is due.
const unfiled = -1

// stored is a debt with what only this engine knows of it.
type stored struct {
	debt.Debt
	// Filed is where the debt stands in the index of what is due, in Unix
	// nanoseconds: never later than Due, 0 if forced, unfiled for a failure.
	Filed int64
	// Troubled: the last attempt failed, and left a trouble record.
	Troubled bool
}

// Flags of a debt record.
const (
	flagFailed = 1 << iota
	flagForced
	flagTroubled
	flagAnyField
	flagAnyFormat
	flagAnyChannel
	flagReplayed
)

// encodeDebt appends everything but endpoint and key, which are the record's
// key.
func encodeDebt(buf []byte, s *stored) []byte {
	var flags byte
	set := func(on bool, flag byte) {
		if on {
			flags |= flag
		}
	}
	set(s.Failed, flagFailed)
	set(s.Forced, flagForced)
	set(s.Troubled, flagTroubled)
	set(s.Fields == nil, flagAnyField)
	set(s.Formats == nil, flagAnyFormat)
	set(s.Channels == nil, flagAnyChannel)
	set(s.Replayed, flagReplayed)

	buf = append(buf, debtVersion, flags)
	buf = append(buf, s.ID[:]...)
	buf = binary.AppendVarint(buf, s.Filed)
	buf = appendString(buf, string(s.Object.Kind))
	buf = appendString(buf, s.Object.ItemID.JSON())
	buf = appendString(buf, s.Object.BaseID.JSON())
	buf = append(buf, byte(s.ChangeType))
	buf = appendString(buf, s.EventType)
	buf = appendString(buf, s.EventID)
	buf = appendString(buf, s.Reason)
	buf = appendForeignTime(buf, s.ChangeTime)
	buf = appendString(buf, string(s.Note))
	buf = binary.AppendUvarint(buf, s.Generation)
	buf = binary.AppendUvarint(buf, s.Count)
	buf = appendTime(buf, s.FirstSeen)
	buf = appendTime(buf, s.LastSeen)
	buf = appendTime(buf, s.Since)
	buf = appendTime(buf, s.Due)
	buf = appendTime(buf, s.LastAttempt)
	buf = binary.AppendUvarint(buf, uint64(s.Attempts))
	buf = binary.AppendUvarint(buf, uint64(s.Tries))
	buf = binary.AppendUvarint(buf, uint64(len(s.Fields)))
	for _, field := range s.Fields {
		buf = appendString(buf, field)
	}
	buf = appendIDs(buf, s.Formats)
	return appendIDs(buf, s.Channels)
}

// decodeDebt reads what encodeDebt wrote. It keeps no part of record.
func decodeDebt(endpointID uint64, key debt.Key, record []byte) (*stored, error) {
	r := reader{rest: record}
	if version := r.byte(); version != debtVersion {
		return nil, damaged("a debt record has version %d, not %d", version, debtVersion)
	}
	flags := r.byte()
	s := &stored{Debt: debt.Debt{Endpoint: endpointID, Key: key}}
	copy(s.ID[:], r.bytes(len(s.ID)))
	s.Filed = r.varint()
	s.Object.Kind = event.Kind(r.string())
	s.Object.ItemID = r.id()
	s.Object.BaseID = r.id()
	s.ChangeType = event.ChangeType(r.byte())
	s.EventType = r.string()
	s.EventID = r.string()
	s.Reason = r.string()
	s.ChangeTime = r.foreignTime()
	s.Note = r.optionalBytes()
	s.Generation = r.uvarint()
	s.Count = r.uvarint()
	s.FirstSeen = r.time()
	s.LastSeen = r.time()
	s.Since = r.time()
	s.Due = r.time()
	s.LastAttempt = r.time()
	s.Attempts = int(r.uvarint())
	s.Tries = int(r.uvarint())
	s.Fields = make([]string, 0, r.count())
	for range cap(s.Fields) {
		s.Fields = append(s.Fields, r.string())
	}
	s.Formats = r.ids()
	s.Channels = r.ids()
	if flags&flagAnyField != 0 {
		s.Fields = nil
	}
	if flags&flagAnyFormat != 0 {
		s.Formats = nil
	}
	if flags&flagAnyChannel != 0 {
		s.Channels = nil
	}
	s.Failed = flags&flagFailed != 0
	s.Forced = flags&flagForced != 0
	s.Replayed = flags&flagReplayed != 0
	s.Troubled = flags&flagTroubled != 0
	if err := r.end(); err != nil {
		return nil, damaged("a debt record: %w", err)
	}
	return s, nil
}

// encodeTrouble makes the record of a failed attempt at the debt of that key.
func encodeTrouble(key debt.Key, o attempt.Outcome) []byte {
	buf := append([]byte(nil), troubleVersion, byte(o.Verdict))
	buf = appendString(buf, string(key))
	buf = appendString(buf, string(o.Reason))
	buf = binary.AppendVarint(buf, int64(o.Status))
	buf = appendString(buf, o.Error)
	buf = appendString(buf, string(o.Response[:min(len(o.Response), attempt.MaxResponse)]))
	buf = appendTime(buf, o.Started)
	buf = binary.AppendVarint(buf, int64(o.Duration))
	return appendTime(buf, o.NotBefore)
}

func decodeTrouble(record []byte) (debt.Key, attempt.Outcome, error) {
	r := reader{rest: record}
	if version := r.byte(); version != troubleVersion {
		return "", attempt.Outcome{}, damaged("a trouble record has version %d, not %d", version, troubleVersion)
	}
	o := attempt.Outcome{Verdict: attempt.Verdict(r.byte())}
	key := debt.Key(r.string())
	o.Reason = attempt.Reason(r.string())
	o.Status = int(r.varint())
	o.Error = r.string()
	o.Response = r.optionalBytes()
	o.Started = r.time()
	o.Duration = time.Duration(r.varint())
	o.NotBefore = r.time()
	if err := r.end(); err != nil {
		return "", attempt.Outcome{}, damaged("a trouble record: %w", err)
	}
	return key, o, nil
}

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

// nanos is t in Unix nanoseconds, at least 1: 0 means "at once" in the index,
// and no time in a record.
func nanos(t time.Time) int64 { return max(t.UnixNano(), 1) }

func appendIDs(buf []byte, ids []event.ID) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(ids)))
	for _, id := range ids {
		buf = appendString(buf, id.JSON())
	}
	return buf
}

var errShort = errors.New("it is cut off or garbled")

// reader takes a record apart. After the first fault it returns zero values and
// keeps the fault.
type reader struct {
	rest []byte
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

func (r *reader) string() string { return string(r.bytes(r.count())) }

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

func (r *reader) id() event.ID {
	text := r.bytes(r.count())
	if len(text) == 0 {
		return event.ID{}
	}
	var id event.ID
	if err := id.UnmarshalJSON(text); err != nil {
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
