// Package store owns the contract of dz's durable state, whatever engine keeps
// it: endpoints and their health, what they are owed, the positions of sources,
// what is known of assets, recent events and rejected input.
//
// An engine guarantees (the conformance suite in storetest holds it to this):
//
//   - A call that changes something returns only when the change is durable; one
//     that returns an error has changed nothing.
//   - Position follows durability: a batch's debts, its assets, its rejections
//     and its positions become durable in one transaction (Ingest).
//   - There is one debt per endpoint and key; changes merge into it.
//   - A settlement ends a debt only if the generation sent is the one owed; what
//     it acknowledges is tracked in the same transaction.
//   - A store that goes on from a backup takes nothing for certain that its endpoints
//     may have been told since: the digests of what they acknowledged are forgotten,
//     and what was owed then, or comes in of a change of the time since, is owed as
//     what the receiver may have taken since (debt.Debt.Restored). What a source does
//     not tell again it does not learn: an asset that came and went after the backup,
//     and whose deletion is not read again, stays where it was told; whatever else has
//     drifted, a full synchronisation heals.
//   - Nothing in memory grows with the number of debts, events, failures, assets
//     or tracked assets.
//
// Calls may come from any goroutine. Time comes in as data. Engines live in
// packages below this one; nothing else knows which one is in use.
package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/catalogue"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
	"github.com/dam-delivery/dz/pkg/source"
)

// Errors that callers branch on.
var (
	// ErrNotFound: there is no endpoint, failure or event of that name.
	ErrNotFound = errors.New("not found")
	// ErrExists: the endpoint's name is taken.
	ErrExists = errors.New("exists already")
	// ErrRevision: the endpoints have changed since the changes were routed;
	// route them again.
	ErrRevision = errors.New("endpoints have changed")
	// ErrFull: there is no room, on the disk or within the size limit. Ingest
	// and AddEndpoint may be repeated later. Room is kept for the other calls,
	// so that they still work.
	ErrFull = errors.New("store is full")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("store is locked")
	// ErrNewer: a newer dz has written the store.
	ErrNewer = errors.New("store has a newer format")
	// ErrDamaged: the store can't be read.
	ErrDamaged = errors.New("store is damaged")
	// ErrCursor: the cursor is not one that a list has returned.
	ErrCursor = errors.New("the cursor is not one that a list has returned")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store is closed")
)

// Engine keeps dz's state.
type Engine interface {
	Registry
	Intake
	Delivery
	Debts
	Failures
	History
	Catalogue
	Tracking
	Resyncs

	// Stats counts what the store holds and has seen.
	Stats(ctx context.Context) (Stats, error)
	// CountDue counts an endpoint's debts that are filed for now or before and
	// are not being retried; one whose debounce was prolonged since may be
	// among them.
	CountDue(ctx context.Context, endpoint uint64, now time.Time) (uint64, error)
	// Maintain does what need not be done at once: it frees what removed
	// endpoints left, drops recent events that are too old at now, and counts
	// deletions of late that lie in the future as made now: the clock has been
	// set back.
	Maintain(ctx context.Context, now time.Time) error
	// Backup writes everything as it was at one moment after the call began, in
	// a form that an engine of the same kind goes on from, without loss: what
	// its positions say was read is in it. Other calls go on meanwhile, however
	// slowly w takes it. After an error what was written is worth nothing.
	Backup(ctx context.Context, w io.Writer) error
	// Close waits for calls under way; later ones fail with ErrClosed.
	Close() error
}

// Registry keeps endpoints.
type Registry interface {
	// Endpoints returns all of them, by name, with their health, and the
	// revision that Ingest compares. The revision rises with every change of an
	// endpoint, never with one of its health.
	Endpoints(ctx context.Context) (Endpoints, error)
	// AddEndpoint gives the endpoint an id that was never used before. ErrExists
	// if the name is taken.
	AddEndpoint(ctx context.Context, ep endpoint.Endpoint) (Registered, error)
	// AddEndpoints adds several, in order, or after an error none.
	AddEndpoints(ctx context.Context, eps []endpoint.Endpoint) ([]Registered, error)
	// UpdateEndpoint lets change alter the endpoint; its error comes back and
	// nothing is changed. change may be called more than once. Id, name, group
	// and creation time can't be changed.
	UpdateEndpoint(ctx context.Context, name string, change func(*endpoint.Endpoint) error) (Registered, error)
	// RemoveEndpoint removes the endpoint and all that is owed to it.
	RemoveEndpoint(ctx context.Context, name string) (Removed, error)
	// ResetHealth forgets what held the endpoint back, and what attempts say
	// that began before now, and returns its health.
	ResetHealth(ctx context.Context, id uint64, now time.Time) (endpoint.Health, error)
}

