package managed

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/rawjson"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// texts are states as one answer gives them. They have one allocation, as they end
// together.
type texts struct {
	all strings.Builder
	buf []byte // of the last one
}

// state reads a state: a string; null and none are no state. What is not UTF-8 in it is
// replaced, as it could not be sent back.
func (t *texts) state(raw rawjson.Value) (tracking.State, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return tracking.State{}, nil
	}
	text, ok := raw.AppendText(t.buf[:0])
	t.buf = text
	switch {
	case !ok:
		return tracking.State{}, errors.New("the item's IntegrationState is no string (write its JSON as a string)")
	case len(text) > tracking.MaxState:
		return tracking.State{}, fmt.Errorf("the item's IntegrationState has %d bytes, and may have %d", len(text), tracking.MaxState)
	case !utf8.Valid(text):
		text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	}
	begin := t.all.Len()
	t.all.Write(text)
	return tracking.State{Text: t.all.String()[begin:], Given: true}, nil
}
