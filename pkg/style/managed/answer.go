package managed

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/rawjson"
	"github.com/dam-delivery/dz/pkg/style"
	"github.com/dam-delivery/dz/pkg/tracking"
)

// An answer is {"Items":[{"AssetId":16,"IntegrationState":"…"}]}, with the status
// 200. Names are matched without regard to case. An id may be written as a number or as
// a string, whatever it was in the request; but where it told both, 16 and "16", each is
// meant as it is written. Of two items of one asset the last counts; those of assets
// that were not told mean nothing.
//
// It is read where it lies: however many items a receiver answers, what is kept is
// no more than what was told.

// The names in an answer.
var (
	nameItems = []byte("Items")
	nameAsset = []byte("AssetId")
	nameState = []byte("IntegrationState")
)

// read says what an answer means: 200 with a readable body acknowledges the assets
// it has items of; anything else fails the request as a whole.
func (m *draft) read(got attempt.Answer, sent attempt.Outcome) style.Reading {
	reading := style.Reading{Outcome: sent, Debts: make([]style.Result, len(m.tellings))}
	states, failure := m.states(got, sent)
	if failure != nil {
		reading.Outcome = *failure
		reading.Divide = maybeOne(failure)
		for i := range reading.Debts {
			reading.Debts[i].Outcome = *failure
		}
		return reading
	}
	acks := make([]tracking.Acknowledgement, len(m.tellings)) // they end together
	for i := range m.tellings {
		if t := &m.tellings[i]; t.isSent() {
			reading.Debts[i] = t.result(states, sent, &acks[i])
		}
	}
	return reading
}

// states returns what an answer says of the assets that were told, or how the
// request failed.
func (m *draft) states(got attempt.Answer, sent attempt.Outcome) (map[event.ID]rawjson.Value, *attempt.Outcome) {
	failed := sent
	fail := func(reason attempt.Reason, text string) (map[event.ID]rawjson.Value, *attempt.Outcome) {
		failed.Verdict, failed.Reason, failed.Error = attempt.Unavailable, reason, text
		return nil, &failed
	}
	switch {
	case sent.Verdict != attempt.Delivered:
		return nil, &failed
	case got.Status != http.StatusOK:
		return fail(attempt.UnexpectedStatus, fmt.Sprintf("answered %d %s, and only 200 is a success", got.Status, http.StatusText(got.Status)))
	case got.Truncated:
		return fail(attempt.AnswerTooLarge, fmt.Sprintf("the answer is larger than %d MiB", maxAnswer>>20))
	}
	states, err := m.items(got.Body)
	if err != nil {
		return fail(attempt.BadAnswer, err.Error())
	}
	return states, nil
}

// items returns the states in the items of the assets that were told; nil for an item
// that has none. The error repeats nothing of the body.
func (m *draft) items(body []byte) (map[event.ID]rawjson.Value, error) {
	root, err := rawjson.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("the answer can't be read: %w", err)
	}
	if root[0] != '{' {
		return nil, errors.New("the answer is no JSON object")
	}
	items, found := memberOf(root, nameItems)
	switch {
	case !found || string(items) == "null":
		return nil, errors.New("the answer has no Items")
	case items[0] != '[':
		return nil, errors.New("the answer's Items is no list")
	}
	states := make(map[event.ID]rawjson.Value, len(m.tellings))
	told := toldIDs{tellings: m.tellings}
	for item := range items.Elements {
		asset, state := readItem(item)
		if id, ok := told.meant(asset); ok {
			states[id] = state
		}
	}
	return states, nil
}

// readItem returns the last members of an item that have the names.
func readItem(item rawjson.Value) (asset, state rawjson.Value) {
	for m := range item.Members {
		switch {
		case bytes.EqualFold(m.Name, nameAsset):
			asset = m.Value
		case bytes.EqualFold(m.Name, nameState):
			state = m.Value
		}
	}
	return asset, state
}

// toldIDs finds the ids of the assets that a request tells, as they may be written. Most
// receivers answer in the order in which they were told.
type toldIDs struct {
	tellings []telling
	next     int               // of the tellings, the one behind the one that was meant last
	written  map[writtenID]int // the tellings, as soon as one has to be searched
}

