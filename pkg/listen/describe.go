package listen

import (
	"encoding/json"
	"strings"

	"github.com/dam-delivery/dz/pkg/event"
)

// Describe says in a few words what a body tells, if it is a notification
// ({"ChangeType":1,"Data":{"ItemId":9588,"BaseId":16}}), else "".
func Describe(body string) string {
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
