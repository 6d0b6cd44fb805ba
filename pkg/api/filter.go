package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/dam-delivery/dz/pkg/event"
)

// FilterTrial says what a filter makes of one asset.
type FilterTrial struct {
	Endpoint string         `json:"endpoint"`
	Filter   string         `json:"filter" doc:"the one that was tried"`
	AssetID  event.ID       `json:"assetId"`
	Title    string         `json:"title"`
	Matches  bool           `json:"matches"`
	Deleted  bool           `json:"deleted" doc:"or hidden from the endpoint: no filter is asked then"`
	Error    string         `json:"error" doc:"why the filter can't be applied, which is no match; empty if it can"`
	Values   []FilterValues `json:"values" doc:"what the filter names of the asset"`
}

// FilterValues is a part of an asset that a filter names.
type FilterValues struct {
	Name  string          `json:"name" doc:"a member of the asset, or a metadata field"`
	Field bool            `json:"field" doc:"whether it is a metadata field"`
	Value json.RawMessage `json:"value" doc:"null if the asset has none"`
}

// FilterCount says how many assets a filter matches, of a part of the catalogue.
type FilterCount struct {
	Endpoint string `json:"endpoint"`
	Filter   string `json:"filter" doc:"the one that was tried"`
	Matched  uint64 `json:"matched"`
	Total    uint64 `json:"total" doc:"assets looked at"`
	Failed   uint64 `json:"failed" doc:"of them, those that the filter can't be applied to, which is no match"`
	Unread   uint64 `json:"unread" doc:"of them, those that the catalogue can't show"`
	Error    string `json:"error" doc:"why the filter can't be applied to the first of them"`
	Next     string `json:"next" doc:"cursor of the next part; empty on the last"`
}

// add adds what comes behind.
func (c *FilterCount) add(more FilterCount) {
	c.Endpoint, c.Filter, c.Next = more.Endpoint, more.Filter, more.Next
	c.Matched += more.Matched
	c.Total += more.Total
	c.Failed += more.Failed
	c.Unread += more.Unread
	if c.Error == "" {
		c.Error = more.Error
	}
}

// TryFilter tries an endpoint's filter, or another one if it is given, on an asset.
func (c *Client) TryFilter(ctx context.Context, endpoint, filter, asset string) (FilterTrial, error) {
	query := url.Values{}
	setString(query, "filter", filter)
	return call[FilterTrial](ctx, c, http.MethodGet, route("endpoints", endpoint, "filter", asset), query, nil)
}

// CountFilter applies an endpoint's filter, or another one if it is given, to the
// whole catalogue, part by part. After each part told is told what it came to so
// far.
func (c *Client) CountFilter(ctx context.Context, endpoint, filter string, told func(FilterCount)) (FilterCount, error) {
	var total FilterCount
	for {
		query := url.Values{}
		setString(query, "filter", filter)
		setString(query, "cursor", total.Next)
		part, err := call[FilterCount](ctx, c, http.MethodGet, route("endpoints", endpoint, "filter"), query, nil)
		if err != nil {
			return total, err
		}
		if total.add(part); total.Next == "" {
			return total, nil
		}
		told(total)
	}
}
