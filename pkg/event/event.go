// Package event owns the one thing that enters dz: an event, a change that a
// DAM reports, as a CloudEvents 1.0 object in structured mode, one JSON object
// a line (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
//
// It decodes lines into events and says precisely why a line is not one. It
// knows nothing of where lines come from or where changes go.
package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// MaxLineLength is the longest line that Decode accepts, in bytes without the
// line's end.
const MaxLineLength = 1 << 20

// maxListLength bounds the fields, formats and channels that one event may
// name; an event naming more is read as naming none, which means any.
const maxListLength = 1024

// Object is what changed.
type Object struct {
	Kind   Kind `json:"kind"`
	ItemID ID   `json:"itemId"`
	BaseID ID   `json:"baseId"`
}

// String returns "asset/1234", the form used as a CloudEvents subject.
func (o Object) String() string { return string(o.Kind) + "/" + o.BaseID.String() }

// Event is one change. It is immutable once decoded.
type Event struct {
	ID      string
	Source  string
	Type    string    // canonical internal event name, or a reason
	Time    time.Time // when the DAM made the change; zero if it did not say
	Subject string

	ChangeType ChangeType
	Object     Object
	Reason     string // one of the 22 for assets, else ""

	ChangedFields []string // nil: the event does not say
	Formats       []ID
	Channels      []ID
	User          ID
	Session       ID
	Domain        ID
	StreamType    string
	RefNr         string

	Asset json.RawMessage // snapshot, a JSON object; nil without one

	Raw []byte // the line itself, without its end
}

// IsMetadataChange reports whether the event says that metadata changed, to
// which a subscription's fields apply.
func (e *Event) IsMetadataChange() bool {
	switch e.Type {
	case "AssetMetadataUpdated", "MetafieldMetadataUpdated", "TreeValueMetadataUpdated",
		"ComboValueMetadataUpdated", "metadata":
		return true
	default:
		return false
	}
}

// IsDelete reports whether the event says that an asset is gone.
func (e *Event) IsDelete() bool { return IsDeletion(e.Type, e.Reason) }

// IsDeletion reports whether an event of that type and reason says that an asset
// is gone.
func IsDeletion(eventType, reason string) bool {
	return eventType == "AssetDeleted" || reason == "delete"
}

// wire is an event as it is written.
type wire struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Type    string    `json:"type"`
	Time    string    `json:"time"`
	Subject string    `json:"subject"`
	Data    *wireData `json:"data"`
}

type wireData struct {
	ItemID        ID              `json:"itemId"`
	BaseID        ID              `json:"baseId"`
	ChangedFields []ID            `json:"changedFields"`
	Formats       []ID            `json:"formats"`
	Channels      []ID            `json:"channels"`
	User          ID              `json:"user"`
	Session       ID              `json:"session"`
	Reason        string          `json:"reason"`
	Domain        ID              `json:"domain"`
	StreamType    string          `json:"streamtype"`
	RefNr         string          `json:"refnr"`
	Asset         json.RawMessage `json:"asset"`
}

// fieldNames returns the names of metadata fields; a field known by its number is
// named by its digits.
func fieldNames(ids []ID) []string {
	if ids == nil {
		return nil
	}
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if !id.IsZero() {
			names = append(names, id.String())
		}
	}
	return names
}

// Decode reads one line without its end. The event keeps the line as Raw and
// shares its memory; its strings are parts of one copy. The error says, for people, why the line is no event; it
// never holds the line's content beyond a name.
func Decode(line []byte) (Event, error) {
	if len(line) > MaxLineLength {
		return Event{}, fmt.Errorf("the line is longer than %d bytes", MaxLineLength)
	}
	if !utf8.Valid(line) {
		return Event{}, errors.New("not JSON: the line is not UTF-8")
	}
	var w wire
	var d wireData
	hasData, ok := scan(line, &w, &d)
	switch {
	case !ok:
		read, err := unmarshal(line)
		if err != nil {
			return Event{}, describe(line, err)
		}
		w = *read
	case hasData:
		w.Data = &d
	}
	return w.event(line)
}

func unmarshal(line []byte) (*wire, error) {
	w := new(wire)
	return w, json.Unmarshal(line, w)
}

// event returns the event that a line says, which was taken apart.
func (w *wire) event(line []byte) (Event, error) {
	for _, member := range []struct{ name, value string }{{"id", w.ID}, {"source", w.Source}, {"type", w.Type}} {
		if member.value == "" {
			return Event{}, fmt.Errorf("required member %s is missing", member.name)
		}
	}
	info, ok := typeTable[w.Type]
	if !ok {
		return Event{}, fmt.Errorf("unknown type %.*q%s", maxNameLength, w.Type, clause(w.Type, TypeNames(AllChanges)))
	}
	d := w.Data
	if d == nil {
		return Event{}, errors.New("required member data is missing")
	}
	if d.ItemID.IsZero() {
		return Event{}, errors.New("required member data.itemId is missing")
	}
	if d.BaseID.IsZero() {
		d.BaseID = d.ItemID
	}
	e := Event{
		ID: w.ID, Source: w.Source, Type: info.name, Subject: w.Subject,
		ChangeType: info.changeType,
		Object:     Object{Kind: info.kind, ItemID: d.ItemID, BaseID: d.BaseID},
		Reason:     info.reason,

		ChangedFields: fieldNames(d.ChangedFields), Formats: d.Formats, Channels: d.Channels,
		User: d.User, Session: d.Session, Domain: d.Domain, StreamType: d.StreamType, RefNr: d.RefNr,
		Raw: line,
	}
	if err := e.setTime(w.Time); err != nil {
		return Event{}, err
	}
	if err := e.setReason(d.Reason); err != nil {
		return Event{}, err
	}
	if err := e.setAsset(d.Asset); err != nil {
		return Event{}, err
	}
	if len(e.ChangedFields) > maxListLength {
		e.ChangedFields = nil
	}
	if len(e.Formats) > maxListLength {
		e.Formats = nil
	}
	if len(e.Channels) > maxListLength {
		e.Channels = nil
	}
	return e, nil
}

func (e *Event) setTime(text string) error {
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err == nil {
		var buf [len(time.RFC3339Nano)]byte
		_, err = t.AppendText(buf[:0]) // stricter about offsets
	}
	if err != nil {
		return fmt.Errorf("time %.40q is not RFC 3339", text)
	}
	e.Time = t
	return nil
}

// setReason takes the event's own reason, if it has one, instead of the type's.
func (e *Event) setReason(reason string) error {
	if reason == "" || e.Object.Kind != Asset {
		return nil
	}
	known, err := ParseReason(reason)
	if err != nil {
		return fmt.Errorf("data.reason: %w", err)
	}
	e.Reason = known
	return nil
}

func (e *Event) setAsset(asset json.RawMessage) error {
	if len(asset) == 0 || string(asset) == "null" {
		return nil
	}
	if asset[0] != '{' {
		return errors.New("data.asset is not an object")
	}
	e.Asset = asset
	return nil
}

// describe turns a decoder's error into a reason that says where it is.
func describe(line []byte, err error) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return errors.New("the line is empty")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		if mismatch.Field == "" {
			return fmt.Errorf("not a JSON object: a JSON %s", mismatch.Value)
		}
		return fmt.Errorf("member %s: a JSON %s where %s is due", mismatch.Field, mismatch.Value, due(mismatch.Type))
	}
	return err
}

// due names in JSON's words what a member is decoded to.
func due(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		return "an object"
	case reflect.Slice:
		return "an array"
	default:
		return "a string"
	}
}
