package style

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/timespan"
)

// Parse reads a value as people type it: the elements of a list, or one text.
// Ids are typed as event.ParseID reads them. The error does not repeat JSON,
// which may hold secrets.
func (o Option) Parse(texts ...string) (json.RawMessage, error) {
	text := strings.Join(texts, ",")
	switch o.Type {
	case Bool:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not %s", text, o.words())
		}
		return json.Marshal(value)
	case Int:
		value, err := strconv.Atoi(text)
		if err != nil || !o.within(int64(value)) {
			return nil, fmt.Errorf("%q is not %s", text, o.words())
		}
		return json.Marshal(value)
	case Strings:
		return json.Marshal(texts)
	case IDs:
		return parseIDs(texts)
	case Duration:
		span, err := timespan.Parse(text)
		if err != nil {
			return nil, err
		}
		if !o.within(int64(span)) {
			return nil, fmt.Errorf("%q is not %s", text, o.words())
		}
		return json.Marshal(span)
	case JSON:
		return parseJSON(text)
	case String:
	}
	if len(o.Values) > 0 && !slices.Contains(o.Values, text) {
		return nil, o.unknownValue(text)
	}
	return json.Marshal(text)
}

func parseIDs(texts []string) (json.RawMessage, error) {
	ids := make([]event.ID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = event.ParseID(text); err != nil {
			return nil, err
		}
	}
	return json.Marshal(ids)
}

// parseJSON reads one JSON value, and says where a text stops being one.
func parseJSON(text string) (json.RawMessage, error) {
	if len(text) > MaxOption {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxOption)
	}
	if !utf8.ValidString(text) {
		return nil, errors.New("it is not UTF-8")
	}
	var value json.RawMessage
	err := json.Unmarshal([]byte(text), &value)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return bytes.TrimSpace(value), nil
	case errors.As(err, &syntax) && syntax.Offset <= 1:
		return nil, errors.New("it is not JSON from its beginning: write JSON, or @FILE to read it from a file")
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("it is not JSON: it can't be read beyond %s", place(text, int(syntax.Offset)-1))
	default:
		return nil, errors.New("it is not JSON")
	}
}

// place names a byte of a text by line and column, both from 1.
func place(text string, offset int) string {
	before := text[:min(offset, len(text))]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", strings.Count(before, "\n")+1, utf8.RuneCountInString(line)+1)
}