// Endpoints is a consistent view of all endpoints.
type Endpoints struct {
	Revision uint64
	List     []endpoint.Endpoint
	Health   map[uint64]endpoint.Health
}

// Registered is an endpoint as it is now, and the revision since then.
type Registered struct {
	Endpoint endpoint.Endpoint
	Revision uint64
}

// Removed says what went with an endpoint, and the revision since then.
type Removed struct {
	Endpoint endpoint.Endpoint
	Revision uint64
	Open     uint64 // debts, also held ones
	Failed   uint64 // failures
	Tracked  uint64 // assets that were tracked
}

// Intake takes in what sources bring.
type Intake interface {
	// Positions returns where the streams of a source were read to.
	Positions(ctx context.Context, sourceName string) ([]source.Position, error)
	// Ingest makes a batch durable as a whole. ErrRevision if its changes were
	// routed by other endpoints than there are now.
	Ingest(ctx context.Context, in Ingest) (Ingested, error)
}

// Ingest is one batch of a source, routed.
type Ingest struct {
	Source    string
	Now       time.Time // when it was seen
	Revision  uint64    // of the endpoints that Changes were routed by
	Changes   []debt.Change
	Events    []event.Event     // for the counts and the recent events
	Assets    []catalogue.Asset // what the events say of them, in their order
	Rejected  []source.Rejection
	Positions []source.Position
	// Replayed events have been counted and kept before.
	Replayed bool
}

// Ingested says what a batch did.
type Ingested struct {
	Created uint64 // debts
	Merged  uint64 // changes that merged into a debt
	// Owed holds the places, in their order, of those in Owing.Handed that merged into a
	// debt: the caller is to see to the others.
	Owed []int
	// First is the sequence number that the first of the events is kept under
	// among the recent ones, those after it under the next; 0 if none is kept.
	First uint64
	// Due holds, for every endpoint that has something to claim earlier than
	// before, when.
	Due map[uint64]time.Time
}

// Delivery hands out what is due and takes back how it went.
type Delivery interface {
	// Claim returns debts that are due, the most urgent first: forced ones, then
	// by due time, then those that go behind all others by due time. It changes
	// nothing that could be lost: a debt that is claimed and never settled is
	// simply still due, and inherited once the store is opened again. So the caller
	// says which objects and which debts it is busy with (a newer change may have
	// given a debt another object), and asks for one endpoint in one goroutine at a
	// time.
	// Nothing is due to an endpoint that was removed.
	Claim(ctx context.Context, r ClaimRequest) (Claim, error)
	// Rewind moves the endpoint's debts that lie in the future, because the
	// clock has been set back, to now, and returns how many.
	Rewind(ctx context.Context, endpoint uint64, now time.Time) (uint64, error)
	// Settle records how attempts at one endpoint ended, for its health and for
	// each debt that was sent, in the order given and in one transaction: all of
	// them or, after an error, none. It returns what each attempt left.
	Settle(ctx context.Context, endpoint uint64, attempts []Attempt) ([]Settled, error)
	// Hasten makes every debt due at now that waits for its next retry because
	// the endpoint was unavailable, and returns how many. After it, the
	// endpoint's health does not ask for it any more.
	Hasten(ctx context.Context, endpoint uint64, now time.Time) (uint64, error)
}

// ClaimRequest says what to claim.
type ClaimRequest struct {
	Endpoint   uint64
	Now        time.Time
	Limit      int                     // ≥ 1
	Busy       func(event.Object) bool // objects with an attempt under way; nil: none
	BusyKey    func(debt.Key) bool     // debts with an attempt under way; nil: none
	ForcedOnly bool                    // only what a person wants sent now
	Background int                     // how many of Limit may be debts that go behind all others
	// After, a Claim's Behind, leaves out those debts that go behind all others which
	// that claim has come to, whatever became of them; "" leaves none out. It is for a
	// short time, as they may be due again.
	After string
}

// Claim is what is due. No two debts are of the same object.
type Claim struct {
	Debts []debt.Debt
	// Next is when there may be something more to claim, apart from busy
	// objects; zero if nothing is filed. It is now if the claim was full, or
	// ended early because it would have taken long.
	Next time.Time
	// Behind is how far the claim has come among debts that go behind all others; ""
	// if it has claimed none of them.
	Behind string
}

