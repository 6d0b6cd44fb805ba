package catalogue

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/dam-delivery/dz/pkg/catalogue/metadata"
	"github.com/dam-delivery/dz/pkg/event"
)

// embeddedPage is how many assets of an embedded catalogue are read at a time.
const embeddedPage = 500

// Lister reads parts of assets, and lists them.
type Lister interface {
	// AssetParts returns what Reader.Assets does, with that part of their data at
	// least.
	AssetParts(ctx context.Context, part Part, ids []event.ID) ([]Asset, error)
	// ListAssetParts returns up to limit assets after the cursor, with that part of
	// their data at least, and the cursor to go on from; "" when there are no more.
	ListAssetParts(ctx context.Context, part Part, cursor string, limit int) ([]Asset, string, error)
}

// Embedded shows what events and imports told of assets. It knows no users: a view
// of one is ErrRefused, as it would show what that user may not see. It has all
// metadata fields that it was told, whether they are asked for or not: View.Fields
// is without effect. View.Language shows in it what metadata.InLanguage says.
//
// Nobody told it that an asset does not exist: one that it never heard of is
// not Deleted, but has no data. Its other errors are those of the Lister, and
// ErrUnreadable for an asset whose data is no JSON object.
type Embedded struct{ assets Lister }

var _ Ordered = (*Embedded)(nil)

// NewEmbedded returns the catalogue that assets holds.
func NewEmbedded(assets Lister) *Embedded { return &Embedded{assets} }

// Look returns what was last told of each of ids.
func (c *Embedded) Look(ctx context.Context, view View, ids []event.ID) ([]Answer, error) {
	if err := c.Supports(view); err != nil {
		return nil, err
	}
	known, err := c.assets.AssetParts(ctx, view.Part, ids)
	if err != nil {
		return nil, fmt.Errorf("read the embedded catalogue: %w", err)
	}
	answers := make([]Answer, len(ids))
	for i, id := range ids {
		if len(known) == 0 || known[0].ID != id { // they are in the order of ids
			answers[i].Asset.ID = id
			continue
		}
		answers[i] = view.answer(known[0])
		known = known[1:]
	}
	return answers, nil
}

// Past compares the cursors of a Lister, which are ids as JSON: integers from 0 on come
// first, by size, then all others by their text.
func (*Embedded) Past(cursor, mark string) bool {
	length := func(id string) int {
		if id != "" && (id[0] == '-' || id[0] == '"') {
			return math.MaxInt
		}
		return len(id)
	}
	return cmp.Or(cmp.Compare(length(cursor), length(mark)), cmp.Compare(cursor, mark)) >= 0
}

// Supports refuses a view of one user: what was told does not say who may see it.
func (*Embedded) Supports(view View) error {
	if view.User == "" {
		return nil
	}
	return &ReadError{
		Kind: ErrRefused,
		Text: "what events told of assets can't be shown as one user sees it: apiUser needs a catalogue of type rest",
	}
}

// answer shows an asset in the view's language.
func (v View) answer(a Asset) Answer {
	if a.Data == nil {
		return Answer{Asset: a}
	}
	data, err := metadata.InLanguage(a.Data, v.Language)
	if err != nil {
		return Answer{
			Asset: Asset{ID: a.ID},
			Err:   &ReadError{Kind: ErrUnreadable, Asset: a.ID, Text: "the data that was told of it: " + err.Error()},
		}
	}
	a.Data = data
	return Answer{Asset: a}
}

// List yields the assets that are not deleted, in the order of the Lister.
func (c *Embedded) List(ctx context.Context, view View, cursor *string) iter.Seq2[Asset, error] {
	if cursor == nil {
		cursor = new(string)
	}
	return func(yield func(Asset, error) bool) {
		if err := c.Supports(view); err != nil {
			yield(Asset{}, err)
			return
		}
		for {
			page, next, err := c.assets.ListAssetParts(ctx, view.Part, *cursor, embeddedPage)
			if err == nil {
				err = ctx.Err() // the next page would be yielded all the same
			}
			if err != nil {
				yield(Asset{}, fmt.Errorf("list the embedded catalogue: %w", err))
				return
			}
			for _, a := range page {
				if a.Deleted {
					continue
				}
				if answer := view.answer(a); !yield(answer.Asset, answer.Err) {
					return
				}
			}
			if next == "" {
				return
			}
			*cursor = next
		}
	}
}
