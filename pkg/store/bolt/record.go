package bolt

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/event"
)

// Records are written by hand, in binary, because a debt is read and written
// for every change, and small, because a change copies the page of its debt:
// the more debts a page holds, the fewer pages. Each begins with a version, so
// that a later dz can read what an earlier one wrote without rewriting the
// store.
const (
	debtVersion    = 3
	debtVersion2   = 2 // without the second flags
	troubleVersion = 1
)

// unfiled marks a debt that is not in the index of what is due.
const unfiled = -1

// Where debts are filed that others go before.
const (
	filedBehind = 1 << 62 // added to the due time
	filedHeld   = math.MaxInt64
)

// stored is a debt with what only this engine knows of it.
type stored struct {
	debt.Debt
	// Filed is where the debt stands in the index of what is due, in Unix
	// nanoseconds: never later than Due, 0 if forced, unfiled for a failure; behind
	// all others if it goes behind them (filedBehind), and behind these if it is
	// held (filedHeld).
	Filed int64
	// Troubled: the last attempt failed, and left a trouble record.
	Troubled bool
	// Deleting: the latest change deleted an asset that is tracked, or may have been
	// taken.
	Deleting bool
}

// The second flags of a debt record.
const (
	flagBackground = 1 << iota
	flagHeld
	flagReleased
	flagDeleting
	flagBlamed
	flagUnclear
	flagWasHeld
	flagRestored
)

// The first flags.
const (
	flagFailed = 1 << iota
	flagForced
	flagTroubled
	flagAnyField
	flagAnyFormat
	flagAnyChannel
	flagReplayed
	flagSameBase // the base id is the item id
)

// A debt record has two parts. Its course is what became of the debt, and is
// bounded in size: some 40 bytes, seldom 100. Its matter is what is to be told, of
// whatever size, and only a newer change alters it: so it is what debts share.

// encodeShared appends the parts of a record without the debt's number, which its
// row says, so that debts that are alike have equal ones.
func encodeShared(buf []byte, s *stored) (course, matter []byte) {
	shared := *s
	shared.ID = s.ID.WithSeq(0)
	buf = appendCourse(buf, &shared)
	end := len(buf)
	buf = appendMatter(buf, s)
	return buf[:end], buf[end:]
}

// appendCourse writes times as distances from the first one, as they are close to
// each other.
func appendCourse(buf []byte, s *stored) []byte {
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
	set(s.Object.BaseID == s.Object.ItemID, flagSameBase)

	first := sinceEpoch(s.FirstSeen)
	buf = append(buf, debtVersion, flags)
	flags = 0
	set(s.Background, flagBackground)
	set(s.Held, flagHeld)
	set(s.Released, flagReleased)
	set(s.Deleting, flagDeleting)
	set(s.Blamed, flagBlamed)
	set(s.Unclear, flagUnclear)
	set(s.WasHeld, flagWasHeld)
	set(s.Restored, flagRestored)
	buf = append(buf, flags)
	buf = binary.AppendVarint(buf, first)
	buf = appendNear(buf, s.LastSeen, first)
	buf = appendNear(buf, s.Since, first)
	buf = appendNear(buf, s.Due, first)
	buf = binary.AppendVarint(buf, s.Filed-sinceEpoch(s.Due))
	buf = appendNear(buf, s.LastAttempt, first)
	buf = appendDebtID(buf, s.ID, first)
	buf = binary.AppendUvarint(buf, s.Generation)
	buf = binary.AppendUvarint(buf, s.Count)
	buf = binary.AppendUvarint(buf, uint64(s.Attempts))
	return binary.AppendUvarint(buf, uint64(s.Tries))
}

func appendMatter(buf []byte, s *stored) []byte {
	buf = appendWord(buf, string(s.Object.Kind))
	buf = appendID(buf, s.Object.ItemID)
	if s.Object.BaseID != s.Object.ItemID { // flagSameBase
		buf = appendID(buf, s.Object.BaseID)
	}
	buf = append(buf, byte(s.ChangeType))
	buf = appendWord(buf, s.EventType)
	buf = appendString(buf, s.EventID)
	buf = appendWord(buf, s.Reason)
	buf = appendForeignTime(buf, s.ChangeTime)
	buf = appendString(buf, string(s.Note))
	buf = binary.AppendUvarint(buf, uint64(len(s.Fields)))
	for _, field := range s.Fields {
		buf = appendString(buf, field)
	}
	buf = appendIDs(buf, s.Formats)
	return appendIDs(buf, s.Channels)
}

