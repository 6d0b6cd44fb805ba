package listen

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dam-delivery/dz/pkg/event"
)

// batch is a request of the style managed, as far as it is answered.
type batch struct {
	Actions []action `json:"actions"`
}

type action struct {
	Type    string   `json:"type"`
	AssetID event.ID `json:"assetId"`
	State   *string  `json:"integrationState"`
}

// item is what one action is answered.
type item struct {
	AssetID event.ID `json:"AssetId"`
	State   *string  `json:"IntegrationState"` // nil of a deletion
}

// state is what this receiver has dz keep for an asset: how often it was told.
type state struct {
	Told int `json:"told"`
}

// readBatch returns the actions of a body, if it is a request of the style managed.
func readBatch(body string) ([]action, bool) {
	if !strings.Contains(body, `"actions"`) {
		return nil, false
	}
	var b batch
	if json.Unmarshal([]byte(body), &b) != nil || len(b.Actions) == 0 {
		return nil, false
	}
	for _, action := range b.Actions {
		if action.AssetID.IsZero() {
			return nil, false
		}
	}
	return b.Actions, true
}

// acknowledge returns the answer by which a managed integration says that it has
// taken all that a body tells; nil if the body is of another style.
func acknowledge(body string) []byte {
	actions, ok := readBatch(body)
	if !ok {
		return nil
	}
	answer := struct{ Items []item }{Items: make([]item, 0, len(actions))}
	for _, action := range actions {
		it := item{AssetID: action.AssetID}
		if action.Type != "delete" {
			text := action.next()
			it.State = &text
		}
		answer.Items = append(answer.Items, it)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil // ids and texts can always be written
	}
	return text
}

// next returns the state that comes after the one an action hands back. One that
// somebody else gave begins again.
func (a action) next() string {
	var last state
	if a.State != nil && json.Unmarshal([]byte(*a.State), &last) != nil {
		last = state{}
	}
	return `{"told":` + strconv.Itoa(max(0, last.Told)+1) + `}`
}

// describeBatch says what a request of the style managed tells.
func describeBatch(body string) string {
	const shown = 5 // ids of each kind
	actions, ok := readBatch(body)
	if !ok {
		return ""
	}
	var parts []string
	for _, kind := range []string{"sync", "delete"} {
		var ids []string
		for _, action := range actions {
			if action.Type == kind {
				ids = append(ids, action.AssetID.String())
			}
		}
		if len(ids) > shown {
			ids = append(ids[:shown], "and "+strconv.Itoa(len(ids)-shown)+" others")
		}
		if len(ids) > 0 {
			parts = append(parts, kind+" "+strings.Join(ids, " "))
		}
	}
	return strings.Join(parts, ", ")
}
