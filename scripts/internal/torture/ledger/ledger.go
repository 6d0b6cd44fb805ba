// Package ledger owns the torture's own model of dz: what every endpoint is
// owed, what its receiver got, and what is wrong between the two.
//
// It knows dz only from outside: the events that were written, what the API
// confirmed, the requests that came in, and when the process was ended. Every
// event has a number that rises with every event written, and travels in the
// notification, so that what was told can be compared with what was owed.
//
// Whatever can't be known from outside counts for dz: an event that was written
// while its endpoint was being registered may be owed or not. Everything else
// counts against it.
package ledger

import (
	"maps"
	"slices"
	"sync"
)

// Key is what a notification is about: dz keeps one debt per endpoint and key.
type Key struct {
	Type uint8 // change type, one bit
	Item uint64
}

// Event is a change that was written.
type Event struct {
	Key

	Number uint64 // rises with every event
}

// Ledger is the model of one dz.
type Ledger struct {
	mu       sync.Mutex // guards what is owed; taken before an account's
	accounts map[string]*Account
	written  uint64
	last     uint64 // the highest number written
	ingested uint64 // events that are known to be in the store
	ends     []End  // of the process, one an epoch
}

// End is one end of the process.
type End struct {
	Killed bool // by SIGKILL; else it was told to end
	Open   int  // requests that receivers had begun on and not answered
}

// New makes an empty ledger.
func New() *Ledger { return &Ledger{accounts: make(map[string]*Account)} }

// Open makes an account that nothing is owed to before Changed says so. At any
// time so many of its requests may have begun without their outcome being
// durable: what one kill may repeat.
func (l *Ledger) Open(id string, undurable int) *Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &Account{
		ledger: l, id: id, undurable: undurable,
		owed: make(map[Key]uint64), seen: make(map[Key]*seen), repeats: make(map[int]int),
		orderly: make(map[int]bool),
		epoch:   len(l.ends), born: len(l.ends), died: -1,
	}
	l.accounts[id] = a
	return a
}

// Write writes events and notes them. Subscriptions do not change meanwhile.
func (l *Ledger) Write(events []Event, write func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := write(); err != nil {
		return err
	}
	for _, e := range events {
		l.written++
		l.last = e.Number
		for _, a := range l.accounts {
			a.wrote(l.written, e)
		}
	}
	return nil
}

// Written is how many events there are.
func (l *Ledger) Written() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// Ingested notes that the first events are in the store.
func (l *Ledger) Ingested(events uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ingested = max(l.ingested, events)
	for _, a := range l.accounts {
		a.settle()
	}
}

// Ended notes the end of the process. No request of it can come in any more.
// open is how many were under way when it was ended.
func (l *Ledger) Ended(killed bool, open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = append(l.ends, End{Killed: killed, Open: open})
	for _, a := range l.accounts {
		a.mu.Lock()
		if !killed {
			a.orderly[a.epoch] = true
		}
		a.epoch = len(l.ends)
		a.mu.Unlock()
	}
}

// Restored notes that dz goes on from a backup: what it has sent since, it does
// not know of. So it may send older changes again, and everything a second time,
// but must still deliver all that is owed, and keep the order from here on.
func (l *Ledger) Restored() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.accounts {
		a.mu.Lock()
		for _, s := range a.seen {
			s.number, s.answer, s.forgotten = 0, none, true
		}
		a.mu.Unlock()
	}
}

// UnderWay counts the requests that receivers have begun on and not answered.
func (l *Ledger) UnderWay() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.accounts {
		a.mu.Lock()
		n += a.open
		a.mu.Unlock()
	}
	return n
}

// Missing counts what is owed and not delivered yet.
func (l *Ledger) Missing() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.accounts {
		n += len(a.missing())
	}
	return n
}

// sorted returns the accounts by id.
func (l *Ledger) sorted() []*Account {
	accounts := make([]*Account, 0, len(l.accounts))
	for _, id := range slices.Sorted(maps.Keys(l.accounts)) {
		accounts = append(accounts, l.accounts[id])
	}
	return accounts
}
