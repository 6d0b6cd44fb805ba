// Package resync owns what it means to synchronise an endpoint again: the noun
// Job, which says what was asked for, how far it has come and what it has found.
//
// A job only finds what is to be told, and owes it. It is kept in the store, and
// moves on in the transaction that owes what it has found: whenever the process ends,
// it goes on where it was. What a full one tells once more need not be owed asset by
// asset: the job itself stands for a page of it, and moves on when all of that is told,
// or owed after all.
package resync

import (
	"cmp"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Phase is how far a job is.
type Phase string

// MaxAssets is how many assets an order may name.
const MaxAssets = 10_000

// The phases, in their order.
const (
	Listing  Phase = "listing"  // it goes through the catalogue
	Counting Phase = "counting" // it counts tracked assets that are gone
	Tracking Phase = "tracking" // it owes their deletion
	Done     Phase = "done"     // all is owed
	Stopped  Phase = "stopped"  // by a person, or because it can't go on; see Error
)

// Order is what was asked for.
type Order struct {
	// Changed: only what differs from what was acknowledged; else everything.
	Changed bool `json:"changed,omitempty"`
	// These leave assets out, and with them tracked ones that are gone, unless
	// they are among Assets.
	Assets []event.ID `json:"assets,omitempty"` // only these
	Filter string     `json:"filter,omitempty"` // only those it matches, beside the endpoint's own
	Since  time.Time  `json:"since,omitzero"`   // only those changed at or after
}

// Narrow reports whether the order leaves out assets of the endpoint's.
func (o Order) Narrow() bool { return len(o.Assets) > 0 || o.Filter != "" || !o.Since.IsZero() }

// Found counts what a job has found.
type Found struct {
	Seen      uint64 `json:"seen"`      // assets looked at
	Create    uint64 `json:"create"`    // not tracked yet
	Update    uint64 `json:"update"`    // tracked
	Delete    uint64 `json:"delete"`    // tracked, and gone or left out by the filter
	Unchanged uint64 `json:"unchanged"` // tracked, and not to be told
	Skipped   uint64 `json:"skipped"`   // left out, and not tracked
	Unread    uint64 `json:"unread"`    // that the catalogue can't show
	// Unjudged are those that a filter can't be applied to.
	Unjudged uint64 `json:"unjudged,omitempty"`
	// Fault is what is wrong with the first that is unread or unjudged.
	Fault string `json:"fault,omitempty"`
}

// Told is how many assets are to be told.
func (f Found) Told() uint64 { return f.Create + f.Update + f.Delete }

// Missed is how many assets nothing can be said of: they are not told.
func (f Found) Missed() uint64 { return f.Unread + f.Unjudged }

// Plus returns the sum of both.
func (f Found) Plus(more Found) Found {
	return Found{
		Seen: f.Seen + more.Seen, Create: f.Create + more.Create, Update: f.Update + more.Update,
		Delete: f.Delete + more.Delete, Unchanged: f.Unchanged + more.Unchanged,
		Skipped: f.Skipped + more.Skipped, Unread: f.Unread + more.Unread,
		Unjudged: f.Unjudged + more.Unjudged, Fault: cmp.Or(f.Fault, more.Fault),
	}
}

// Job is one synchronisation of one endpoint.
type Job struct {
	// Number rises with every job of an endpoint.
	Number    uint64 `json:"number"`
	Order     Order  `json:"order"`
	Scheduled bool   `json:"scheduled,omitempty"` // by the endpoint's own settings, not by a person
	Phase     Phase  `json:"phase"`
	Cursor    string `json:"cursor,omitempty"` // within the phase
	// Handed is how far the job has handed on what it owes to nobody: a cursor, not
	// before Cursor. Of the assets between them nobody knows, after a kill, whether they
	// were told. "" if there are none.
	Handed  string    `json:"handed,omitempty"`
	Found   Found     `json:"found"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // when all was owed, or it stopped
	Error   string    `json:"error,omitempty"`
	// Before is, of a job that is narrow, when the last one before it began that was
	// not; zero if there was none.
	Before time.Time `json:"before,omitzero"`
	// Deletions are those that were counted and are not owed yet. They are all
	// counted before the first is owed, so that the guard against mass deletion
	// knows of all when the first is to be sent.
	Deletions uint64 `json:"deletions,omitempty"`
	// Delivered is the endpoint's count when the job began, so that what it comes
	// to can be told.
	Delivered uint64 `json:"delivered"`
}

// Running reports whether the job still looks for something.
func (j Job) Running() bool {
	return j.Phase == Listing || j.Phase == Counting || j.Phase == Tracking
}

// Whole is when the last job began that left out none of the endpoint's assets, this
// one or one before it; zero if there was none.
func (j Job) Whole() time.Time {
	if j.Order.Narrow() {
		return j.Before
	}
	return j.Started
}

// Next returns the job as it is after a page: in the phase, at the cursor.
func (j Job) Next(f Found, phase Phase, cursor string) Job {
	j.Found, j.Phase, j.Cursor = j.Found.Plus(f), phase, cursor
	return j
}
