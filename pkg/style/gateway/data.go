package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dam-delivery/dz/pkg/event"
)

// exportsMember is the part of an asset that says to which platforms it was
// exported.
const exportsMember = "exports"

// tellsExports reports whether a ping of the reason has the exports part.
func tellsExports(reason string) bool {
	switch reason {
	case "exportcompleted", "exportupdated", "exportdeleted":
		return true
	default:
		return false
	}
}

// known returns what a change itself says of its asset, in the shape of
// nexxOMNIA's API: ids are numbers there, and stay as they are where they can't
// be.
func known(object event.Object, n note) (json.RawMessage, error) {
	type general struct {
		ID    json.RawMessage `json:"ID"`
		GID   json.RawMessage `json:"GID"`
		RefNr string          `json:"refnr"`
	}
	return encode(struct {
		General general `json:"general"`
	}{general{numberOrString(object.ItemID), numberOrString(object.BaseID), n.refNr}})
}

func numberOrString(id event.ID) json.RawMessage {
	if n, ok := integer(id); ok {
		return json.RawMessage(n)
	}
	return text(id)
}

// mayName reports whether a name of small letters may occur in JSON, also one
// spelled with escapes: \u0061 is an a, \u007a a z. Few assets do, and they alone
// are taken apart.
func mayName(object json.RawMessage, name string) bool {
	return bytes.Contains(object, []byte(name)) ||
		bytes.Contains(object, []byte(`\u006`)) || bytes.Contains(object, []byte(`\u007`))
}

// without returns a JSON object without its members of that name. The others
// stay byte for byte, but for white space between them.
func without(object json.RawMessage, name string) (json.RawMessage, error) {
	if !mayName(object, name) {
		return object, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, object); err != nil {
		return nil, fmt.Errorf("the asset's data is no JSON: %w", err)
	}
	src := compact.Bytes()
	decoder := json.NewDecoder(bytes.NewReader(src))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, errors.New("the asset's data is no JSON object")
	}
	kept := []byte("{")
	for decoder.More() {
		begin := decoder.InputOffset() // of the comma before the member, if there is one
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read the asset's data: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("read the asset's data: %w", err)
		}
		if key == name {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, bytes.TrimPrefix(src[begin:decoder.InputOffset()], []byte(","))...)
	}
	return append(kept, '}'), nil
}
