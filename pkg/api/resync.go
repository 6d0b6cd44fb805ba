package api

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// ResyncOrder says what to synchronise again. Without members it is everything:
// each asset that the endpoint's filter lets through is told, changed or not, and
// tracked ones that are gone are told as deleted.
type ResyncOrder struct {
	Changed bool       `json:"changed,omitempty" doc:"only what differs from what the endpoint last acknowledged"`
	Assets  []event.ID `json:"assets,omitempty" doc:"only these, by base id; at most 10,000"`
	Filter  string     `json:"filter,omitempty" doc:"only assets that it matches, beside the endpoint's own filter"`
	Since   *time.Time `json:"since,omitempty" doc:"only assets changed at or after"`
	DryRun  bool       `json:"dryRun,omitempty" doc:"count only, and answer when that is done"`
}

// ResyncFound counts what a synchronisation has found so far.
type ResyncFound struct {
	Seen      uint64 `json:"seen" doc:"assets looked at; the sum of the others"`
	Create    uint64 `json:"create" doc:"not tracked yet"`
	Update    uint64 `json:"update" doc:"tracked"`
	Delete    uint64 `json:"delete" doc:"tracked, and gone, hidden or left out by the filter"`
	Unchanged uint64 `json:"unchanged" doc:"tracked, and not told"`
	Skipped   uint64 `json:"skipped" doc:"gone, hidden or left out by the filter, and not tracked"`
	Unread    uint64 `json:"unread" doc:"that the catalogue can't show"`
	Unjudged  uint64 `json:"unjudged" doc:"that a filter can't be applied to, so that nothing can be said of them"`
	Fault     string `json:"fault" doc:"what is wrong with the first that is unread or unjudged; empty without any"`
}

// Told is how many assets are to be told.
func (f ResyncFound) Told() uint64 { return f.Create + f.Update + f.Delete }

// Missed is how many assets nothing can be said of: they are not told.
func (f ResyncFound) Missed() uint64 { return f.Unread + f.Unjudged }

// The phases of a synchronisation.
const (
	ResyncListing  = "listing"  // it goes through the catalogue
	ResyncCounting = "counting" // it counts tracked assets that are gone
	ResyncTracking = "tracking" // it owes their deletion
	ResyncDone     = "done"     // all that it found is owed
	ResyncStopped  = "stopped"  // before it was done
)

// Resync is the last synchronisation of an endpoint.
type Resync struct {
	Endpoint  string      `json:"endpoint"`
	Number    uint64      `json:"number" doc:"rises with each of the endpoint; 0 of a dry run"`
	Changed   bool        `json:"changed" doc:"only what differs was asked for"`
	Assets    []event.ID  `json:"assets" doc:"that were asked for by id, the first 100 of them; empty: any"`
	Named     int         `json:"named" doc:"how many assets were asked for by id; 0: any"`
	Filter    string      `json:"filter"`
	Since     *time.Time  `json:"since"`
	DryRun    bool        `json:"dryRun"`
	Scheduled bool        `json:"scheduled" doc:"by the endpoint's resyncEvery, not by a person"`
	Phase     string      `json:"phase" enum:"listing,counting,tracking,done,stopped" doc:"of looking for what is to be told; what was found is sent meanwhile"`
	Found     ResyncFound `json:"found"`
	Started   time.Time   `json:"started"`
	Ended     *time.Time  `json:"ended" doc:"when all was owed, or it was stopped; null while it looks"`
	Error     string      `json:"error" doc:"why it was stopped, or what it waits for"`
	Remaining uint64      `json:"remaining" doc:"owed to the endpoint in the background now"`
	Delivered uint64      `json:"delivered" doc:"to the endpoint since it began"`
}

// Running reports whether it still looks for something.
func (r Resync) Running() bool {
	return r.Phase == ResyncListing || r.Phase == ResyncCounting || r.Phase == ResyncTracking
}

// ResyncState is the last synchronisation of an endpoint, and what came of it.
type ResyncState struct {
	Resync
	Failed   uint64 `json:"failed" doc:"failures of the endpoint whose last attempt was since it began"`
	Retrying uint64 `json:"retrying" doc:"of those remaining, those that failed since it began, and are retried by themselves"`
	Untried  uint64 `json:"untried" doc:"of those remaining, those whose attempt has yet to be made"`
	Held     uint64 `json:"held" doc:"deletions that wait to be released; of the assets that it names, if it names some"`
}

// HeldDeletion is a deletion that waits to be released.
type HeldDeletion struct {
	ID        string    `json:"id" doc:"of the debt"`
	AssetID   event.ID  `json:"assetId" doc:"the base id"`
	EventType string    `json:"eventType" doc:"of the latest change"`
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
}

// HeldPage is a part of the deletions that an endpoint holds, the oldest first.
type HeldPage struct {
	Endpoint  string         `json:"endpoint"`
	Held      uint64         `json:"held" doc:"on all pages: what a release would send, save those whose asset is back"`
	Deletions []HeldDeletion `json:"deletions"`
	Next      string         `json:"next" doc:"cursor of the next page; empty on the last"`
}

// Released says what a release did.
type Released struct {
	Endpoint string `json:"endpoint"`
	Released uint64 `json:"released" doc:"deletions that were held"`
}

// Reset says what a reset did.
type Reset struct {
	Endpoint  string `json:"endpoint"`
	Forgotten uint64 `json:"forgotten" doc:"assets that were tracked"`
}

// StartResync synchronises an endpoint again, or with DryRun counts what that
// would tell. One that is running is a conflict.
func (c *Client) StartResync(ctx context.Context, name string, order ResyncOrder) (Resync, error) {
	return call[Resync](ctx, c, http.MethodPost, route("endpoints", name, "resync"), nil, order)
}

// Resync returns an endpoint's last synchronisation.
func (c *Client) Resync(ctx context.Context, name string) (ResyncState, error) {
	return call[ResyncState](ctx, c, http.MethodGet, route("endpoints", name, "resync"), nil, nil)
}

// StopResync ends the synchronisation that is running; what it has owed stays
// owed.
func (c *Client) StopResync(ctx context.Context, name string) (Resync, error) {
	return call[Resync](ctx, c, http.MethodDelete, route("endpoints", name, "resync"), nil, nil)
}

// HeldDeletions returns one page of the deletions that are held.
func (c *Client) HeldDeletions(ctx context.Context, name string, page Page) (HeldPage, error) {
	return call[HeldPage](ctx, c, http.MethodGet, route("endpoints", name, "held"), page.values(), nil)
}

// EachHeld goes through all deletions that are held, page by page. It ends after the
// first error.
func (c *Client) EachHeld(ctx context.Context, name string, page Page) iter.Seq2[HeldDeletion, error] {
	return each(page.Cursor, func(cursor string) ([]HeldDeletion, string, error) {
		page.Cursor = cursor
		answer, err := c.HeldDeletions(ctx, name, page)
		return answer.Deletions, answer.Next, err
	})
}

// ReleaseDeletions sends the deletions that are held.
func (c *Client) ReleaseDeletions(ctx context.Context, name string) (Released, error) {
	return call[Released](ctx, c, http.MethodPost, route("endpoints", name, "release"), nil, nil)
}

// ResetTracked forgets what an endpoint has acknowledged.
func (c *Client) ResetTracked(ctx context.Context, name string) (Reset, error) {
	return call[Reset](ctx, c, http.MethodPost, route("endpoints", name, "reset"), nil, nil)
}
