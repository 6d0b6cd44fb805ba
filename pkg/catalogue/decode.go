package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/event"
)

// MaxLineLength is the longest line that Decode accepts, in bytes without the
// line's end.
const MaxLineLength = event.MaxLineLength

// line is what a line is recognised by. Names are matched without regard to
// case.
type line struct {
	SpecVersion json.RawMessage `json:"specversion"`
	Source      json.RawMessage `json:"source"`
	Type        json.RawMessage `json:"type"`
	Data        json.RawMessage `json:"data"`

	AssetID json.RawMessage `json:"assetId"`
	BaseID  json.RawMessage `json:"baseId"`
	ID      json.RawMessage `json:"id"`
	ItemID  json.RawMessage `json:"itemId"`
	General json.RawMessage `json:"general"`
}

// Decode reads one line of a file of assets, without its end, at now. The line
// is one of these JSON objects:
//
//   - an event, which has type, data and source or specversion: what it tells of
//     an asset (FromEvent), or false if that is nothing;
//   - an asset as most DAMs write it: the id is the first of assetId, baseId, id
//     and itemId that it has, and itemId is also the item's;
//   - an asset as nexxOMNIA writes it: the id is general.GID, or else
//     general.ID, which is also the item's.
//
// An asset is kept as it is written, as of asOf, like an event that does not say
// when it happened. The error says, for people, why the line is neither.
func Decode(text []byte, asOf, now time.Time) (a Asset, told bool, err error) {
	if len(text) > MaxLineLength {
		return Asset{}, false, fmt.Errorf("the line is longer than %d bytes", MaxLineLength)
	}
	if !utf8.Valid(text) {
		return Asset{}, false, errors.New("not JSON: the line is not UTF-8")
	}
	text = bytes.TrimSpace(text)
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Asset{}, false, describe(err)
	}
	if len(text) == 0 || text[0] != '{' {
		return Asset{}, false, errors.New("not a JSON object: null")
	}
	if asOf.After(now) {
		asOf = now
	}
	if l.isEvent() {
		e, err := event.Decode(text)
		if err != nil {
			return Asset{}, false, fmt.Errorf("not an event: %w", err)
		}
		if e.Time.IsZero() {
			e.Time = asOf
		}
		a, told = FromEvent(&e, now)
		return a, told, nil
	}
	a = Asset{Data: text, Changed: asOf}
	if a.ID, a.ItemID, err = l.ids(); err != nil {
		return Asset{}, false, err
	}
	return a, true, nil
}

// isEvent reports whether the line means to be an event. Assets have a type and
// data of their own.
func (l *line) isEvent() bool {
	begins := func(raw json.RawMessage, with byte) bool { return len(raw) > 0 && raw[0] == with }
	return begins(l.Type, '"') && begins(l.Data, '{') && (begins(l.SpecVersion, '"') || begins(l.Source, '"'))
}

// member is a member that may be an id.
type member struct {
	name string
	raw  json.RawMessage
}

// ids returns the asset's id, and the item's if there is one.
func (l *line) ids() (asset, item event.ID, err error) {
	itemID := member{"itemId", l.ItemID}
	members := []member{{"assetId", l.AssetID}, {"baseId", l.BaseID}, {"id", l.ID}, itemID}
	if asset, err = first(members...); err != nil {
		return asset, item, err
	}
	if asset.IsZero() && len(l.General) > 0 && l.General[0] == '{' {
		var general struct {
			ID  json.RawMessage `json:"ID"`
			GID json.RawMessage `json:"GID"`
		}
		if err := json.Unmarshal(l.General, &general); err != nil {
			return asset, item, fmt.Errorf("general: %w", err)
		}
		itemID = member{"general.ID", general.ID}
		if asset, err = first(member{"general.GID", general.GID}, itemID); err != nil {
			return asset, item, err
		}
	}
	if asset.IsZero() {
		return asset, item, errors.New("it has no id: none of assetId, baseId, id, itemId, general.GID and general.ID")
	}
	item, err = first(itemID)
	return asset, item, err
}

// first returns the first id that there is; none if there is none.
func first(members ...member) (event.ID, error) {
	for _, m := range members {
		if len(m.raw) == 0 {
			continue
		}
		var id event.ID
		if err := id.UnmarshalJSON(m.raw); err != nil {
			return event.ID{}, fmt.Errorf("member %s: %w", m.name, err)
		}
		if !id.IsZero() {
			return id, nil
		}
	}
	return event.ID{}, nil
}

// describe turns a decoder's error into a reason that says where it is.
func describe(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	case errors.As(err, &mismatch):
		return fmt.Errorf("not a JSON object: a JSON %s", mismatch.Value)
	default:
		return err
	}
}
