// Package debt owns the one idea of dz: the debt, the single durable row that
// says "endpoint E is owed the latest state of object O". Debouncing,
// coalescing, crash recovery, the backlog of an outage, failures and resync are
// all this row with a due time.
//
// The package is a state machine of pure functions: a change makes or merges
// into a debt (New, Merge), an outcome settles it (Settle). Time and chance come
// in as data. It guarantees, of the invariants of dz:
//
//   - one debt per endpoint and key: a second change merges and raises the
//     generation;
//   - a success ends a debt only if the generation sent is the one owed;
//   - a failure is kept until it is retried, purged, or revived by a newer change;
//     a deletion that is held, until it is released, or its object is back.
//
// It knows nothing of stores and requests.
package debt

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/dam-delivery/dz/pkg/endpoint"
	"github.com/dam-delivery/dz/pkg/event"
)

// maxFields bounds the union of changed fields, formats and channels that a
// debt remembers, each; a debt of more is one of any.
const maxFields = 128

// Key tells the debts of one endpoint apart. Its style makes it of what it
// tells: notify of the change type and the item, for example.
type Key string

// ID names a debt for people: a ULID of the time it was made and a number that
// the store never gives twice.
type ID ulid.ULID

// NewID makes an id. salt tells stores apart, seq the debts of one store.
func NewID(created time.Time, salt uint16, seq uint64) ID {
	var id ulid.ULID
	milliseconds := uint64(min(max(created.UnixMilli(), 0), 1<<48-1))
	// 48 bits of time, 16 of salt, 64 of seq, as bytes in that order.
	binary.BigEndian.PutUint64(id[:8], milliseconds<<16|uint64(salt))
	binary.BigEndian.PutUint64(id[8:], seq)
	return ID(id)
}

// ParseID reads the text form of an id, in any case.
func ParseID(text string) (ID, error) {
	id, err := ulid.ParseStrict(text)
	if err != nil {
		return ID{}, fmt.Errorf("%.40q is no id: ids have 26 letters and digits, as 'dz failures list' shows them", text)
	}
	return ID(id), nil
}

// Seq is the number that the store gave.
func (id ID) Seq() uint64 { return binary.BigEndian.Uint64(id[8:]) }

