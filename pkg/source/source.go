// Package source owns what every source of events has in common: batches of
// events with the position that follows them.
//
// A position is made durable in the same transaction as what its events mean
// (the daemon and the store see to it), and only then is the batch
// acknowledged. So a source that is opened again at its saved positions goes on
// exactly after the last batch that counted: no event is lost, none counts
// twice.
package source

import (
	"context"
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Position is where one stream of a source (a file, a queue) was read to. Data
// is the source's own business.
type Position struct {
	Stream string
	Data   []byte // nil in a batch: the stream is finished, forget it
}

// Rejection is input that could not be read as an event.
type Rejection struct {
	Source string    `json:"source"`
	File   string    `json:"file,omitempty"`
	Offset int64     `json:"offset"` // of the line's first byte
	Reason string    `json:"reason"`
	Line   []byte    `json:"line"` // the beginning of it, ≤ MaxRejectedLine bytes
	Length int64     `json:"length"`
	Time   time.Time `json:"time"`
}

// MaxRejectedLine is how much of a line that could not be read is kept, in bytes.
const MaxRejectedLine = 4 << 10

// Batch is what a source has read since the batch before. It is never empty:
// there are events, rejections or positions in it.
type Batch struct {
	Events    []event.Event
	Rejected  []Rejection
	Positions []Position // of every stream that advanced or ended
}

// Status is what people are told about a source.
type Status struct {
	Position string // for people, such as "events.ndjson:1048576"
	Lag      int64  // bytes not read yet; -1 if unknown
	// CaughtUp is true if everything there was at the last look has been
	// returned by Next.
	CaughtUp bool
	Error    string // what hinders reading at present; "" if nothing does
}

// Source is a place that events come from. Next, Ack and Close are called by one
// goroutine at a time; Status by any.
type Source interface {
	// Next returns what comes next, and waits for it if there is nothing yet.
	// An obstacle that may go away (a file that does not exist, a broker that
	// is down) is reported by Status and waited for, not returned. The only
	// errors are ctx's and those that no waiting mends. The caller may keep
	// the batch.
	Next(ctx context.Context) (Batch, error)
	// Ack says that the batch last returned by Next is durable.
	Ack()
	// Status returns the present state.
	Status() Status
	// Close releases what the source holds. Next returns at once after it.
	Close() error
}
