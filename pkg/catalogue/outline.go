package catalogue

import (
	"encoding/json"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/rawjson"
)

// Part is how much of an asset's data somebody looks at. A catalogue may always
// show more.
type Part uint8

// The parts.
const (
	Whole   Part = iota
	Outline      // no field of its metadata: what holds them may be shown empty
	Bare         // nothing: there need be no data
)

// Split takes out of an asset's data what its metadata holds: most of it, as a rule,
// and nothing that an endpoint sees which asked for no field. outline is the data
// without it, and inside what lay in it at that byte; nil if there is no metadata.
func Split(data json.RawMessage) (outline, inside []byte, at int) {
	object := rawjson.Known(data)
	var container rawjson.Value
	for m := range object.Members {
		if holds := m.Value[0] == '{' || m.Value[0] == '['; holds && metadata.IsContainer(m.Name) && len(m.Value) > len(container) {
			container, at = m.Value, m.At+1
		}
	}
	if container == nil || len(object) != len(data) {
		return data, nil, 0
	}
	end := at + len(container) - len("{}")
	outline = append(append(make([]byte, 0, len(data)-(end-at)), data[:at]...), data[end:]...)
	return outline, data[at:end], at
}