// writtenID is an id as a number, or as a string.
type writtenID struct {
	text   string // without quotes
	quoted bool
}

// meant returns the id that an answer means with a value.
func (ids *toldIDs) meant(asset rawjson.Value) (id event.ID, ok bool) {
	for ids.next < len(ids.tellings) && !ids.tellings[ids.next].isSent() {
		ids.next++
	}
	if ids.next == len(ids.tellings) || string(asset) != ids.tellings[ids.next].id().JSON() {
		if ids.next, ok = ids.search(asset); !ok {
			return event.ID{}, false
		}
	}
	id = ids.tellings[ids.next].id()
	ids.next++
	return id, true
}

// search returns the telling of the asset that a value means; where there is none, the
// next one is still to come.
func (ids *toldIDs) search(asset rawjson.Value) (i int, ok bool) {
	if ids.written == nil {
		ids.written = make(map[writtenID]int, len(ids.tellings))
		for i := range ids.tellings {
			if t := &ids.tellings[i]; t.isSent() {
				ids.written[writtenID{t.id().String(), t.id().IsString()}] = i
			}
		}
	}
	text, quoted := asset.String()
	if !quoted {
		text = asset
	}
	if i, ok = ids.written[writtenID{string(text), quoted}]; !ok {
		i, ok = ids.written[writtenID{string(text), !quoted}]
	}
	if !ok {
		i = ids.next
	}
	return i, ok
}

// memberOf returns the last member of an object that has the name, in any case.
func memberOf(object rawjson.Value, name []byte) (value rawjson.Value, found bool) {
	for m := range object.Members {
		if bytes.EqualFold(m.Name, name) {
			value, found = m.Value, true
		}
	}
	return value, found
}

// result is what an answer means for one asset, of which ack becomes a part if it is
// acknowledged.
func (t *telling) result(states map[event.ID]rawjson.Value, sent attempt.Outcome, ack *tracking.Acknowledgement) style.Result {
	failed := sent
	failed.Verdict = attempt.Refused
	raw, found := states[t.id()]
	if !found {
		failed.Reason, failed.Error = attempt.NoItem, "no item in answer"
		return style.Result{Outcome: failed}
	}
	*ack = tracking.Acknowledgement{ID: t.id(), Delete: t.action == style.Delete, Digest: t.digest, Print: t.print}
	if ack.Delete { // its state means nothing any more
		return style.Result{Outcome: sent, Acknowledged: ack}
	}
	var err error
	if ack.State, err = readState(raw); err != nil {
		failed.Reason, failed.Error = attempt.BadAnswer, err.Error()
		return style.Result{Outcome: failed}
	}
	return style.Result{Outcome: sent, Acknowledged: ack}
}

// readState reads a state: a string; null and none are no state. What is not UTF-8
// in it is replaced, as it could not be sent back.
func readState(raw rawjson.Value) (tracking.State, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return tracking.State{}, nil
	}
	text, ok := raw.String()
	if !ok {
		return tracking.State{}, errors.New("the item's IntegrationState is no string (write its JSON as a string)")
	}
	if len(text) > tracking.MaxState {
		return tracking.State{}, fmt.Errorf("the item's IntegrationState has %d bytes, and may have %d", len(text), tracking.MaxState)
	}
	state := tracking.State{Text: string(text), Given: true}
	if !utf8.Valid(text) {
		state.Text = strings.ToValidUTF8(state.Text, "\uFFFD")
	}
	return state, nil
}

// maybeOne reports whether a request that failed as a whole may have failed for
// one of its assets: the receiver was there, and did not say that it is at fault
// itself.
func maybeOne(o *attempt.Outcome) bool {
	if o.Verdict != attempt.Refused && o.Verdict != attempt.Unavailable || !o.NotBefore.IsZero() {
		return false
	}
	switch o.Reason {
	case attempt.Timeout, attempt.ConnectionClosed, attempt.BadAnswer, attempt.AnswerTooLarge:
		return true
	case attempt.UnexpectedStatus, attempt.ServerError:
		return o.Status != http.StatusServiceUnavailable
	case attempt.ClientError:
		// The others say that the endpoint is set up wrongly.
		return o.Verdict == attempt.Refused
	default:
		return false
	}
}
