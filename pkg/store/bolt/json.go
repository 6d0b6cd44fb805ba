package bolt

import (
	"bytes"
	"encoding/json"
)

// decodeJSON reads a record that is JSON. A record lies in the mapped file, which may be
// spoiled while dz works: encoding/json goes through a text twice, and panics where it has
// changed in between. So it gets one of its own.
func decodeJSON(record []byte, into any) error {
	return json.Unmarshal(bytes.Clone(record), into)
}
