package ledger

import (
	"slices"
	"time"
)

// Emission is an event on its way in by a call, beside the file. No event of the file
// has its key: which of the two came first could not be known.
type Emission struct {
	ledger *Ledger
	event  Event
}

// Emit notes that an event is about to be given to dz. Until it has ended, dz may have
// it or not.
func (l *Ledger) Emit(e Event) *Emission {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.history.add([]Event{e}, time.Now())
	l.emitted++
	l.last = max(l.last, e.Number)
	for _, a := range l.accounts {
		if a.certain&e.Type != 0 {
			a.emitting = append(a.emitting, a.toldOf(e))
		}
	}
	return &Emission{l, e}
}

// End says whether dz has the event.
func (m *Emission) End(taken bool) {
	l := m.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if !taken {
		l.emitted--
	}
	for _, a := range l.accounts {
		i := slices.IndexFunc(a.emitting, func(e Event) bool { return e.Number == m.event.Number })
		if i < 0 {
			continue
		}
		if taken {
			a.owed[a.emitting[i].Key] = m.event.Number
		}
		a.emitting = slices.Delete(a.emitting, i, i+1)
	}
}
