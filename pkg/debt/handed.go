package debt

import (
	"time"

	"github.com/dam-delivery/dz/pkg/event"
)

// Subject is what a change is of.
type Subject struct {
	Key    Key
	Object event.Object
}

// Alike are changes that differ in nothing but their subjects.
type Alike struct {
	Change // of any of them: its subject does not count
	Of     []Subject
}

// At returns one of the changes.
func (a *Alike) At(i int) Change {
	c, e := a.Change, *a.Event
	e.Object = a.Of[i].Object
	c.Key, c.Event = a.Of[i].Key, &e
	return c
}

// Handed is a change that was handed on to be told without a debt of its own, as
// something else is kept that stands for it. Its zero value is none.
type Handed struct {
	Changes *Alike
	Index   int       // of those
	At      time.Time // when that was
}

// IsZero reports whether it is none.
func (h *Handed) IsZero() bool { return h.Changes == nil }

// Change returns the change.
func (h *Handed) Change() Change { return h.Changes.At(h.Index) }
