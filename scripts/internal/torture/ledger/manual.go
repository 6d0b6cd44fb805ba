package ledger

import (
	"slices"
	"time"
)

// What people do to an endpoint's debts, and what dz owes after that.
//
// A purge gives up what dz had taken in by then. A retry is an attempt. A replay tells
// again what came in since a time, in the order in which that came in: an older change
// may so follow a newer one, but an older message never does.

// Purged notes that the debts of these keys were purged, or may have been, before dz had
// taken in so many events: of what it had by then, nothing is owed for certain.
func (a *Account) Purged(keys []Key, ingested uint64) {
	l := a.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		delete(a.owed, key)
	}
	a.maybe = slices.DeleteFunc(a.maybe, func(m maybe) bool { return m.ordinal <= ingested && slices.Contains(keys, m.event.Key) })
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range keys {
		delete(a.retried, key)
		delete(a.again, key)
	}
}

// Retried notes that debts of these keys were to be sent at once, by a call that was
// begun at that time and confirmed.
func (a *Account) Retried(keys []Key, begun time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range keys {
		a.retried[key] = begun
	}
}

// NotRetried returns the keys that were to be retried, and about which no request has
// come since. It takes them for done. One that was taken shortly before may have been
// under way at the retry.
func (a *Account) NotRetried() (keys []Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, begun := range a.retried {
		s := a.seen[key]
		if s == nil || (s.begunAt.Before(begun) && s.takenAt.Before(begun.Add(-DurableWithin))) {
			keys = append(keys, key)
		}
	}
	clear(a.retried)
	return keys
}

// Replay is one under way.
type Replay struct {
	account *Account
	begun   time.Time
	keys    []Key // that are certainly among what came in since
}

// Replaying notes that what came in since a time is about to be replayed.
func (a *Account) Replaying(since time.Time) *Replay {
	l := a.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Replay{account: a, begun: time.Now()}
	for _, w := range a.recent {
		if w.ordinal <= l.ingested && !w.at.Before(since) {
			r.keys = append(r.keys, w.event.Key)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.replays++
	return r
}

// End notes that nothing more is replayed. Unless it was confirmed, any part of it may
// have been.
func (r *Replay) End(confirmed bool) {
	a := r.account
	a.mu.Lock()
	defer a.mu.Unlock()
	a.replays--
	a.replayedAt = time.Now()
	if !confirmed {
		return
	}
	for _, key := range r.keys {
		a.again[key] = r.begun
	}
}

// ToldAgain counts the changes that replays had told again.
func (a *Account) ToldAgain() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.toldAgain
}

// isToldAgain reports whether a request is one that a replay explains: the change is no
// newer than the one before, but the message is. The account is locked.
func (a *Account) isToldAgain(s *seen, n Notification, m message) bool {
	newer := n.Number > s.number || (n.Number == s.number && m == s.message)
	return !newer && s.message.before(m) && (a.replays > 0 || s.begunAt.Before(a.replayedAt.Add(late)))
}

// notAgain returns the keys that were to be told again and were not; the account is
// locked.
func (a *Account) notAgain() (keys []Key) {
	for key, begun := range a.again {
		if s := a.seen[key]; s == nil || s.tookAt.Before(begun) {
			keys = append(keys, key)
		}
	}
	return keys
}

// written is an event that was written, and not long ago.
type written struct {
	maybe

	at time.Time // or a little later
}

// recently is how long ago replays reach back at most.
const recently = 10 * time.Second

// remember keeps an event for replays; the ledger is locked.
func (a *Account) remember(m maybe, at time.Time) {
	if !a.replayed {
		return
	}
	old := 0
	for old < len(a.recent) && at.Sub(a.recent[old].at) > recently {
		old++
	}
	a.recent = append(slices.Delete(a.recent, 0, old), written{m, at})
}
