package cmd

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/dam-delivery/dz/pkg/event"
)

// emitOptions describe one event.
type emitOptions struct {
	kind, item, base            string
	id, source, subject, reason string
	user, data                  string
	fields, formats, channels   []string
}

// event returns the event as a line, and its id.
func (o emitOptions) event(now time.Time) (line []byte, id string, err error) {
	if _, _, err := event.ParseType(o.kind); err != nil {
		return nil, "", usagef("--type: %w", err)
	}
	members, err := o.members()
	if err != nil {
		return nil, "", err
	}
	if id = o.id; id == "" {
		if id, err = newEventID(now); err != nil {
			return nil, "", err
		}
	}
	envelope := map[string]any{
		"specversion": "1.0", "id": id, "source": o.source, "type": o.kind,
		"time": now.UTC().Format(time.RFC3339Nano), "data": members,
	}
	if o.subject != "" {
		envelope["subject"] = o.subject
	}
	if line, err = json.Marshal(envelope); err != nil {
		return nil, "", fmt.Errorf("write event: %w", err)
	}
	decoded, err := event.Decode(line)
	if err != nil {
		return nil, "", usageError{err: err}
	}
	if o.subject == "" {
		envelope["subject"] = decoded.Object.String()
		if line, err = json.Marshal(envelope); err != nil {
			return nil, "", fmt.Errorf("write event: %w", err)
		}
	}
	return append(line, '\n'), id, nil
}

// newEventID makes the id of an event.
func newEventID(now time.Time) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make event id: %w", err)
	}
	return id.String(), nil
}

// members returns the event's data: that of --data, and of the flags.
func (o emitOptions) members() (eventData, error) {
	data := eventData{}
	if o.data != "" {
		if err := json.Unmarshal([]byte(o.data), &data); err != nil || data == nil {
			return nil, usagef("--data: not a JSON object")
		}
	}
	for _, member := range []struct{ name, flag, text string }{
		{"itemId", "item", o.item}, {"baseId", "base", o.base}, {"user", "user", o.user},
	} {
		if member.text == "" {
			continue
		}
		id, err := parseTypedID(member.text)
		if err != nil {
			return nil, usagef("--%s: %w", member.flag, err)
		}
		if err := data.set(member.name, member.flag, id); err != nil {
			return nil, err
		}
	}
	for _, member := range []struct {
		name, flag string
		texts      []string
	}{{"formats", "format", o.formats}, {"channels", "channel", o.channels}} {
		if len(member.texts) == 0 {
			continue
		}
		ids, err := idList(member.texts)
		if err != nil {
			return nil, usagef("--%s: %w", member.flag, err)
		}
		if err := data.set(member.name, member.flag, ids); err != nil {
			return nil, err
		}
	}
	if len(o.fields) > 0 {
		if err := data.set("changedFields", "field", o.fields); err != nil {
			return nil, err
		}
	}
	return data, o.setReason(data)
}

func (o emitOptions) setReason(data eventData) error {
	if o.reason == "" {
		return nil
	}
	if _, err := event.ParseReason(o.reason); err != nil {
		unknown := usageError{err: fmt.Errorf("--reason: %w", err)}
		if !strings.HasSuffix(err.Error(), "?") {
			unknown.hint = "write one of " + strings.Join(event.Reasons(), ", ")
		}
		return unknown
	}
	return data.set("reason", "reason", o.reason)
}

// parseTypedID refuses a fraction, which is no id by itself and hardly meant as
// a text.
func parseTypedID(text string) (event.ID, error) {
	id, err := event.ParseID(text)
	if err != nil {
		return id, err
	}
	if _, notNumber := strconv.ParseFloat(text, 64); notNumber == nil && id.IsString() && strings.ContainsAny(text, "0123456789") {
		return event.ID{}, fmt.Errorf("%s is no whole number: write '%q' if it is a text", text, text)
	}
	return id, nil
}

// eventData is the data of an event, by name.
type eventData map[string]json.RawMessage

// set sets a member. One that --data has already must be the same: which of the
// two was meant is not for dz to guess.
func (d eventData) set(name, flag string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if given, ok := d[name]; ok && !sameValue(given, raw) {
		return usageError{
			fmt.Errorf("--%s and --data contradict each other: %s is %s and %s", flag, name, raw, given), "leave one of them out",
		}
	}
	d[name] = raw
	return nil
}

// sameValue compares JSON texts by what they say, numbers by their digits.
func sameValue(a, b json.RawMessage) bool {
	var values [2]any
	for i, text := range []json.RawMessage{a, b} {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&values[i]) != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