// WithSeq returns the id with another number.
func (id ID) WithSeq(seq uint64) ID {
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

// String returns the 26 letters and digits of the id.
func (id ID) String() string { return ulid.ULID(id).String() }

// Change is what one event means to one endpoint.
type Change struct {
	Endpoint uint64
	Key      Key
	Event    *event.Event
	Window   endpoint.Window
	// Note is what the style wants to remember of the latest change beyond what
	// a debt holds anyway; with Fold, of all changes since the last success.
	Note []byte
	// Fold, if given, makes one note of what is remembered and of a change's.
	Fold func(known, news []byte) []byte
	// Background: it may wait until nothing else is due.
	Background bool
	// Replayed: nothing new is known of the object. The event was taken in before,
	// and describes a debt only if there is no later change; or there is none, and
	// it has no id: then any event describes the debt rather.
	Replayed bool
}

// Debt is what one endpoint is owed about one key.
type Debt struct {
	ID       ID
	Endpoint uint64
	Key      Key

	// Of the latest change (a note may be one of all changes: see Change.Fold).
	Object     event.Object
	ChangeType event.ChangeType
	EventType  string
	EventID    string
	Reason     string
	ChangeTime time.Time // when the DAM made it; zero if unknown
	Note       []byte
	Replayed   bool // it was replayed, as all changes of this debt were

	// Of all changes since the last success.
	Generation uint64 // rises with every change, never falls
	Count      uint64 // changes that the next success tells at once
	FirstSeen  time.Time
	LastSeen   time.Time
	Fields     []string // union of changed fields; nil: any
	Formats    []event.ID
	Channels   []event.ID

	Since time.Time // start of the present debounce window
	Due   time.Time // not to be sent before

	Attempts    int  // made since the last success
	Tries       int  // of them, those that count in the present retry schedule
	Failed      bool // the schedule is used up
	Forced      bool // a person wants it sent now, whatever the endpoint's health
	Background  bool // it may wait until nothing else is due; of all changes
	Held        bool // it is a deletion that waits to be released
	WasHeld     bool // it was held when there was a newer change: if that is a deletion too, it is held again, or was released since; until an attempt finds its object back
	Released    bool // it was held, and a person wants it sent; until there is a newer change
	Blamed      bool // a request failed because of it, so that it goes alone; until there is a newer change
	Unclear     bool // the receiver may have taken it in an attempt that failed; until the next success
	Restored    bool // the receiver may have taken it in an attempt that a restored store does not know; until the next success
	LastAttempt time.Time

	// Inherited: it was owed before the store was opened, so that an attempt of a
	// process before this one may have been broken off without leaving an outcome.
	// A claim says so; it is not kept.
	Inherited bool
	// Handed is the number of the Handed of which it was made, as whoever has made it
	// counts them; 0: it is one that is kept.
	Handed uint64
}

// IsDoubtful reports whether the receiver may have taken an attempt that it has not
// acknowledged.
func (d *Debt) IsDoubtful() bool { return d.Unclear || d.Restored || d.Inherited }

// MayBeTaken reports whether the receiver may have the object because of an attempt that
// it has not acknowledged. After a restore an attempt says nothing: it may have been at
// the deletion of what the receiver never had.
func (d *Debt) MayBeTaken() bool { return d.Unclear && !d.Restored }

// Deletes reports whether the latest change deleted the object.
func (d *Debt) Deletes() bool { return event.IsDeletion(d.EventType, d.Reason) }

// New makes the debt of a first change, seen at now.
func New(id ID, c Change, now time.Time) Debt {
	d := Debt{ID: id, Endpoint: c.Endpoint, Key: c.Key, FirstSeen: now, Since: now, Background: c.Background}
	d.Fields, d.Formats, d.Channels = []string{}, []event.ID{}, []event.ID{}
	d.take(c, now)
	d.Due = c.Window.Due(d.Since, d.LastSeen)
	return d
}

// Merge adds a change, seen at now. A debt that has been tried begins a new
// debounce and a new retry schedule: what the receiver did not take before, it
// may take in its new form.
func (d *Debt) Merge(c Change, now time.Time) {
	if d.Tries > 0 || d.Failed || d.Held {
		d.WasHeld = d.WasHeld || d.Held
		d.Failed, d.Held, d.Tries, d.Since = false, false, 0, now
	}
	d.Released, d.Blamed = false, false
	d.Background = d.Background && c.Background
	// The clock may have been set back.
	d.FirstSeen, d.Since = earlier(d.FirstSeen, now), earlier(d.Since, now)
	d.take(c, now)
	if !d.Forced {
		d.Due = c.Window.Due(d.Since, d.LastSeen)
	}
}

// take notes the latest change.
func (d *Debt) take(c Change, now time.Time) {
	e := c.Event
	note := c.Note
	if c.Fold != nil && d.Generation > 0 {
		note = c.Fold(d.Note, c.Note)
		d.Note = note
	}
	if d.isDescribedBy(c) {
		item := d.Object.ItemID
		d.Object, d.ChangeType, d.EventType, d.EventID, d.Reason = e.Object, e.ChangeType, e.Type, e.ID, e.Reason
		d.ChangeTime, d.Note, d.Replayed = e.Time, note, c.Replayed
		if e.ID == "" && e.Object.ItemID == e.Object.BaseID && !item.IsZero() {
			d.Object.ItemID = item // only an event knows better
		}
	}
	d.LastSeen = now
	d.Generation++
	d.Count++
	d.Fields = union(d.Fields, e.ChangedFields)
	d.Formats = union(d.Formats, e.Formats)
	d.Channels = union(d.Channels, e.Channels)
}

// isDescribedBy reports whether a change says what the debt is about from now on.
func (d *Debt) isDescribedBy(c Change) bool {
	switch {
	case d.Generation == 0 || !c.Replayed:
		return true
	case c.Event.ID == "":
		return d.EventID == ""
	default:
		return d.Replayed
	}
}

// union adds more to all; nil stands for any and swallows everything, as does a
// union that has grown too large.
func union[T comparable](all, more []T) []T {
	if all == nil || more == nil {
		return nil
	}
	for _, x := range more {
		if !slices.Contains(all, x) {
			all = append(all, x)
		}
	}
	if len(all) > maxFields {
		return nil
	}
	return all
}

// Behind reports whether everything else goes before the debt: what may wait, and
// what was to blame for a failure, so that assets which a receiver is long in
// refusing keep no others from being told. What a person wants sent now is not put
// off.
func (d *Debt) Behind() bool { return (d.Background || d.Blamed) && !d.Forced }

// MessageID is the webhook-id: the same for every attempt at one generation, and never
// that of another. A style whose attempts may tell something newer adds to it.
func (d *Debt) MessageID() string {
	var buf [len("msg_") + ulid.EncodedSize + len("_18446744073709551615")]byte
	return string(d.AppendMessageID(buf[:0]))
}

// AppendMessageID appends what MessageID returns.
func (d *Debt) AppendMessageID(buf []byte) []byte {
	buf = append(append(buf, "msg_"...), d.ID.String()...)
	return strconv.AppendUint(append(buf, '_'), d.Generation, 10)
}

// Retrying reports whether the last attempt failed and another will follow by
// itself.
func (d *Debt) Retrying() bool { return d.Attempts > 0 && !d.Failed }

// Force makes the debt due at now, on a new retry schedule, whatever its
// endpoint's health.
func (d *Debt) Force(now time.Time) {
	d.Failed, d.Held, d.WasHeld, d.Tries, d.Forced, d.Due = false, false, false, 0, true, now
}

// Release makes a debt that is held due at now, and reports whether it was.
func (d *Debt) Release(now time.Time) bool {
	if !d.Held {
		return false
	}
	d.Held, d.Released, d.Due = false, true, now
	return true
}

// maxBeside is how many attempts beside its schedule a debt gets at most.
const maxBeside = 100

// Hasten makes a debt that waits for its next retry due at now, because its
// endpoint works again, and reports whether it did. The attempt is one beside
// the schedule: an endpoint that comes and goes must not use the schedule up. But
// it may seem to come and go because of this debt, so that there are no more than
// maxBeside of them. A debt that waits for its object to be quiet goes on waiting.
func (d *Debt) Hasten(now time.Time) bool {
	if d.Failed || d.Tries == 0 || !d.Due.After(now) {
		return false
	}
	d.Due = now
	if d.Attempts-d.Tries < maxBeside {
		d.Tries--
	}
	return true
}

// clockSlack is how far ahead of the clock a debt's past may lie before the clock
// is taken to have been set back. Smaller steps are the everyday work of NTP.
const clockSlack = time.Minute

// FromFuture reports whether the debt was last seen or tried well after now: the
// clock has been set back since, and its due time means nothing.
func (d *Debt) FromFuture(now time.Time) bool {
	return later(d.LastSeen, d.LastAttempt).Sub(now) > clockSlack
}

// Rewind moves a debt from the future to now: it waits for what it had yet to
// wait when it was last seen or tried. It reports whether there was anything to
// move.
func (d *Debt) Rewind(now time.Time) bool {
	if !d.FromFuture(now) {
		return false
	}
	ahead := later(d.LastSeen, d.LastAttempt).Sub(now)
	for _, t := range []*time.Time{&d.FirstSeen, &d.LastSeen, &d.Since, &d.Due, &d.LastAttempt} {
		if !t.IsZero() {
			*t = t.Add(-ahead)
		}
	}
	return true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
