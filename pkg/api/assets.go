package api

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Asset is what is known of an asset.
type Asset struct {
	ID      event.ID        `json:"id" doc:"the base id"`
	ItemID  event.ID        `json:"itemId" doc:"null if it was never told"`
	Title   string          `json:"title" doc:"as far as the data says it in a way that is known"`
	Deleted bool            `json:"deleted"`
	Changed time.Time       `json:"changed" doc:"when the DAM made the change that brought this"`
	Size    int             `json:"size" doc:"bytes of the data; 0 if none was ever seen"`
	Data    json.RawMessage `json:"data,omitempty" doc:"the latest snapshot; of a deleted asset the last one; not in lists"`
}

// AssetPage is a part of the assets, by id: integers by size, then others.
type AssetPage struct {
	Assets []Asset `json:"assets"`
	Next   string  `json:"next" doc:"cursor of the next page; empty on the last"`
}

// MaxImportRejected is how many rejected lines an answer lists; more are counted.
const MaxImportRejected = 100

// importChunk is how many bytes of assets a request holds, so that a person
// learns in good time how far it has come.
const importChunk = 4 << 20

// ImportResult says what became of lines of assets.
type ImportResult struct {
	Lines         int            `json:"lines" doc:"that were read, also those with nothing on them"`
	Imported      int            `json:"imported"`
	Older         int            `json:"older" doc:"assets of which a later change is known"`
	Skipped       int            `json:"skipped" doc:"events that tell nothing of their asset"`
	RejectedCount int            `json:"rejectedCount"`
	Rejected      []RejectedLine `json:"rejected" doc:"the first 100 of them"`
}

// RejectedLine is a line that is no asset.
type RejectedLine struct {
	Line   int    `json:"line" doc:"its number, from 1"`
	Reason string `json:"reason"`
}

// Assets returns one page of what is known of assets, without their data.
func (c *Client) Assets(ctx context.Context, page Page) (AssetPage, error) {
	return call[AssetPage](ctx, c, http.MethodGet, route("assets"), page.values(), nil)
}

// EachAsset goes through all assets, page by page. It ends after the first
// error.
func (c *Client) EachAsset(ctx context.Context, page Page) iter.Seq2[Asset, error] {
	return each(page.Cursor, func(cursor string) ([]Asset, string, error) {
		page.Cursor = cursor
		answer, err := c.Assets(ctx, page)
		return answer.Assets, answer.Next, err
	})
}

// Asset returns what is known of one asset, with its data. An id that is not
// found as an integer is looked for as a string.
func (c *Client) Asset(ctx context.Context, id string) (Asset, error) {
	return call[Asset](ctx, c, http.MethodGet, route("assets", id), nil, nil)
}

// ImportAssets gives assets to the daemon, one JSON object a line, as they are
// read from r. What does not say when it was changed counts as of asOf (zero:
// now). After each request told, if given, is told what all so far did. With an
// error comes what the requests before it did. A read of r that is under way
// when ctx ends is not waited for.
func (c *Client) ImportAssets(ctx context.Context, r io.Reader, asOf time.Time, told func(ImportResult)) (ImportResult, error) {
	return c.importAssets(ctx, r, asOf, told, importChunk)
}

func (c *Client) importAssets(ctx context.Context, r io.Reader, asOf time.Time, told func(ImportResult), chunkSize int64) (ImportResult, error) {
	query := url.Values{}
	setTime(query, "asOf", asOf)
	total := ImportResult{Rejected: []RejectedLine{}}
	err := inRequests(ctx, r, chunkSize, func(ctx context.Context, body io.Reader, _ int64) error {
		result, err := send[ImportResult](ctx, c, route("assets"), query, body)
		total.add(result)
		if err == nil && told != nil {
			told(total)
		}
		return err
	})
	return total, err
}

// add adds the result of a request that follows.
func (t *ImportResult) add(result ImportResult) {
	for _, rejected := range result.Rejected {
		if len(t.Rejected) == MaxImportRejected {
			break
		}
		rejected.Line += t.Lines
		t.Rejected = append(t.Rejected, rejected)
	}
	t.Lines += result.Lines
	t.Imported += result.Imported
	t.Older += result.Older
	t.Skipped += result.Skipped
	t.RejectedCount += result.RejectedCount
}
