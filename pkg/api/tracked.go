package api

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// TrackedAsset is an asset that an endpoint has acknowledged.
type TrackedAsset struct {
	AssetID   event.ID  `json:"assetId" doc:"the base id"`
	StateHash *string   `json:"stateHash" doc:"lower-case hex SHA-256 of the state; null without one"`
	State     *string   `json:"state,omitempty" doc:"the endpoint's own integration state; only where it was asked for, and there is one"`
	First     time.Time `json:"first" doc:"acknowledged first"`
	Synced    time.Time `json:"synced" doc:"acknowledged last"`
	Syncs     uint64    `json:"syncs" doc:"how often it was acknowledged"`
	Attempts  uint64    `json:"attempts" doc:"made at it, acknowledged or not"`
}

// TrackedDetail is all that is known of an asset at an endpoint.
type TrackedDetail struct {
	AssetID event.ID      `json:"assetId"`
	Tracked *TrackedAsset `json:"tracked" doc:"null if the endpoint has not acknowledged it"`
	Owed    *Owed         `json:"owed" doc:"what the endpoint is owed of it now, with the last failure; null for nothing"`
}

// TrackedPage is a part of the tracked assets, by id: integers by size, then
// others.
type TrackedPage struct {
	Assets []TrackedAsset `json:"assets"`
	Next   string         `json:"next" doc:"cursor of the next page; empty on the last"`
}

// Tracked returns one page of the assets that an endpoint has acknowledged; states
// asks for its integration states too.
func (c *Client) Tracked(ctx context.Context, endpoint string, states bool, page Page) (TrackedPage, error) {
	query := page.values()
	if states {
		query.Set("state", "true")
	}
	return call[TrackedPage](ctx, c, http.MethodGet, route("endpoints", endpoint, "tracked"), query, nil)
}

// EachTracked goes through all assets that an endpoint has acknowledged, page by
// page. It ends after the first error.
func (c *Client) EachTracked(ctx context.Context, endpoint string, states bool, page Page) iter.Seq2[TrackedAsset, error] {
	return each(page.Cursor, func(cursor string) ([]TrackedAsset, string, error) {
		page.Cursor = cursor
		answer, err := c.Tracked(ctx, endpoint, states, page)
		return answer.Assets, answer.Next, err
	})
}

// TrackedAsset returns what is known of one asset at an endpoint, with its state.
func (c *Client) TrackedAsset(ctx context.Context, endpoint, id string) (TrackedDetail, error) {
	return call[TrackedDetail](ctx, c, http.MethodGet, route("endpoints", endpoint, "tracked", id), nil, nil)
}
