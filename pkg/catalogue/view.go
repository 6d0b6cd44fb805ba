package catalogue

import (
	"context"
	"iter"

	"github.com/dam-delivery/dz/pkg/event"
)

// View says how assets are to be shown. Its zero value is how the catalogue
// itself is set up.
type View struct {
	Language string   // as the DAM names it
	User     string   // the DAM's id of the user whose rights apply
	Fields   []string // metadata fields, as the DAM names them, that it adds only if asked
	Part     Part     // of the data, that is looked at
}

// Answer is what a catalogue says of one asset that it was asked for.
type Answer struct {
	// Asset has at least the id that was asked for. It is Deleted if the
	// catalogue has no such asset, or hides it from the view's user; then Data
	// may be nil. Data is nil and the asset not Deleted if the catalogue can't
	// know of it: the Embedded one was never told of it.
	Asset Asset
	// Err, if not nil, is a ReadError that concerns this asset alone: it is
	// there, and can't be read. Asset then has nothing but the id.
	Err error
}

// Viewer is a catalogue that knows of every asset whether it exists, and shows
// it as others see it. It is called by several goroutines at a time.
type Viewer interface {
	// Supports returns the ErrRefused of a view that the catalogue has no way to
	// show, whatever it is asked for. It asks nobody.
	Supports(view View) error
	// Look returns one answer for each of ids, in their order. An error is that
	// of the whole: a ReadError that no answer could be had for, or ctx's; of
	// the Embedded one, the store's.
	Look(ctx context.Context, view View, ids []event.ID) ([]Answer, error)
	// List yields the assets that the view shows, in an order of the DAM's own,
	// holding no more than a page of them. It begins after *cursor, "" being the
	// beginning, and moves it whenever a page has been yielded; so a list that is
	// begun anew from there repeats at most a page, and leaves nothing out. A nil
	// cursor is a list from the beginning.
	//
	// An asset that can't be read is yielded as an error of kind ErrUnreadable
	// with its id, and the list goes on; every other error ends it.
	List(ctx context.Context, view View, cursor *string) iter.Seq2[Asset, error]
}

// Ordered is a Viewer whose lists have an order that never changes: what lies between two
// of their cursors now lies there ever after, as long as it is shown. It is the order in
// which stores keep what endpoints track; the cursor behind an asset is its id as JSON.
type Ordered interface {
	Viewer
	// Past reports whether a list that goes on from cursor has come to mark, or further.
	// Both are cursors of its lists, or "".
	Past(cursor, mark string) bool
}
