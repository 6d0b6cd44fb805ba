package store

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/catalogue"
)

// Catalogue keeps what is known of assets, by their base ids. Snapshots come in
// with batches of events (Ingest.Assets) or are imported; what news of an asset
// does to what is known says catalogue.Asset.Merge.
type Catalogue interface {
	catalogue.Reader
	catalogue.Lister
	// ListAssets returns up to limit assets after the cursor, and the cursor to
	// go on from; "" when there are no more. It returns fewer where their data is
	// large, but at least one. Order is by id: integers from 0 on by size, then
	// all others.
	ListAssets(ctx context.Context, cursor string, limit int) ([]catalogue.Asset, string, error)
	// ImportAssets merges assets, at now, in their order, all of them or, after
	// an error, none. It returns how many told nothing new, because a later
	// change is known.
	ImportAssets(ctx context.Context, assets []catalogue.Asset, now time.Time) (older int, err error)
}
