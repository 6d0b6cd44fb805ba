// Package catalogue owns what is known of assets beyond their ids: the noun
// Asset, the rule by which news of one becomes what is known, and the interface
// by which a delivery style reads it.
//
// Where the data lies is not its business: embedded, in the store, as the
// snapshots of events brought it; or with the DAM.
package catalogue

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Asset is what was last known of an asset.
type Asset struct {
	ID     event.ID // the base id, which names the asset
	ItemID event.ID // of the change it came with; none if that did not say
	// Data is a JSON object, as it was written, and was checked to be one by who
	// made the Asset; of a deleted asset the last one that was known; nil if none
	// was ever seen.
	Data    json.RawMessage
	Deleted bool
	// Changed is when the DAM made the change that brought this; when it was
	// seen, if the DAM did not say.
	Changed time.Time
}

// Reader reads assets. It is called by several goroutines at a time.
type Reader interface {
	// Assets returns those of ids that are known, in the order asked; unknown
	// ones are left out. An asset is the caller's to keep, and not to change.
	Assets(ctx context.Context, ids []event.ID) ([]Asset, error)
}

// Empty is a catalogue that knows no asset, for those who need a style's
// declarations and never compose.
type Empty struct{}

// Assets returns none.
func (Empty) Assets(context.Context, []event.ID) ([]Asset, error) { return nil, nil }

// Title returns what people call the asset, as far as its data says it in a way
// that DAMs have: title, name, or general.title. It is "" without one.
func (a Asset) Title() string {
	var data struct {
		Title   string `json:"title"`
		Name    string `json:"name"`
		General struct {
			Title string `json:"title"`
		} `json:"general"`
	}
	// A member of another type is no title, and the others are read all the same.
	_ = json.Unmarshal(a.Data, &data)
	for _, title := range []string{data.Title, data.Name, data.General.Title} {
		if title != "" {
			return title
		}
	}
	return ""
}
