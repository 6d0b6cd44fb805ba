package daemon

import (
	"errors"
	"time"

	"github.com/dam-delivery/dz/pkg/attempt"
	"github.com/dam-delivery/dz/pkg/debt"
	"github.com/dam-delivery/dz/pkg/store"
)

// forgetAfter is how long the failure of an attempt waits for room in the store.
const forgetAfter = 10 * time.Second

// forgets reports whether an outcome is given up that the store has no room for, and
// has had none for so long. What was not taken only keeps a slot and its objects from
// being tried again, and a success would make room: so it is as if it had not been
// made, save that the receiver may have taken it. What was taken is never given up,
// and a receiver that wants to be left alone is.
func (l *lane) forgets(a *attempted, err error, waited time.Duration) bool {
	o := &a.outcome
	if !errors.Is(err, store.ErrFull) || waited < forgetAfter || a.isAcknowledged() ||
		o.Verdict == attempt.Gone || l.now().Before(o.NotBefore) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range a.debts {
		if seen := a.debts[i].LastSeen; !seen.Before(l.forgot) {
			l.forgot = seen.Add(1)
		}
	}
	return true
}

// doubt notes of debts that were just claimed whether an attempt at them may have
// been forgotten. The caller holds the lock.
func (l *lane) doubt(debts []debt.Debt) {
	for i := range debts {
		debts[i].Unclear = debts[i].Unclear || debts[i].FirstSeen.Before(l.forgot)
	}
}
