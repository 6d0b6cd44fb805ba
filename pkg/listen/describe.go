package listen

import (
	"encoding/json"
	"strings"

	"github.com/dam-delivery/dz/pkg/event"
)

// Describe says in a few words what a body tells, if it is a notification
// ({"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}), a ping
// ({"trigger":{"event":"metadata",…},"item":{"ID":"9588",…},"data":…}) or a batch
// ({"actions":[{"type":"sync","assetId":16,…}],…}), else "".
func Describe(body string) string {
	if about := describeBatch(body); about != "" {
		return about
	}
	if about := describePing(body); about != "" {
		return about
	}
	var notification struct {
		ChangeType event.ChangeType
		Data       map[string]event.ID
	}
	if json.Unmarshal([]byte(body), &notification) != nil || notification.ChangeType == 0 {
		return ""
	}
	words := []string{notification.ChangeType.String()}
	for _, name := range []string{"ItemId", "BaseId", "AssetId", "MetafieldId", "TreeValueId", "ComboValueId"} {
		if id, ok := notification.Data[name]; ok {
			words = append(words, name+" "+id.String())
		}
	}
	return strings.Join(words, " ")
}

// describePing says what a ping of the gateway style tells.
func describePing(body string) string {
	var ping struct {
		Trigger struct {
			Event string `json:"event"`
		} `json:"trigger"`
		Item struct {
			ID  event.ID `json:"ID"`
			GID event.ID `json:"GID"`
		} `json:"item"`
	}
	if json.Unmarshal([]byte(body), &ping) != nil || ping.Trigger.Event == "" || ping.Item.ID.IsZero() {
		return ""
	}
	return ping.Trigger.Event + " ID " + ping.Item.ID.String() + " GID " + ping.Item.GID.String()
}
