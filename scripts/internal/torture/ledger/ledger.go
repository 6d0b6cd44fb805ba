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
	"time"
)

// What dz promises of an end of its process. These are not taken from dz: one that
// keeps less is to be found out.
const (
	// Unsettled is how many requests of an endpoint may have been answered well
	// without that being durable, and are repeated after a kill.
	Unsettled = 512
	// DurableWithin is how long a good answer may take to become durable. It is a
	// matter of milliseconds; so much is for a busy machine.
	DurableWithin = 2 * time.Second
	// Grace is what an orderly stop gives requests under way.
	Grace = 10 * time.Second
)

// Key is what a notification is about: dz keeps one debt per endpoint and key.
type Key struct {
	Type   uint8 // change type, one bit
	Reason uint8 // of the change, by a number of its own; 0 where it is not told
	Item   uint64
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
	emitted  uint64 // events that were given by calls: those that may be in the store
	ingested uint64 // events written that are known to be in the store
	ends     []End  // of the process, one an epoch; only ever appended to
	stuck    time.Time
	hiccup   time.Duration
	history  history
}

// End is one end of the process.
type End struct {
	Killed bool      // by SIGKILL; else it was told to end
	Open   int       // requests that receivers had begun on and not answered
	At     time.Time // the latest at which it was certainly neither killed nor told to end

	stuck time.Time // since then nothing could become durable; zero if it always could
}

// age is how long before the end an answer came that did not become durable.
func (e End) age(answered time.Time) time.Duration {
	if !e.stuck.IsZero() && e.stuck.Before(e.At) {
		return e.stuck.Sub(answered)
	}
	return e.At.Sub(answered)
}

// Terms are the settings of an endpoint that bound what it may be sent.
type Terms struct {
	Concurrency int           // requests at a time
	Timeout     time.Duration // of a request
	Debounce    time.Duration // that a change waits
	Reasons     bool          // it is told the reasons of changes, and is owed each by itself
	Replayed    bool          // recent changes may be replayed to it
}

// New makes an empty ledger.
func New() *Ledger { return &Ledger{accounts: make(map[string]*Account)} }

// Open makes an account that nothing is owed to before Changed says so.
func (l *Ledger) Open(id string, terms Terms) *Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &Account{
		ledger: l, id: id, terms: terms, reasons: terms.Reasons, replayed: terms.Replayed,
		owed: make(map[Key]uint64), seen: make(map[Key]*seen), repeats: make(map[int]repeats),
		retried: make(map[Key]time.Time), again: make(map[Key]time.Time),
		ends: l.ends,
	}
	if terms.Debounce > 0 {
		l.history.keep()
	}
	l.accounts[id] = a
	return a
}

// Write writes events and notes them. Subscriptions do not change meanwhile.
func (l *Ledger) Write(events []Event, write func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	begun := time.Now() // dz can't have read them earlier
	l.history.add(events, begun)
	if err := write(); err != nil {
		return err
	}
	for _, e := range events {
		l.written++
		l.last = max(l.last, e.Number)
		for _, a := range l.accounts {
			a.wrote(l.written, e, begun)
		}
	}
	return nil
}

// Written is how many events there are, also of those given by a call under way.
func (l *Ledger) Written() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written + l.emitted
}

// Ingested notes that so many events are in the store: the first that were written, and
// some that were given by calls.
func (l *Ledger) Ingested(events uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ingested = max(l.ingested, events-min(events, l.emitted))
	for _, a := range l.accounts {
		a.settle()
	}
}

// Ended notes the end of the process. No request of it can come in any more.
func (l *Ledger) Ended(end End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	end.stuck, l.stuck = l.stuck, time.Time{}
	l.ends = append(l.ends, end)
	for _, a := range l.accounts {
		a.mu.Lock()
		a.ends = l.ends
		a.mu.Unlock()
	}
}

// LastEnd returns the last end of the process, which there was.
func (l *Ledger) LastEnd() End {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ends[len(l.ends)-1]
}

// Stuck notes that from now on nothing can become durable, until the process ends.
func (l *Ledger) Stuck() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck = time.Now()
}

// Hiccup notes that the machine made programs wait so long at worst.
func (l *Ledger) Hiccup(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hiccup = max(l.hiccup, d)
}

// DurableWithin is how long a good answer may take to become durable on this
// machine, as it is.
func (l *Ledger) DurableWithin() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durableWithin()
}

// durableWithin is the same; the ledger is locked. It takes a few waits: for the
// processor, and for the flushes of the commit before and of its own.
func (l *Ledger) durableWithin() time.Duration { return DurableWithin + 4*l.hiccup }

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
		n += a.lacks()
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