// decodeDebt reads what encodeDebt wrote. It keeps no part of record.
func decodeDebt(endpointID uint64, key debt.Key, record []byte) (*stored, error) {
	course, matter, err := splitRecord(record)
	if err != nil {
		return nil, err
	}
	s := new(stored)
	if err := s.decode(endpointID, key, course, matter); err != nil {
		return nil, err
	}
	return s, nil
}

// splitRecord finds the parts of a record.
func splitRecord(record []byte) (course, matter []byte, err error) {
	r := reader{rest: record}
	if _, err := new(stored).decodeCourse(&r); err != nil {
		return nil, nil, err
	}
	end := len(record) - len(r.rest)
	return record[:end], r.rest, nil
}

// decode reads the parts of a record into s, and keeps none of them.
func (s *stored) decode(endpointID uint64, key debt.Key, course, matter []byte) error {
	*s = stored{Debt: debt.Debt{Endpoint: endpointID, Key: key}}
	r := reader{rest: course}
	flags, err := s.decodeCourse(&r)
	if err != nil {
		return err
	}
	if len(r.rest) > 0 {
		return damaged("the course of a debt: %w", errShort)
	}
	return s.decodeMatter(flags, matter)
}

// decodeCourse reads a course, and returns the first flags.
func (s *stored) decodeCourse(r *reader) (flags byte, err error) {
	version := r.byte()
	if version != debtVersion && version != debtVersion2 {
		return 0, damaged("a debt record has version %d, not %d", version, debtVersion)
	}
	flags, more := r.byte(), byte(0)
	if version == debtVersion {
		more = r.byte()
	}
	first := r.varint()
	if first < 0 {
		r.fail(errShort)
	} else if first > 0 {
		s.FirstSeen = time.Unix(0, first).UTC()
	}
	s.LastSeen = r.near(first)
	s.Since = r.near(first)
	s.Due = r.near(first)
	s.Filed = r.varint() + sinceEpoch(s.Due)
	s.LastAttempt = r.near(first)
	s.ID = r.debtID(first)
	s.Generation = r.uvarint()
	s.Count = r.uvarint()
	s.Attempts = int(r.uvarint())
	s.Tries = int(r.uvarint())
	s.Failed = flags&flagFailed != 0
	s.Forced = flags&flagForced != 0
	s.Replayed = flags&flagReplayed != 0
	s.Troubled = flags&flagTroubled != 0
	s.Background = more&flagBackground != 0
	s.Held = more&flagHeld != 0
	s.Released = more&flagReleased != 0
	s.Deleting = more&flagDeleting != 0
	s.Blamed = more&flagBlamed != 0
	s.Unclear = more&flagUnclear != 0
	s.WasHeld = more&flagWasHeld != 0
	s.Restored = more&flagRestored != 0
	if r.err != nil {
		return 0, damaged("a debt record: %w", r.err)
	}
	return flags, nil
}

// decodeMatter reads a matter. flags are the first of its debt's course.
func (s *stored) decodeMatter(flags byte, matter []byte) error {
	r := reader{rest: matter, text: string(matter)}
	s.Object.Kind = event.Kind(r.word())
	s.Object.ItemID = r.id()
	s.Object.BaseID = s.Object.ItemID
	if flags&flagSameBase == 0 {
		s.Object.BaseID = r.id()
	}
	s.ChangeType = event.ChangeType(r.byte())
	s.EventType = r.word()
	s.EventID = r.string()
	s.Reason = r.word()
	s.ChangeTime = r.foreignTime()
	s.Note = r.optionalBytes()
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
	if err := r.end(); err != nil {
		return damaged("a debt record: %w", err)
	}
	return nil
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