// Attempt is how one request ended.
type Attempt struct {
	Outcome attempt.Outcome // of the request, for the endpoint's health
	Debts   []debt.Settlement
}

// Settled is what an attempt left.
type Settled struct {
	Health endpoint.Health // after this attempt; zero if the endpoint was removed meanwhile
	Debts  []SettledDebt   // as they were given
}

// SettledDebt is what an attempt left of one debt.
type SettledDebt struct {
	// Found is false if the debt was purged, or its endpoint removed, while the
	// attempt was under way; of what was handed on, if it is still to be seen to.
	Found bool
	Done  bool       // nothing is owed any more
	Debt  *debt.Debt // that is owed now; nil if none was found, or it is done
}

// Failures are debts whose last attempt failed.
type Failures interface {
	// Failures returns up to limit of those selected, after the cursor, and the
	// cursor to go on from; "" when there are no more. Order is by endpoint,
	// then by age.
	Failures(ctx context.Context, sel debt.Selection, cursor string, limit int) ([]debt.Failure, string, error)
	// Failure returns one, failed or retrying. ErrNotFound without it.
	Failure(ctx context.Context, id debt.ID) (debt.Failure, error)
	// Retry forces up to limit of those selected, after the cursor, and returns
	// them.
	Retry(ctx context.Context, sel debt.Selection, now time.Time, cursor string, limit int) ([]debt.Failure, string, error)
	// Purge ends up to limit of those selected, after the cursor: they are owed
	// no more. It returns how many.
	Purge(ctx context.Context, sel debt.Selection, cursor string, limit int) (uint64, string, error)
}

// History is what was seen lately.
type History interface {
	// Events returns up to limit recent events, newest first, that came before
	// the sequence number (0: from the newest).
	Events(ctx context.Context, before uint64, limit int) ([]Recent, error)
	// EventsSince returns up to limit recent events, oldest first, that came
	// after the sequence number and not before the time.
	EventsSince(ctx context.Context, after uint64, since time.Time, limit int) ([]Recent, error)
	// Rejected returns up to limit rejections, newest first, that came before
	// the sequence number (0: from the newest).
	Rejected(ctx context.Context, before uint64, limit int) ([]Rejected, error)
}

// Recent is an event as it came in.
type Recent struct {
	Seq      uint64
	Received time.Time
	Source   string // of dz
	Line     []byte
}

// Rejected is input that could not be read.
type Rejected struct {
	Seq uint64
	source.Rejection
}

// Counts count for one endpoint, or for all. At any time
// Owed = Coalesced + Delivered + Skipped + Open + Held + Failed + Dropped.
type Counts struct {
	Open       uint64 // debts that are neither failures nor held
	Retrying   uint64 // of them, those whose last attempt failed
	Background uint64 // of them, those in the background: see debt.Debt
	Deleting   uint64 // of them, deletions of assets that are tracked or may have been taken, those apart that were released
	Held       uint64 // deletions that wait for a person
	Failed     uint64 // failures
	Tracked    uint64 // assets that are tracked

	// Since the store was made.
	Owed      uint64 // changes
	Coalesced uint64 // changes told together with another
	Delivered uint64 // successful attempts
	Skipped   uint64 // that did not matter to the endpoint
	Attempts  uint64 // that failed
	Dropped   uint64 // debts purged, or removed with their endpoint
}

// Add adds what other counts.
func (c *Counts) Add(other Counts) {
	c.Open += other.Open
	c.Retrying += other.Retrying
	c.Background += other.Background
	c.Deleting += other.Deleting
	c.Held += other.Held
	c.Tracked += other.Tracked
	c.Failed += other.Failed
	c.Owed += other.Owed
	c.Coalesced += other.Coalesced
	c.Delivered += other.Delivered
	c.Skipped += other.Skipped
	c.Attempts += other.Attempts
	c.Dropped += other.Dropped
}

// Stats is what the store holds and has seen.
type Stats struct {
	Ingested  uint64 // events
	Rejected  uint64 // lines
	Total     Counts // of all endpoints, also of those removed
	Endpoints map[uint64]Counts
	// Latest is the latest time that an Ingest was told, or that an attempt
	// ended at, to the second: if it is well after now, the clock has been set
	// back.
	Latest  time.Time
	Path    string
	Size    int64 // bytes
	MaxSize int64 // bytes; 0 is unlimited
}
