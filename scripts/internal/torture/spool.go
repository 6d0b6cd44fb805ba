package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/dam-delivery/dz/scripts/internal/torture/ledger"
)

// The change types, as dz counts them.
const (
	asset      = 1
	metafield  = 2
	treeValue  = 4
	comboValue = 8
	everything = asset | metafield | treeValue | comboValue
)

// changeTypes names the types of a set.
func changeTypes(set uint8) []string {
	var list []string
	for i, name := range []string{"AssetChanged", "MetafieldChanged", "TreeValueChanged", "ComboValueChanged"} {
		if set&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// eventType is the event that changes a thing of a type.
func eventType(changeType uint8) string {
	switch changeType {
	case asset:
		return "AssetMetadataUpdated"
	case metafield:
		return "MetafieldMetadataUpdated"
	case treeValue:
		return "TreeValueMetadataUpdated"
	default:
		return "ComboValueMetadataUpdated"
	}
}

// spool is the file to which events are written, as a DAM does: in bursts,
// sometimes half a line at a time, and with rotation. The base id of an event is
// its number, so that a notification tells which change it is of.
type spool struct {
	path   string
	ledger *ledger.Ledger
	random *rand.Rand

	objects uint64
	reasons bool   // assets change for each of pingReasons; else dz makes a reason of the type
	pad     string // makes lines longer
	file    *os.File
	number  atomic.Uint64
	half    []byte // the rest of a line of which the beginning is written
	halfOf  ledger.Event
	rotated []string // oldest first
	turns   int
	dated   bool // names of rotated files rise; else they are shifted, as logrotate does
}

func newSpool(path string, l *ledger.Ledger, random *rand.Rand) *spool {
	return &spool{path: path, ledger: l, random: random, objects: 1000, dated: random.IntN(2) == 0}
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// hot is how many objects get a good part of all events, so that many change
// while a request about them is under way.
const hot = 20

// next makes an event about an object by chance: four of five are assets, one of
// five about a hot object.
func (s *spool) next() ledger.Event {
	e := ledger.Event{Key: ledger.Key{Type: asset, Item: s.random.Uint64N(s.objects) + 1}}
	if s.random.IntN(5) == 0 {
		e.Item = s.random.Uint64N(hot) + 1
	}
	if s.random.IntN(5) == 0 {
		e.Type = 1 << (1 + s.random.IntN(3))
	}
	if s.reasons && e.Type == asset {
		e.Reason = uint8(1 + s.random.IntN(len(pingReasons())))
	}
	return e
}

// line numbers an event and writes its line, with the line's end.
func (s *spool) line(buf []byte, e *ledger.Event) []byte {
	e.Number = s.number.Add(1)
	return appendLine(buf, *e, s.pad)
}

// appendLine writes the line of an event, with the line's end. more is JSON of further
// members behind a comma.
func appendLine(buf []byte, e ledger.Event, more string) []byte {
	if e.Reason > 0 {
		more += fmt.Sprintf(`,"reason":%q`, pingReasons()[e.Reason-1])
	}
	return fmt.Appendf(buf, `{"specversion":"1.0","id":%q,"source":"/dam/torture","type":%q,"data":{"itemId":%d,"baseId":%d%s}}`+"\n",
		eventID(e), eventType(e.Type), e.Item, e.Number, more)
}

func eventID(e ledger.Event) string { return fmt.Sprintf("t-%d", e.Number) }

func (s *spool) open() (err error) {
	if s.file == nil {
		s.file, err = os.OpenFile(s.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	}
	return err
}

// write appends events.
func (s *spool) write(events []ledger.Event) error {
	if err := s.finish(); err != nil {
		return err
	}
	var text []byte
	for i := range events {
		text = s.line(text, &events[i])
	}
	return s.ledger.Write(events, func() error { return s.put(text) })
}

// put appends to the file.
func (s *spool) put(text []byte) error {
	if err := s.open(); err != nil {
		return err
	}
	_, err := s.file.Write(text)
	return err
}

// burst appends n events by chance, the last of them sometimes only by half.
func (s *spool) burst(n int) error {
	events := make([]ledger.Event, n)
	for i := range events {
		events[i] = s.next()
	}
	if err := s.write(events); err != nil {
		return err
	}
	if s.random.IntN(4) > 0 {
		return nil
	}
	e := s.next()
	text := s.line(nil, &e)
	cut := 1 + s.random.IntN(len(text)-1)
	s.half, s.halfOf = text[cut:], e
	return s.put(text[:cut])
}

// finish writes the rest of a line. Only now the event is written.
func (s *spool) finish() error {
	if s.half == nil {
		return nil
	}
	text := s.half
	s.half = nil
	return s.ledger.Write([]ledger.Event{s.halfOf}, func() error { return s.put(text) })
}

// makeRoom returns the name for a file to be rotated away.
func (s *spool) makeRoom() (string, error) {
	s.turns++
	if s.dated {
		return fmt.Sprintf("%s-20261121-%06d", s.path, s.turns), nil
	}
	for i := range s.rotated { // oldest first, which has the highest number
		to := s.path + "." + strconv.Itoa(len(s.rotated)-i+1)
		if strings.HasSuffix(s.rotated[i], zipped) {
			to += zipped
		}
		if err := os.Rename(s.rotated[i], to); err != nil {
			return "", err
		}
		s.rotated[i] = to
	}
	return s.path + ".1", nil
}

// rotate renames the file, writes some more into it, as a writer does that has
// not noticed, and begins a new one. step is called between.
func (s *spool) rotate(step func()) error {
	if err := s.open(); err != nil {
		return err
	}
	to, err := s.makeRoom()
	if err != nil {
		return err
	}
	if err := os.Rename(s.path, to); err != nil {
		return err
	}
	s.rotated = append(s.rotated, to)
	step()
	if err := s.burst(1 + s.random.IntN(5)); err != nil {
		return err
	}
	if err := s.finish(); err != nil {
		return err
	}
	step()
	err = s.file.Close()
	s.file = nil
	return errors.Join(err, s.burst(1+s.random.IntN(5)))
}

// copyTruncate copies the file and empties it; what dz has not read by then is
// only in the copy. step is called between.
func (s *spool) copyTruncate(step func()) error {
	if err := errors.Join(s.open(), s.finish()); err != nil {
		return err
	}
	to, err := s.makeRoom()
	if err != nil {
		return err
	}
	if err := copyFile(s.path, to); err != nil {
		return err
	}
	s.rotated = append(s.rotated, to)
	step()
	if err := s.file.Truncate(0); err != nil {
		return err
	}
	step()
	return nil
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	return errors.Join(err, copied.Close())
}

// tidy removes all but the newest rotated files. dz must have read them.
func (s *spool) tidy(keep int) error {
	for len(s.rotated) > keep {
		if err := os.Remove(s.rotated[0]); err != nil {
			return err
		}
		s.rotated = s.rotated[1:]
	}
	return nil
}
